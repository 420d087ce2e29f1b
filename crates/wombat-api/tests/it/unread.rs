//! Clients that begin downloads and don't read them.

use std::{fs, path::Path, time::Duration};

use reqwest::StatusCode;
use sha2::{Digest, Sha256 as Hasher};
use tokio::io::AsyncReadExt;
use wombat_api::{ApiArgs, LimitArgs};
use wombat_model::BuildKey;
use wombat_testkit::{a_spec, wait_until};

use crate::{
    cache::Bed,
    raw::{RawCall, status, value},
    support::{Options, PATIENCE, artifact_path, finished, some_bytes},
};

/// More than sockets hold.
const LARGE: usize = 16_000_000;
const RUDE: &str = "203.0.113.7";
const OTHER: &str = "198.51.100.9";

async fn bed(cache_limit: Option<u64>, limits: LimitArgs) -> anyhow::Result<Bed> {
    let args = ApiArgs {
        trusted_proxies: vec!["127.0.0.1".parse()?],
        artifact_cache_limit: cache_limit,
        limits,
        ..ApiArgs::default()
    };
    Bed::with(Options {
        args,
        ..Options::default()
    })
    .await
}

/// A build with a binary of its own.
async fn build(bed: &Bed, seed: u8) -> anyhow::Result<(BuildKey, Vec<u8>)> {
    let bytes = some_bytes(LARGE, seed);
    let spec = a_spec().package(&format!("p{seed}")).build();
    Ok((finished(&bed.store, &spec, &bytes).await?, bytes))
}

/// Begins a download; reads its head alone.
async fn unread(bed: &Bed, key: &BuildKey, from: &str) -> anyhow::Result<(RawCall, String)> {
    let more = "Connection: close\r\n";
    let mut call = RawCall::get(&bed.api, from, &artifact_path(key), more).await?;
    let head = call.head().await?;
    Ok((call, head))
}

/// Bytes of all files of a folder, incomplete ones included.
fn stored(folder: &Path) -> anyhow::Result<u64> {
    let sizes = fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len()));
    sizes.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_downloads_stay_within_the_limit_of_the_cache() -> anyhow::Result<()> {
    const LIMIT: u64 = 40_000_000;
    let bed = bed(Some(LIMIT), LimitArgs::default()).await?;
    let mut calls = Vec::new();
    for seed in 1..=6 {
        let (key, bytes) = build(&bed, seed).await?;
        let (call, head) = unread(&bed, &key, RUDE).await?;
        assert_eq!(status(&head), 200, "{head}");
        let stored = stored(&bed.folder())?;
        assert!(stored <= LIMIT, "{stored} bytes with {seed} downloads");
        calls.push((call, key, bytes));
    }
    // Those that don't fit come from the object store, whole and right.
    let (last, key, bytes) = calls.last_mut().expect("six");
    assert!(last.rest().await?.0 == *bytes, "other bytes");
    let whole = bed.api.get(&artifact_path(key)).send().await?;
    assert_eq!(whole.status(), StatusCode::OK);
    assert!(whole.bytes().await? == *bytes, "other bytes");
    assert!(stored(&bed.folder())? <= LIMIT);
    // Once files aren't read any more, others take their room.
    let (_, key, bytes) = calls.pop().expect("six");
    drop(calls);
    let path = bed.folder().join(hex::encode(Hasher::digest(&bytes)));
    wait_until("the last one is on the disk", PATIENCE, async || {
        bed.is_right(&key, &bytes).await?;
        Ok(path.exists().then_some(()))
    })
    .await?;
    assert!(stored(&bed.folder())? <= LIMIT);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut() -> anyhow::Result<()> {
    let limits = LimitArgs {
        client_downloads: 1,
        stall_limit: Duration::from_secs(1),
        ..LimitArgs::default()
    };
    let bed = bed(None, limits).await?;
    let (key, bytes) = build(&bed, 1).await?;
    let (mut stalled, head) = unread(&bed, &key, RUDE).await?;
    assert_eq!(status(&head), 200, "{head}");
    let (_, head) = unread(&bed, &key, RUDE).await?;
    assert_eq!(status(&head), 503, "{head}");
    assert!(value(&head, "retry-after").parse::<u64>()? >= 1);
    // Another client may read slowly for longer than the limit.
    let (mut slow, head) = unread(&bed, &key, OTHER).await?;
    assert_eq!(status(&head), 200, "{head}");
    let mut read = Vec::new();
    let cut = wait_until("the place is free again", PATIENCE, async || {
        let mut piece = vec![0; 100_000];
        slow.stream.read_exact(&mut piece).await?;
        read.append(&mut piece);
        let (call, head) = unread(&bed, &key, RUDE).await?;
        Ok((status(&head) == 200).then_some(call))
    });
    let mut again = cut.await?;
    assert!(again.rest().await?.0 == bytes, "other bytes");
    let (received, _) = stalled.rest().await?;
    assert!(received.len() < LARGE, "it was cut");
    read.append(&mut slow.rest().await?.0);
    assert!(read == bytes, "the slow one was cut after {}", read.len());
    Ok(())
}
