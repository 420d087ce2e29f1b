//! Every error is a problem document, and every response has the headers that it should have.

use reqwest::{Method, Response, StatusCode};
use wombat_testkit::{NatsServer, a_spec};

use crate::support::{Api, Options, artifact_path, finished, header};

async fn problem(answer: Response, status: u16, code: &str) -> anyhow::Result<serde_json::Value> {
    let url = answer.url().clone();
    assert_eq!(answer.status().as_u16(), status, "{url}");
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    let id = header(&answer, "x-request-id").to_owned();
    let document: serde_json::Value = answer.json().await?;
    assert_eq!(document["status"], status, "{url}");
    assert_eq!(document["code"], code, "{url}");
    assert_eq!(document["requestId"], id, "{url}");
    assert_eq!(document["type"], "about:blank");
    assert!(document["problems"][0]["message"].is_string(), "{url}");
    Ok(document)
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_problem_document() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let api = Api::start(&server).await?;
    let get = async |path: &str| api.get(path).send().await;
    problem(get("/api/nothing").await?, 404, "not_found").await?;
    problem(get("/api").await?, 404, "not_found").await?;
    problem(get("/artifacts/linux/amd64").await?, 404, "not_found").await?;
    problem(
        get("/artifacts/linux/amd64/1.26.8/..%2f..%2fetc").await?,
        404,
        "not_found",
    )
    .await?;
    problem(
        get("/artifacts/linux/vax/1.26.8/aa").await?,
        404,
        "not_found",
    )
    .await?;
    problem(get("/api/builds/no-id").await?, 404, "not_found").await?;
    problem(get("/api/builds/%FF").await?, 400, "malformed").await?;
    problem(
        get(&format!("/api/builds/{}/log", a_spec().build().key())).await?,
        404,
        "not_found",
    )
    .await?;
    let document = problem(
        get("/api/builds?limit=x&facets=y&z=1").await?,
        400,
        "invalid_value",
    )
    .await?;
    assert_eq!(document["problems"].as_array().unwrap().len(), 3);
    problem(get("/api/catalog?kind=plug").await?, 400, "invalid_value").await?;

    let answer = api.request(Method::PUT, "/api/builds").send().await?;
    let allow = header(&answer, "allow").to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    problem(answer, 405, "method_not_allowed").await?;
    let answer = api.request(Method::POST, "/builds").send().await?;
    problem(answer, 405, "method_not_allowed").await?;

    let large = vec![b' '; 64 * 1024 + 1];
    let answer = api
        .request(Method::POST, "/api/builds")
        .body(large.clone())
        .send()
        .await?;
    let document = problem(answer, 413, "too_many").await?;
    assert_eq!(document["title"], "Content Too Large");
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(large)]);
    let body = reqwest::Body::wrap_stream(chunks);
    let answer = api
        .request(Method::POST, "/api/resolve")
        .body(body)
        .send()
        .await?;
    problem(answer, 413, "too_many").await?;

    let answer = api.request(Method::HEAD, "/api/nothing").send().await?;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(answer.bytes().await?.is_empty());

    let answer = api
        .request(Method::POST, "/api/builds")
        .body("{}")
        .send()
        .await?;
    let document = problem(answer, 503, "unavailable").await?;
    let detail = document["detail"].as_str().unwrap();
    assert!(detail.contains("no service is running"), "{detail}");
    Ok(())
}

#[tokio::test]
async fn every_response_has_the_security_headers() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let key = finished(&store, &a_spec().build(), b"binary").await?;
    let build = format!("/api/builds/{key}");
    let artifact = artifact_path(&key);
    let reads = [
        "/",
        "/builds",
        "/missing.js",
        "/healthz",
        "/readyz",
        "/api/nothing",
        "/api/version",
        "/api/platforms",
        "/api/builders",
        "/api/catalog",
        "/api/catalog/components/kafka",
        "/api/catalog/components/input/kafka",
        "/api/builds",
        "/api/events",
        &build,
        &format!("{build}/events"),
        &format!("{build}/log"),
        &format!("{build}/recipe"),
        &artifact,
        &format!("{artifact}.sha256"),
    ]
    .map(|path| (Method::GET, path.to_owned()));
    let writes = [
        (Method::POST, "/api/builds".to_owned()),
        (Method::POST, "/api/resolve".to_owned()),
        (Method::DELETE, build.clone()),
        (Method::PATCH, "/api/builds".to_owned()),
        (Method::HEAD, artifact.clone()),
    ];
    for (method, path) in reads.into_iter().chain(writes) {
        let answer = api.request(method.clone(), &path).send().await?;
        let policy = header(&answer, "content-security-policy");
        let default = if header(&answer, "content-type").starts_with("text/html") {
            "default-src 'self'"
        } else {
            "default-src 'none'"
        };
        for part in [default, "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{method} {path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{method} {path}: {policy}");
        assert_eq!(header(&answer, "x-frame-options"), "DENY", "{path}");
        assert_eq!(
            header(&answer, "x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(header(&answer, "referrer-policy"), "same-origin", "{path}");
        assert_eq!(
            header(&answer, "cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert!(
            header(&answer, "permissions-policy").contains("camera=()"),
            "{path}"
        );
        assert!(!header(&answer, "x-request-id").is_empty(), "{path}");
        assert!(!header(&answer, "cache-control").is_empty(), "{path}");
        // Every user's browser reaches a loopback address, whichever page it shows.
        let resources = header(&answer, "cross-origin-resource-policy");
        assert_eq!(resources, "same-origin", "{path}");
        let origin = header(&answer, "access-control-allow-origin");
        assert_eq!(origin, "", "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn other_websites_neither_read_nor_write_here() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let api = Api::with(
        &server.url(),
        Options {
            open_control: true,
            ..Options::default()
        },
    )
    .await?;
    let post = || api.request(Method::POST, "/api/builds").body("{}");
    let elsewhere = [
        ("Origin", "https://elsewhere.example".to_owned()),
        ("Origin", "null".to_owned()),
        ("Sec-Fetch-Site", "cross-site".to_owned()),
        ("Sec-Fetch-Site", "same-site".to_owned()),
        ("Host", "rebound.example".to_owned()),
    ];
    for (name, value) in elsewhere {
        let answer = post().header(name, value).send().await?;
        problem(answer, 403, "forbidden").await?;
    }
    let own = [
        ("Origin", format!("http://{}", api.address)),
        ("Sec-Fetch-Site", "same-origin".to_owned()),
        ("Accept", "*/*".to_owned()),
    ];
    for (name, value) in own {
        let answer = post().header(name, value).send().await?;
        assert_eq!(
            answer.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "no service answers, and the gateway refuses nothing"
        );
    }
    for method in ["GET", "POST"] {
        let answer = api
            .request(Method::OPTIONS, "/api/builds")
            .header("Origin", "https://elsewhere.example")
            .header("Access-Control-Request-Method", method)
            .send()
            .await?;
        assert_eq!(header(&answer, "access-control-allow-origin"), "");
        problem(answer, 403, "forbidden").await?;
    }
    Ok(())
}
