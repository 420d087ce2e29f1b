//! Direct downloads in browsers: a page asks first, and nothing else that a browser loads starts a build.

use anyhow::Context;
use reqwest::{Client, Method, Response, redirect::Policy};
use tempfile::NamedTempFile;
use wombat_model::BuildKey;
use wombat_store::{Revision, Store};
use wombat_testkit::NatsServer;

use crate::{
    service::Service,
    support::{Api, Options, building, header, succeed},
};

const PATH: &str =
    "/dl/linux/amd64?components=nats,redis_list&base=pure&name=acme&version=1.4.0%2B7";
/// What a browser sends when a person opens an address.
const OPENED: [(&str, &str); 4] = [
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "cross-site"),
];

/// A service, a gateway without more options, and a client that follows nothing.
struct Scene {
    _server: NatsServer,
    _service: Service,
    store: Store,
    /// The state of the records at the beginning.
    untouched: (i128, Revision),
    api: Api,
    client: Client,
}

impl Scene {
    async fn new(options: Options) -> anyhow::Result<Self> {
        let server = NatsServer::start()?;
        let (_connection, store) = server.store().await?;
        let service = Service::start(&server).await?;
        let api = Api::with(&server.url(), options).await?;
        let client = Client::builder().no_proxy().redirect(Policy::none());
        Ok(Self {
            _server: server,
            _service: service,
            untouched: store.builds.identity().await?,
            store,
            api,
            client: client.build()?,
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Response> {
        let url = format!("http://{}{path}", self.api.address);
        let request = self.client.request(method, url);
        let add = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        Ok(headers.iter().fold(request, add).send().await?)
    }

    /// Presses the button of the page.
    async fn press(&self, path: &str) -> anyhow::Result<Response> {
        let mut headers = OPENED;
        headers[3].1 = "same-origin";
        self.send(Method::POST, path, &headers).await
    }

    /// Fails if any build was requested.
    async fn nothing_was_requested(&self) -> anyhow::Result<()> {
        let now = self.store.builds.identity().await?;
        anyhow::ensure!(now == self.untouched, "{now:?}");
        Ok(())
    }
}

#[tokio::test]
async fn whatever_embeds_a_download_starts_nothing() -> anyhow::Result<()> {
    let scene = Box::pin(Scene::new(Options::default())).await?;
    for destination in [
        "image", "iframe", "script", "style", "embed", "video", "empty",
    ] {
        for (site, mode) in [("cross-site", "no-cors"), ("same-site", "navigate")] {
            let mut headers = OPENED;
            headers[1].1 = mode;
            headers[2].1 = destination;
            headers[3].1 = site;
            let answer = scene.send(Method::GET, PATH, &headers).await?;
            assert_eq!(answer.status(), 403, "{destination} {site} {mode}");
        }
    }
    for purpose in ["sec-purpose", "purpose", "x-moz"] {
        let headers = [&OPENED[..], &[(purpose, "prefetch")]].concat();
        let answer = scene.send(Method::GET, PATH, &headers).await?;
        assert_eq!(answer.status(), 403, "{purpose}");
    }
    // Over plain HTTP to another machine, browsers don't say what they load.
    let image = [
        ("accept", "image/avif,*/*;q=0.8"),
        ("accept-language", "en"),
        ("user-agent", "Mozilla/5.0 (X11) Firefox/140.0"),
    ];
    let answer = scene.send(Method::GET, PATH, &image).await?;
    assert_eq!(answer.status(), 403);
    let form = [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ];
    let answer = scene.send(Method::POST, PATH, &form).await?;
    assert_eq!(answer.status(), 403, "a form of another website");
    let answer = scene.send(Method::POST, PATH, &form[1..]).await?;
    assert_eq!(answer.status(), 403);
    scene.nothing_was_requested().await
}

#[tokio::test]
async fn a_person_sees_the_selection_before_anything_starts() -> anyhow::Result<()> {
    let scene = Box::pin(Scene::new(Options::default())).await?;
    for headers in [&OPENED[..], &OPENED[..1]] {
        let answer = scene.send(Method::GET, PATH, headers).await?;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert_eq!(header(&answer, "x-frame-options"), "DENY");
        let policy = header(&answer, "content-security-policy").to_owned();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!policy.contains("script-src"), "{policy}");
        let page = answer.text().await?;
        assert_eq!(page.matches("<button").count(), 1, "{page}");
        assert!(!page.contains("<script"), "{page}");
        for part in [
            "<form method=\"post\">",
            "linux/amd64",
            "<code>nats</code> and <code>redis_list</code>",
            "Nothing has been started yet",
            "acme 1.4.0+7",
            "MB",
            "from a few seconds to some minutes",
            "counts as one of your new builds",
            "href=\"/?c=nats,redis_list&amp;platform=linux/amd64&amp;base=pure&amp;name=acme&amp;version=1.4.0%2B7\"",
            "curl -fOJL 'http://127.0.0.1",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    let unknown = "/dl/linux/amd64?components=%3Cscript%3Enatz";
    let strange = "/dl/linux/amd64?component=nats";
    for (path, status) in [
        (unknown, 400),
        (strange, 400),
        ("/dl/linux/vax?components=nats", 400),
    ] {
        let answer = scene.send(Method::GET, path, &OPENED).await?;
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        let (found, page) = (answer.status(), answer.text().await?);
        assert!(found == status || found == 422, "{found} {page}");
        assert!(
            !page.contains("<script") && !page.contains("<button"),
            "{page}"
        );
    }
    scene.nothing_was_requested().await
}

#[tokio::test]
async fn the_button_starts_the_build_and_the_page_ends_with_the_download() -> anyhow::Result<()> {
    let scene = Box::pin(Scene::new(Options::default())).await?;
    let answer = scene.press(PATH).await?;
    assert_eq!(answer.status(), 303);
    let next = header(&answer, "location").to_owned();
    assert_eq!(next, format!("{PATH}&round=1"));
    let again = scene.press(PATH).await?;
    assert_eq!(header(&again, "location"), next, "it is the same build");

    let page = scene.send(Method::GET, &next, &OPENED).await?;
    let refresh = header(&page, "refresh").to_owned();
    assert_eq!(refresh, format!("1; url={PATH}&round=2"));
    let page = page.text().await?;
    assert!(page.contains("It waits for a builder"), "{page}");
    let id = page
        .split("href=\"/b/")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let key: BuildKey = id.context("a link to the build")?.parse()?;

    // While it is open, the address is a question again without a round.
    let question = scene.send(Method::GET, PATH, &OPENED).await?;
    assert!(question.text().await?.contains("it is being built already"));

    let record = scene.store.builds.get(&key).await?.context("a record")?;
    let waiting = scene.send(Method::GET, refresh.trim_start_matches("1; url="), &OPENED);
    let finished = async {
        let claim = building(&scene.store, record.value.spec(), false).await?;
        succeed(&scene.store, claim, b"binary").await
    };
    let (page, finished) = tokio::join!(waiting, finished);
    let (page, artifact) = (page?, finished?);
    let binary = key.artifact_path();
    assert_eq!(header(&page, "refresh"), format!("0; url={binary}"));
    let page = page.text().await?;
    assert!(page.contains(&artifact.sha256.to_string()), "{page}");
    assert!(page.contains(&format!("href=\"{binary}\"")), "{page}");

    // Tools are redirected to the binary as ever.
    let tool = scene.send(Method::GET, PATH, &[]).await?;
    assert_eq!(tool.status(), 303);
    assert_eq!(header(&tool, "location"), binary);
    let page = scene.send(Method::GET, PATH, &OPENED).await?.text().await?;
    assert!(
        page.contains("it is built already") && page.contains("<button"),
        "{page}"
    );
    Ok(())
}

#[tokio::test]
async fn where_a_request_needs_a_token_the_page_says_so() -> anyhow::Result<()> {
    let file = NamedTempFile::new()?;
    let mut options = Options::default();
    options.args.tokens = Some(file.path().to_owned());
    options.args.require_token = true;
    let scene = Box::pin(Scene::new(options)).await?;
    let page = scene.send(Method::GET, PATH, &OPENED).await?;
    let page = page.text().await?;
    assert!(
        !page.contains("<button") && page.contains("Authorization: Bearer"),
        "{page}"
    );
    let answer = scene.press(PATH).await?;
    assert_eq!(answer.status(), 401);
    assert!(header(&answer, "content-type").starts_with("text/html"));
    // Nor is a build begun ahead; the question is answered all the same.
    let body = r#"{"goos":"linux","goarch":"amd64","components":["nats"]}"#;
    let asked = scene.api.request(Method::POST, "/api/resolve?ahead=true");
    let answer = asked.body(body).send().await?;
    assert_eq!(answer.status(), 200);
    scene.nothing_was_requested().await
}
