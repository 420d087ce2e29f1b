//! An index that is always right, or says that it isn't yet.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    list::{finish, ids, indexed, list, submit},
    support::{Instance, ask, one, unlimited},
};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn changes_are_found_within_a_second() -> anyhow::Result<()> {
    let (_server, client, store, instance) = one().await?;
    indexed(&client, 0).await?;
    for n in 1..=3 {
        submit(&store, "linux/amd64", &format!("p{n}")).await?;
        let start = Instant::now();
        indexed(&client, n).await?;
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
    instance.stop().await?;
    Ok(())
}

/// Files of the index, largest first.
fn files(state: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(state.join("index"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.is_file() && !path.file_name().unwrap().to_str().unwrap().starts_with('.')
        })
        .collect();
    files.sort_by_key(|path| std::cmp::Reverse(path.metadata().unwrap().len()));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_builds_are_indexed_anew_in_time() -> anyhow::Result<()> {
    const COUNT: u64 = 10_000;
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let client = connection.client();
    let numbers: Vec<u64> = (0..COUNT).collect();
    for chunk in numbers.chunks(200) {
        let writes = chunk.iter().map(|n| {
            let store = &store;
            async move { submit(store, "linux/amd64", &format!("p{n}")).await }
        });
        futures::future::try_join_all(writes).await?;
    }
    let mut state = tempfile::tempdir()?;
    for damage in [
        "none yet",
        "folder deleted",
        "a file cut",
        "a byte flipped",
        "untouched",
    ] {
        match damage {
            "folder deleted" => std::fs::remove_dir_all(state.path().join("index"))?,
            "a file cut" => {
                let file = std::fs::OpenOptions::new()
                    .write(true)
                    .open(&files(state.path())[0])?;
                file.set_len(file.metadata()?.len() / 2)?;
            }
            "a byte flipped" => {
                let path = &files(state.path())[1];
                let mut bytes = std::fs::read(path)?;
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x55;
                std::fs::write(path, bytes)?;
            }
            _ => {}
        }
        let start = Instant::now();
        let instance = Instance::start_in(&server, unlimited(), state).await?;
        let answer = wait_until("the list is there", LIMIT, async || {
            Ok(ask(
                client,
                "build.list",
                &json!({"query": "p777", "facets": true}),
            )
            .await
            .ok())
        })
        .await?;
        eprintln!("{damage}: {:?}", start.elapsed());
        assert_eq!(answer["total"], 1, "{damage}");
        assert_eq!(
            list(client, &json!({"limit": 0})).await["total"],
            COUNT,
            "{damage}"
        );
        state = instance.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_happened_while_it_was_away_is_caught_up_with() -> anyhow::Result<()> {
    let (server, client, store, instance) = one().await?;
    let first = submit(&store, "linux/amd64", "one").await?;
    indexed(&client, 1).await?;
    let state = instance.stop().await?;
    finish(&store, &first, Some(3)).await?;
    submit(&store, "linux/amd64", "two").await?;
    let instance = Instance::start_in(&server, unlimited(), state).await?;
    indexed(&client, 2).await?;
    let answer = list(&client, &json!({"query": "status:success"})).await;
    assert_eq!(ids(&answer), [first.to_string()]);
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_busy_folder_is_no_obstacle() -> anyhow::Result<()> {
    let (server, client, store, first) = one().await?;
    // The same folder under another name, as a second process would have it.
    let shared = tempfile::tempdir()?;
    std::fs::remove_dir(shared.path())?;
    std::os::unix::fs::symlink(first.state.path(), shared.path())?;
    let second = Instance::start_in(&server, unlimited(), shared).await?;
    submit(&store, "linux/amd64", "one").await?;
    for _ in 0..20 {
        indexed(&client, 1).await?;
    }
    let state = second.stop().await?;
    indexed(&client, 1).await?;
    std::fs::remove_file(state.path())?;
    first.stop().await?;
    Ok(())
}
