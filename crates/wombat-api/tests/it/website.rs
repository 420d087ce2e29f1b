//! Addresses of the website, whether it was built or not.

use reqwest::StatusCode;
use wombat_testkit::{NatsServer, a_spec};

use crate::support::{Api, header};

#[tokio::test]
async fn pages_are_the_websites_own_and_missing_files_are_missing() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let api = Api::start(&server).await?;
    let front = api.get("/").send().await?;
    assert_eq!(front.status(), StatusCode::OK);
    let front = front.text().await?;
    let small = api.get("/").header("Accept-Encoding", "gzip");
    assert_eq!(header(&small.send().await?, "content-encoding"), "gzip");
    let page = format!("/builds/{}", a_spec().build().key());
    for path in ["/builds", "/builds/some/where", &page] {
        let answer = api.get(path).send().await?;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.text().await?, front, "{path}");
    }
    for path in [
        "/assets/index-12345678.js",
        "/favicon.gone",
        "/.env",
        "/../Cargo.toml",
    ] {
        let answer = api.get(path).send().await?;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&answer, "content-type"), "application/problem+json");
    }
    Ok(())
}
