//! Field values that would mean something else elsewhere: in a subject, a path, a file, a command.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use wombat_testkit::{Stack, a_request, artifact_path, connect};

use super::{ID, escaped};
use crate::program;

/// Each of them has a character that no field accepts.
const PIECES: [&str; 68] = [
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\u{7f}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{2028}",
    "\u{fffd}",
    "é",
    "ａｍｄ６４",
    "\u{435}",
    "😀",
    ">",
    "*",
    "$KV.builds.>",
    "$JS.API.STREAM.DELETE.KV_builds",
    "$SRV.PING",
    "_INBOX.>",
    "build.*",
    "\"",
    "'",
    "`",
    "\\",
    "\\n",
    "\"; import \"os\" //",
    "`; panic(1); `",
    "\"); func init() {",
    "/*",
    "// x\n",
    "{{.Packages}}",
    "{{`{{`}}",
    "${HOME}",
    "$(id)",
    "`id`",
    "; rm -rf /",
    "| cat",
    "& true",
    "&& id",
    "> /etc/passwd",
    "< /etc/passwd",
    "%00",
    "%2e%2e%2f",
    "%s%n%p",
    "../../etc/passwd?",
    "..\\..\\",
    "file:///etc/passwd",
    "http://127.0.0.1:1/x",
    "git:x/y",
    "-toolexec=sh",
    "--modfile=/tmp/x",
    "=> /tmp/x",
    "replace a => b",
    "go 1.99\ntoolchain go9.9.9",
    "#cgo LDFLAGS: -x",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;",
    "' OR '1'='1",
    "[\"a\"]",
    "{\"$ne\":null}",
    "(((((",
    "a,b",
    "^!",
    "Set-Cookie: a=b",
    "x\r\nX-Injected: 1",
];
/// Number of values per field.
const VALUES: usize = 500;

/// Pieces alone, and around a valid value.
fn values(fine: &str) -> Vec<String> {
    let around = |piece: &str| {
        [
            piece.to_owned(),
            format!("{fine}{piece}"),
            format!("{piece}{fine}"),
            format!("{fine}{piece}{fine}"),
            piece.repeat(2),
            format!("{fine}/{piece}"),
            format!("{fine}@{piece}"),
            format!("{fine}{}{piece}", "a".repeat(1_000)),
        ]
    };
    let all: Vec<String> = PIECES.into_iter().flat_map(around).collect();
    all.into_iter().take(VALUES).collect()
}

/// A field that takes a value.
struct Field {
    name: &'static str,
    /// A valid value.
    fine: String,
    method: Method,
    place: Place,
}

enum Place {
    /// In the body, which this function makes.
    Body(fn(&str) -> Value),
    /// In the path or query, where `{}` is.
    Path(&'static str),
}

fn body(name: &'static str, fine: &str, put: fn(&str) -> Value) -> Field {
    Field {
        name,
        fine: fine.to_owned(),
        method: Method::POST,
        place: Place::Body(put),
    }
}

fn path(name: &'static str, fine: &str, method: Method, path: &'static str) -> Field {
    Field {
        name,
        fine: fine.to_owned(),
        method,
        place: Place::Path(path),
    }
}

fn with(field: &str, value: Value) -> Value {
    let mut request = a_request(&["nats"]);
    request[field] = value;
    request
}

fn fields() -> Vec<Field> {
    let hash = ID.rsplit('.').next().unwrap_or_default();
    let package = connect("nats");
    vec![
        body("goos", "linux", |value| with("goos", json!(value))),
        body("goarch", "amd64", |value| with("goarch", json!(value))),
        body("goVersion", "1.26.8", |value| {
            with("goVersion", json!(value))
        }),
        body("variant", "v3", |value| with("variant", json!(value))),
        body("base", "pure", |value| with("base", json!(value))),
        body("force", "true", |value| with("force", json!(value))),
        body("packages", &package, |value| {
            with("packages", json!([value]))
        }),
        body("components", "kafka", |value| {
            with("components", json!([value]))
        }),
        body("module", "github.com/redpanda-data/connect/v4", |value| {
            with("modules", json!({value: "v4.105.0"}))
        }),
        body("version", "v4.105.0", |value| {
            with(
                "modules",
                json!({"github.com/redpanda-data/connect/v4": value}),
            )
        }),
        body("the name of a field", "goos", |value| {
            with(value, json!("linux"))
        }),
        path("id", ID, Method::GET, "/api/builds/{}"),
        path("id to cancel", ID, Method::DELETE, "/api/builds/{}"),
        path("id of a log", ID, Method::GET, "/api/builds/{}/log"),
        path("id of events", ID, Method::GET, "/api/builds/{}/events"),
        path("id of a recipe", ID, Method::GET, "/api/builds/{}/recipe"),
        path(
            "goos of a binary",
            "linux",
            Method::GET,
            "/artifacts/{}/amd64/1.26.8/a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb",
        ),
        path(
            "hash of a binary",
            hash,
            Method::GET,
            "/artifacts/linux/amd64/1.26.8/{}",
        ),
        path(
            "component",
            "kafka",
            Method::GET,
            "/api/catalog/components/{}",
        ),
        path(
            "kind of a component",
            "input",
            Method::GET,
            "/api/catalog/components/{}/kafka",
        ),
        path("limit", "20", Method::GET, "/api/builds?limit={}"),
        path("cursor", "", Method::GET, "/api/builds?cursor={}"),
        path("sort", "created", Method::GET, "/api/builds?sort={}"),
        path(
            "module of the catalog",
            "github.com/redpanda-data/connect/v4",
            Method::GET,
            "/api/catalog?module={}",
        ),
        path("unknown parameter", "x", Method::GET, "/api/builds?{}=1"),
    ]
}

impl Field {
    fn request(&self, stack: &Stack, value: &str) -> RequestBuilder {
        let url = &stack.site.url;
        match &self.place {
            Place::Body(put) => stack
                .site
                .client
                .request(self.method.clone(), format!("{url}/api/builds"))
                .json(&put(value)),
            Place::Path(path) => {
                let path = path.replace("{}", &escaped(value));
                let url = format!("{url}{path}");
                stack.site.client.request(self.method.clone(), url)
            }
        }
    }
}

/// Revisions of all buckets and streams.
async fn revisions(stack: &Stack) -> anyhow::Result<Vec<u64>> {
    let jetstream = async_nats::jetstream::new(stack.nats.connection().await?.client().clone());
    let mut revisions = Vec::new();
    for name in [
        "KV_builds",
        "KV_publications",
        "KV_catalog",
        "KV_gocache",
        "OBJ_artifacts",
        "BUILD_LOGS",
    ] {
        let stream = jetstream.get_stream(name).await?;
        revisions.push(stream.cached_info().state.last_sequence);
    }
    Ok(revisions)
}

/// Every message's subject.
struct Tap {
    subjects: Arc<Mutex<BTreeSet<String>>>,
    client: async_nats::Client,
    end: tokio::task::JoinHandle<()>,
}

const END: &str = "tap.end";

impl Tap {
    async fn open(stack: &Stack) -> anyhow::Result<Self> {
        let client = stack.nats.connection().await?.client().clone();
        let mut messages = client.subscribe(">").await?;
        client.flush().await?;
        let subjects: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let seen = Arc::clone(&subjects);
        let end = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                if message.subject.as_str() == END {
                    return;
                }
                seen.lock().unwrap().insert(message.subject.to_string());
            }
        });
        Ok(Self {
            subjects,
            client,
            end,
        })
    }

    async fn close(self) -> anyhow::Result<BTreeSet<String>> {
        self.client.publish(END, "".into()).await?;
        self.end.await?;
        Ok(std::mem::take(&mut self.subjects.lock().unwrap()))
    }
}

/// Subjects of refused requests, and of the background work on the store.
fn is_allowed(subject: &str) -> bool {
    const WHOLE: [&str; 16] = [
        "build.request",
        "build.force",
        "build.list",
        "build.get",
        "build.log",
        "build.cancel",
        "catalog.search",
        "catalog.components",
        "catalog.component",
        "$KV.builders.lock.janitor",
        "$KV.builders.lock.acknowledged",
        "$JS.API.STREAM.MSG.GET.KV_builders",
        "$JS.API.STREAM.MSG.GET.KV_builds",
        "$JS.API.STREAM.MSG.GET.KV_publications",
        // The janitor reads an object.
        "$JS.API.STREAM.MSG.GET.OBJ_artifacts",
        "$JS.EVENT.ADVISORY.API",
    ];
    const BEGINNINGS: [&str; 6] = [
        // Replies to other accounts.
        "_R_.",
        "_INBOX_service.",
        "_INBOX_api.",
        "_INBOX.",
        "$JS.FC.",
        "$JS.API.STREAM.INFO.",
    ];
    WHOLE.contains(&subject)
        || BEGINNINGS.iter().any(|begin| subject.starts_with(begin))
        || is_a_sweeps_consumer(subject)
}

/// A temporary consumer of the janitor: with a random name, and one of four filters.
fn is_a_sweeps_consumer(subject: &str) -> bool {
    const READ: [(&str, &str); 4] = [
        ("KV_builders", "$KV.builders.>"),
        ("KV_builds", "$KV.builds.build.>"),
        ("KV_publications", "$KV.publications.>"),
        ("OBJ_artifacts", "$O.artifacts.M.>"),
    ];
    let mut words = subject.split('.');
    let Some(name) = words.find_map(|word| word.strip_prefix("wombat-")) else {
        return false;
    };
    let is_made = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = subject.replace(name, "*");
    is_made
        && READ.iter().any(|(stream, filter)| {
            plain == format!("$JS.API.CONSUMER.CREATE.{stream}.wombat-*.{filter}")
                || plain == format!("$JS.API.CONSUMER.DELETE.{stream}.wombat-*")
                || plain == format!("$JS.EVENT.ADVISORY.CONSUMER.CREATED.{stream}.wombat-*")
                || plain == format!("$JS.EVENT.ADVISORY.CONSUMER.DELETED.{stream}.wombat-*")
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_takes_what_would_mean_something_elsewhere() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let before = revisions(&stack).await?;
    let tap = Tap::open(&stack).await?;
    for field in fields() {
        let values = values(&field.fine);
        ensure!(values.len() == VALUES, "{}", values.len());
        let ask = async |value: String| -> anyhow::Result<()> {
            let answer = field.request(&stack, &value).send().await;
            let answer = answer.with_context(|| format!("{}: {value:?}", field.name))?;
            let status = answer.status();
            ensure!(
                status.is_client_error(),
                "{} is answered with {status}: {value:?}",
                field.name
            );
            let text = answer.text().await?;
            let problem: Value = serde_json::from_str(&text)
                .with_context(|| format!("{}: {value:?}: {text}", field.name))?;
            ensure!(problem["status"] == status.as_u16(), "{text}");
            Ok(())
        };
        stream::iter(values)
            .map(ask)
            .buffer_unordered(16)
            .try_collect::<Vec<()>>()
            .await?;
    }
    // An existing build isn't harmed, and the last request was answered after all others were handled.
    let answer = stack.site.get(&artifact_path(ID)).await?;
    ensure!(answer.status() == 404, "{}", answer.status());
    let strange: Vec<String> = tap
        .close()
        .await?
        .into_iter()
        .filter(|it| !is_allowed(it))
        .collect();
    assert_eq!(
        strange,
        Vec::<String>::new(),
        "subjects that must get no messages"
    );
    assert_eq!(before, revisions(&stack).await?, "something was written");
    Ok(())
}
