//! The checks after a scenario.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures::{StreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{bed::Bed, load::Load, tally::Tally};
use crate::artifact_path;

/// How long builds, lists and streams may take to end.
const LIMIT: Duration = Duration::from_mins(4);
/// How long a list may lag behind.
const LAG: Duration = Duration::from_secs(15);
/// How many successes are checked at the same time.
const AT_ONCE: usize = 8;
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until all builds have ended, and counts violations.
pub(super) async fn check(bed: &Bed, load: &Load) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let ids = load.promised();
    tally.acknowledged = ids.len();
    let views = ended(bed, &ids, &mut tally).await?;
    let mut successes = Vec::new();
    for (id, view) in &views {
        // A build that loses three builders fails, as documented.
        if view["status"] == "failed" && view["failure"]["class"] != "lost" {
            tally.failed += 1;
            let error = view["error"].as_str().unwrap_or_default();
            if view["failure"]["class"] == "infra" && error.ends_with("is full.") {
                tally.failed_for_room += 1;
            } else {
                note(&mut tally, format!("{id} failed: {error}"));
            }
        }
        if let Some(problem) = time_problem(view) {
            tally.complaints.push(format!("{id}: {problem}"));
        }
        if view["status"] == "success" {
            successes.push((id, view));
        }
    }
    let mut looked = stream::iter(successes)
        .map(async |(id, view)| {
            let downloaded = downloaded(bed, id, view).await;
            (id, view, downloaded, log_problem(bed, id).await)
        })
        .buffered(AT_ONCE);
    while let Some((id, view, downloaded, log)) = looked.next().await {
        if let Err(error) = downloaded {
            tally.without_bytes += 1;
            note(&mut tally, format!("{id}: {error:#}"));
        }
        if let Some(problem) = log? {
            tally.gaps += 1;
            let (attempt, end) = (&view["attempt"], &view["log"]);
            note(
                &mut tally,
                format!("the log of {id}, attempt {attempt}, end {end}: {problem}"),
            );
        }
    }
    streams(load, &views, &mut tally).await;
    listed(bed, &mut tally).await?;
    tally.double = load.double();
    tally.complaints.extend(bed.panics());
    Ok(tally)
}

/// Checks that the times of a record are in order.
fn time_problem(view: &Value) -> Option<String> {
    let times = ["requested", "claimed", "finished"].map(|name| view[name].as_str());
    let times: Vec<OffsetDateTime> = times
        .into_iter()
        .flatten()
        .filter_map(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
        .collect();
    (!times.is_sorted()).then(|| format!("its times go backwards: {times:?}"))
}

/// Adds a complaint; a few of them are enough.
fn note(tally: &mut Tally, words: String) {
    const MOST: usize = 6;
    if tally.complaints.len() < MOST {
        tally.complaints.push(words);
    }
}

async fn ended(
    bed: &Bed,
    ids: &[String],
    tally: &mut Tally,
) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut views = BTreeMap::new();
    let begun = Instant::now();
    for id in ids {
        loop {
            let response = bed.site.get(&format!("/api/builds/{id}")).await?;
            let status = response.status();
            let view = response.text().await?;
            if status == StatusCode::NOT_FOUND {
                tally.lost += 1;
                note(tally, format!("{id} is gone"));
                break;
            }
            let view: Value = serde_json::from_str(&view).unwrap_or_default();
            if view["finished"].is_string()
                && !["new", "building"]
                    .map(Value::from)
                    .contains(&view["status"])
            {
                tally.ended += 1;
                views.insert(id.clone(), view);
                break;
            }
            if begun.elapsed() > LIMIT {
                note(
                    tally,
                    format!("{id} has no end: {status} {}", view["status"]),
                );
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(views)
}

async fn downloaded(bed: &Bed, id: &str, view: &Value) -> anyhow::Result<()> {
    let response = bed.site.get(&artifact_path(id)).await?;
    let status = response.status();
    let bytes = response.bytes().await.context("the download is cut")?;
    anyhow::ensure!(status.is_success(), "the download is answered {status}");
    let digest = hex::encode(Sha256::digest(&bytes));
    anyhow::ensure!(view["sha256"] == digest, "other bytes came");
    Ok(())
}

/// Checks that the log of a success begins with its claim, ends with its end, and has no gap.
async fn log_problem(bed: &Bed, id: &str) -> anyhow::Result<Option<String>> {
    let response = bed.site.get(&format!("/api/builds/{id}/log")).await?;
    let status = response.status();
    let log = response.text().await?;
    let first = log.lines().next().unwrap_or_default();
    let last = log.lines().last().unwrap_or_default();
    if !status.is_success() {
        return Ok(Some(status.to_string()));
    }
    let whole = first.contains("claimed by") && last.contains("end: ");
    let missing = log
        .lines()
        .find(|line| line.ends_with("lines are missing here"));
    Ok(match missing {
        Some(missing) => Some(missing.to_owned()),
        None if whole => None,
        None => Some(format!("from {first:?} to {last:?}")),
    })
}

async fn streams(load: &Load, views: &BTreeMap<String, Value>, tally: &mut Tally) {
    let begun = Instant::now();
    for (id, follower) in load.take_promised() {
        let Some(follower) = follower else { continue };
        let left = LIMIT
            .saturating_sub(begun.elapsed())
            .max(Duration::from_secs(1));
        let claim = views.get(&id).and_then(|view| view["claim"].as_str());
        let problem = match tokio::time::timeout(left, follower).await {
            Ok(Ok(seen)) => seen.lacks(claim),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it doesn't end".to_owned()),
        };
        if let Some(problem) = problem {
            tally.gaps += 1;
            note(tally, format!("the stream of {id}: {problem}"));
        }
    }
}

/// Checks that each record is listed once, at its newest revision.
async fn listed(bed: &Bed, tally: &mut Tally) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let wrong = wrongly_listed(bed).await?;
        if wrong.is_empty() || begun.elapsed() > LAG {
            tally.twice = wrong.len();
            for words in wrong {
                note(tally, words);
            }
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn wrongly_listed(bed: &Bed) -> anyhow::Result<Vec<String>> {
    let mut entries: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = bed
            .site
            .json(&format!("/api/builds?limit=200{cursor}"))
            .await?;
        for build in page["builds"].as_array().context("builds")? {
            let id = build["id"].as_str().context("an id")?.to_owned();
            let revision = build["revision"].as_u64().context("a revision")?;
            entries.entry(id).or_default().push(revision);
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut wrong = Vec::new();
    let mut records = records(bed).await?;
    for (id, revisions) in entries {
        match records.remove(&id) {
            Some(revision) if revisions == [revision] => {}
            newest => wrong.push(format!(
                "{id} is listed at {revisions:?}; its record is at {newest:?}"
            )),
        }
    }
    wrong.extend(records.into_keys().map(|id| format!("{id} isn't listed")));
    Ok(wrong)
}

/// All records and their revisions.
async fn records(bed: &Bed) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut records = BTreeMap::new();
    let mut watcher = bed.store.builds.watch();
    loop {
        match tokio::time::timeout(LIMIT, watcher.next()).await? {
            wombat_store::WatchEvent::Value { key, record, .. } => {
                records.insert(key, record.revision.get());
            }
            wombat_store::WatchEvent::Removed { key, .. }
            | wombat_store::WatchEvent::Unreadable { key, .. } => drop(records.remove(&key)),
            wombat_store::WatchEvent::Reset => records.clear(),
            wombat_store::WatchEvent::Ready => return Ok(records),
        }
    }
}
