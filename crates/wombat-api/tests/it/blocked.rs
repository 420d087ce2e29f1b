//! Binaries with modules that the operator blocks.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use wombat_model::{Blocklist, BuildKey};
use wombat_store::Store;
use wombat_testkit::{NatsServer, a_spec, go_binary, wait_until};

use crate::support::{Api, PATIENCE, artifact_path, finished};

const LINES: &str = "path\twombat/binary\nmod\twombat/binary\t(devel)\t\n\
                     dep\tgood.example/m\tv1.0.0\th1:x=\n\
                     dep\told.example/m\tv1.0.0\n=>\tevil.example/fork\tv1.2.3\th1:x=\n";

async fn block(store: &Store, list: &str) -> anyhow::Result<()> {
    let list: Blocklist = serde_json::from_str(list)?;
    let seen = store.catalog.blocklist_revision().await?;
    store.catalog.block(list, seen).await?;
    Ok(())
}

/// Waits for this status of a download; returns its body.
async fn until(api: &Api, key: &BuildKey, status: StatusCode) -> anyhow::Result<String> {
    wait_until("the download to change", PATIENCE, async || {
        let answer = api.get(&artifact_path(key)).send().await?;
        let is_it = answer.status() == status;
        let text = String::from_utf8_lossy(&answer.bytes().await?).into_owned();
        Ok(is_it.then_some(text))
    })
    .await
}

#[tokio::test]
async fn a_binary_with_a_blocked_module_is_neither_served_nor_run() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    // No builder recorded its modules, as with binaries of earlier versions.
    let bytes = go_binary("go1.26.8", LINES);
    let key = finished(&store, &a_spec().build(), &bytes).await?;
    let other = finished(&store, &a_spec().package("redis").build(), b"no Go binary").await?;
    until(&api, &key, StatusCode::OK).await?;
    for (entry, reason) in [
        // What was requested, what is linked, and what replaces it.
        ("github.com/redpanda-data/connect/v4", "requested"),
        ("old.example/*", "linked"),
        ("evil.example/fork@v1.2.3", "replaces"),
    ] {
        let list = format!(r#"[{{"module": "{entry}", "reason": "{reason}"}}]"#);
        block(&store, &list).await?;
        let refused = until(&api, &key, StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS).await?;
        let problem: Value = serde_json::from_str(&refused)?;
        assert_eq!(problem["code"], "module_blocked", "{problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        let words = format!("by the entry `{entry}` ({reason}).");
        assert!(detail.ends_with(&words), "{detail}");
        let path = artifact_path(&key);
        for (method, path) in [
            (Method::HEAD, path.clone()),
            (Method::GET, format!("{path}.sha256")),
            (Method::POST, format!("/api/builds/{key}/lint")),
        ] {
            let answer = api.request(method, &path).body("input: {}").send().await?;
            assert_eq!(answer.status().as_u16(), 451, "{path} {entry}");
        }
        block(&store, "[]").await?;
        until(&api, &key, StatusCode::OK).await?;
    }

    // A list that hits other versions or modules refuses nothing, and neither does one that is gone.
    block(
        &store,
        r#"[{"module": "evil.example/fork@v1.2.4"}, {"module": "a.b"}]"#,
    )
    .await?;
    let fresh = Api::start(&server).await?;
    until(&fresh, &key, StatusCode::OK).await?;
    until(&fresh, &other, StatusCode::OK).await?;
    Ok(())
}
