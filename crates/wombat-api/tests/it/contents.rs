//! What binaries say about their contents, however they were made.

use reqwest::StatusCode;
use serde_json::Value;
use wombat_testkit::{NatsServer, a_spec, go_binary};

use crate::support::{Api, finished};

/// A binary whose table of functions is larger than that of any real one.
fn with_a_made_up_table() -> Vec<u8> {
    const FUNCTIONS: usize = 1_000_001;
    let mut bytes = go_binary(
        "go1.26.8",
        "path\tx.example/m\nmod\tx.example/m\t(devel)\t\n",
    );
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    bytes.extend(*b"\xf1\xff\xff\xff\0\0\x01\x08");
    for word in [FUNCTIONS, 0, 0, 72, 0, 0, 0, 72] {
        bytes.extend((word as u64).to_le_bytes());
    }
    bytes.resize(bytes.len() + FUNCTIONS * 8 + 4, 0);
    bytes
}

#[tokio::test]
async fn a_made_up_table_is_refused_with_its_limit() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let key = finished(&store, &a_spec().build(), &with_a_made_up_table()).await?;
    store.settle(&key).await?;
    // The second answer is remembered.
    for _ in 0..2 {
        let answer = api.get(&format!("/api/builds/{key}/contents"));
        let answer = answer.send().await?;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem: Value = answer.json().await?;
        assert_eq!(
            problem["problems"][0]["message"],
            "the binary's table of functions has more than 1000000 functions, which is the limit."
        );
    }
    Ok(())
}
