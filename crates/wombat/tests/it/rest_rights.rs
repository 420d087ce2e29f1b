//! Permissions over REST: every route with every role, and their table in the documentation.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use anyhow::Context;
use reqwest::{Method, StatusCode};
use wombat_testkit::{NatsServer, Site, table_in_docs};

use crate::{
    program,
    tokens::{ROLES, Tokens},
};

const ID: &str =
    "build.linux.amd64.1_26_8.a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb";
const HASH: &str = "a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb";

/// The role that a call needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Operator,
    Admin,
}

struct Call {
    method: Method,
    /// As the router has it.
    route: &'static str,
    /// The query that is sent, besides the route.
    extra: &'static str,
    body: &'static str,
    needs: Needs,
}

const fn call(method: Method, route: &'static str, needs: Needs) -> Call {
    Call {
        method,
        route,
        extra: "",
        body: "",
        needs,
    }
}

const BODY: &str = r#"{"goos":"linux","goarch":"amd64","components":["nats"]}"#;
const FORCED: &str = r#"{"goos":"linux","goarch":"amd64","components":["nats"],"force":true}"#;

fn calls() -> Vec<Call> {
    use Needs::{Admin, Nothing, Operator};
    vec![
        call(Method::GET, "/api/builds", Nothing),
        Call {
            body: BODY,
            ..call(Method::POST, "/api/builds", Nothing)
        },
        Call {
            body: FORCED,
            extra: " with `force`",
            ..call(Method::POST, "/api/builds", Operator)
        },
        call(Method::GET, "/api/builds/{id}", Nothing),
        call(Method::DELETE, "/api/builds/{id}", Operator),
        Call {
            extra: "?purge=1",
            ..call(Method::DELETE, "/api/builds/{id}", Admin)
        },
        call(Method::GET, "/api/builds/{id}/events", Nothing),
        call(Method::GET, "/api/builds/{id}/log", Nothing),
        call(Method::GET, "/api/builds/{id}/recipe", Nothing),
        call(Method::GET, "/api/builds/{id}/contents", Nothing),
        Call {
            body: "input: {stdin: {}}",
            ..call(Method::POST, "/api/builds/{id}/lint", Nothing)
        },
        call(Method::GET, "/api/events", Nothing),
        call(Method::GET, "/dl/{goos}/{goarch}", Nothing),
        call(Method::POST, "/dl/{goos}/{goarch}", Nothing),
        call(
            Method::GET,
            "/artifacts/{goos}/{goarch}/{go}/{hash}",
            Nothing,
        ),
        call(
            Method::HEAD,
            "/artifacts/{goos}/{goarch}/{go}/{hash}",
            Nothing,
        ),
        Call {
            body: BODY,
            ..call(Method::POST, "/api/resolve", Nothing)
        },
        call(Method::GET, "/api/catalog", Nothing),
        Call {
            body: "input: {stdin: {}}",
            ..call(Method::POST, "/api/catalog/select", Nothing)
        },
        call(Method::GET, "/api/catalog/components", Nothing),
        call(Method::GET, "/api/catalog/components/{name}", Nothing),
        call(
            Method::GET,
            "/api/catalog/components/{kind}/{name}",
            Nothing,
        ),
        call(Method::GET, "/api/catalog/imports", Nothing),
        Call {
            body: r#"{"module":"example.com/a","version":"v1.0.0"}"#,
            ..call(Method::POST, "/api/catalog/imports", Admin)
        },
        call(Method::GET, "/api/catalog/go-releases", Nothing),
        call(Method::GET, "/api/blocklist", Operator),
        Call {
            body: r#"{"modules":[]}"#,
            ..call(Method::PUT, "/api/blocklist", Admin)
        },
        call(Method::GET, "/api/builders", Nothing),
        call(Method::GET, "/api/stats", Nothing),
        call(Method::GET, "/api/platforms", Nothing),
        call(Method::GET, "/api/version", Nothing),
        call(Method::GET, "/api/health", Nothing),
        call(Method::GET, "/api/openapi.json", Nothing),
        call(Method::GET, "/healthz", Nothing),
        call(Method::GET, "/readyz", Nothing),
    ]
}

impl Call {
    fn path(&self) -> String {
        let path = self
            .route
            .replace("{id}", ID)
            .replace("{goos}", "linux")
            .replace("{goarch}", "amd64")
            .replace("{go}", "1.26.8")
            .replace("{hash}", HASH)
            .replace("{kind}", "input")
            .replace("{name}", "nats");
        match self.extra.strip_prefix('?') {
            Some(query) => format!("{path}?{query}"),
            None => path,
        }
    }

    fn shown(&self) -> String {
        let extra = match self.extra.strip_prefix('?') {
            Some(_) => (self.extra, ""),
            None => ("", self.extra),
        };
        format!("`{} {}{}`{}", self.method, self.route, extra.0, extra.1)
    }

    /// The expected result with this token: success, or the status of the refusal.
    fn expected(&self, role: Option<&str>) -> Option<StatusCode> {
        let has = role.and_then(|role| ROLES.iter().position(|name| *name == role));
        let needed = match self.needs {
            Needs::Nothing => return None,
            Needs::Operator => 1,
            Needs::Admin => 2,
        };
        match has {
            None => Some(StatusCode::UNAUTHORIZED),
            Some(has) if has < needed => Some(StatusCode::FORBIDDEN),
            Some(_) => None,
        }
    }
}

/// The routes that the router has.
fn routes() -> anyhow::Result<BTreeSet<String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wombat-api/src/routes/mod.rs");
    let text = fs::read_to_string(source)?;
    let after = text.split(".route(").skip(1);
    Ok(after
        .filter_map(|rest| Some(rest.split('"').nth(1)?.to_owned()))
        .collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_takes_whom_it_should() -> anyhow::Result<()> {
    let calls = calls();
    let known: BTreeSet<String> = calls.iter().map(|call| call.route.to_owned()).collect();
    assert_eq!(known, routes()?, "a route is missing in the table, or gone");

    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let url = nats.url();
    let _service = program().start(&["service", "--nats-url", &url])?;
    let tokens = Tokens::new()?;
    let path = tokens.path()?;
    let (api, site) = program().gateway(&url, &["--tokens", &path]).await?;
    let asked =
        async |site: &Site, call: &Call, bearer: Option<&str>| -> anyhow::Result<StatusCode> {
            let url = format!("{}{}", site.url, call.path());
            let mut request = site
                .client
                .request(call.method.clone(), url)
                .body(call.body);
            if let Some(bearer) = bearer {
                request = request.bearer_auth(bearer);
            }
            Ok(request.send().await?.status())
        };
    let mut table =
        String::from("| call | no token | reader | operator | admin |\n|---|---|---|---|---|\n");
    for call in &calls {
        write!(table, "| {} |", call.shown())?;
        for role in [None, Some("reader"), Some("operator"), Some("admin")] {
            let status = asked(&site, call, role.map(|role| tokens.of(role))).await?;
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]
                .into_iter()
                .find(|refusal| *refusal == status);
            assert_eq!(
                refused,
                call.expected(role),
                "{} as {role:?}: {status}",
                call.shown()
            );
            assert!(
                !status.is_server_error(),
                "{} as {role:?}: {status}",
                call.shown()
            );
            match refused {
                None => table.push_str(" yes |"),
                Some(status) => write!(table, " {} |", status.as_u16())?,
            }
        }
        table.push('\n');
        // An unknown token is worth less than none.
        let status = asked(&site, call, Some("wbt_made-up")).await?;
        let refused = status == StatusCode::FORBIDDEN;
        assert_eq!(
            refused,
            call.needs != Needs::Nothing,
            "{}: {status}",
            call.shown()
        );
    }
    drop(api);

    // Where a request needs a token, that of any role will do.
    let strict = ["--tokens", &path, "--require-token"];
    let (_strict, site) = program().gateway(&url, &strict).await?;
    let ask = calls
        .iter()
        .find(|call| call.body == BODY && call.route == "/api/builds");
    let ask = ask.context("it is in the table")?;
    assert_eq!(asked(&site, ask, None).await?, StatusCode::UNAUTHORIZED);
    assert!(
        asked(&site, ask, Some(tokens.of("reader")))
            .await?
            .is_success()
    );
    table_in_docs("REST.md", "rights", &table)
}
