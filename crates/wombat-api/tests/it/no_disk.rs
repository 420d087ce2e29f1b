//! The gateway works without a disk: a folder that can't be used.

use std::fs;

use anyhow::Context;
use reqwest::StatusCode;
use wombat_store::Connection;
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::{
    cache::Bed,
    service::Service,
    support::{Api, Options, PATIENCE, artifact_path, finished, some_bytes},
};

/// A file has the name of the folder, so that even root, whom no permission stops, can't store files.
#[tokio::test]
async fn without_a_folder_downloads_come_from_the_object_store() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let place = directory.path().join("artifact-cache");
    fs::write(&place, "not a folder")?;
    let bed = Bed::with(Options {
        directory: Some(directory.path().to_owned()),
        ..Options::default()
    })
    .await?;
    let mut builds = Vec::new();
    for (seed, size) in [(1, 1_500_000), (2, 4_000), (3, 524_288), (4, 524_289)] {
        let bytes = some_bytes(size, seed);
        let spec = a_spec().package(&format!("p{seed}")).build();
        builds.push((finished(&bed.store, &spec, &bytes).await?, bytes));
    }
    for (key, bytes) in &builds {
        bed.is_right(key, bytes).await?;
        for (first, last) in [(0, 0), (0, 99), (bytes.len() - 1, bytes.len() - 1)] {
            let request = bed.api.get(&artifact_path(key));
            let range = format!("bytes={first}-{last}");
            let part = request.header("Range", range).send().await?;
            assert!(part.bytes().await? == bytes[first..=last]);
        }
    }
    assert_eq!(fs::read(&place)?, b"not a folder");

    // The place is free: the next downloads are kept, after a while without another try.
    fs::remove_file(&place)?;
    let (key, bytes) = &builds[0];
    wait_until("a file is kept", PATIENCE, async || {
        bed.is_right(key, bytes).await?;
        Ok(bed.file().ok())
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_gateway_without_its_folder_is_ready_and_says_so() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let _service = Service::start(&server).await?;
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("artifact-cache"), "not a folder")?;
    let options = Options {
        directory: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let api = Api::with(&server.url(), options).await?;
    let words = wait_until("it is ready", PATIENCE, async || {
        let answer = api.get("/readyz").send().await?;
        let ready = answer.status() == StatusCode::OK;
        Ok(ready.then_some(answer.text().await?))
    })
    .await?;
    let (first, note) = words.split_once('\n').context("two lines")?;
    assert_eq!(first, "ready");
    assert!(
        note.contains("downloads come straight from the object store"),
        "{note}"
    );
    Ok(())
}

/// The object's last chunk is another one of the same size: no client gets as many bytes as were announced.
#[tokio::test]
async fn wrong_bytes_in_the_object_store_break_a_direct_transfer() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("artifact-cache"), "not a folder")?;
    let bed = Bed::with(Options {
        directory: Some(directory.path().to_owned()),
        ..Options::default()
    })
    .await?;
    let bytes = some_bytes(1_500_000, 5);
    let key = finished(&bed.store, &a_spec().build(), &bytes).await?;
    bed.is_right(&key, &bytes).await?;
    replace_last_chunk(&bed.connection).await?;
    for range in ["bytes=0-1499999", "bytes=0-9", "bytes=600000-600010"] {
        let request = bed.api.get(&artifact_path(&key));
        let answer = request.header("Range", range).send().await;
        let body = match answer {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        assert!(body.is_err(), "{range}: the transfer ended well");
    }
    Ok(())
}

/// Puts other bytes of the same length in the place of the last chunk in the store of binaries.
async fn replace_last_chunk(connection: &Connection) -> anyhow::Result<()> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("OBJ_artifacts").await?;
    let last = stream.cached_info().state.last_sequence;
    for sequence in (1..=last).rev() {
        let Ok(message) = stream.get_raw_message(sequence).await else {
            continue;
        };
        if message.subject.starts_with("$O.artifacts.C.") {
            let mut payload = message.payload.to_vec();
            payload[0] ^= 1;
            stream.delete_message(sequence).await?;
            jetstream
                .publish(message.subject, payload.into())
                .await?
                .await?;
            return Ok(());
        }
    }
    anyhow::bail!("no chunk")
}
