//! Records, grants and results: what would put another binary behind an official address, or take one away.

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wombat_model::{Build, BuildKey};
use wombat_testkit::{a_spec, wait_until};

use super::{
    finished::Finished,
    scene::{LIMIT, Scene},
    thief::Thief,
    uploads::upload,
    verdict::{Verdict, verdict},
};

/// What the thief would have others run.
const EVIL: &[u8] = b"another binary";
/// The claim that its records name.
const CLAIM: &str = "c9";

pub(super) type Headers = &'static [(&'static str, &'static str)];

/// The record of a build with the binary of the thief.
fn forged(record: &Value, id: &str) -> Value {
    let mut json = record.clone();
    json["status"] = "success".into();
    json["builder"] = "thief-1".into();
    json["builtBy"] = "thief-1".into();
    json["claim"] = CLAIM.into();
    json["artifact"] = format!("{id}/{CLAIM}").into();
    json["size"] = EVIL.len().into();
    json["sha256"] = hex::encode(Sha256::digest(EVIL)).into();
    json
}

async fn upload_for(thief: &Thief, key: &BuildKey) -> anyhow::Result<()> {
    upload(thief, &format!("{key}/{CLAIM}"), EVIL).await?;
    Ok(())
}

/// Writes a build's record, and waits until it is as it was. `request`: a user requests the build meanwhile.
pub(super) async fn tampered(
    scene: &Scene,
    thief: &Thief,
    build: &Finished,
    writes: &[(Headers, String)],
    request: bool,
) -> anyhow::Result<Verdict> {
    let key = &build.key;
    let subject = format!("$KV.builds.{key}");
    let number = scene.store.publications.of(key).await?.number();
    for (headers, payload) in writes {
        let answer = thief.send(&subject, headers, payload.clone()).await?;
        if !answer.is_accepted() {
            return Ok(answer.verdict());
        }
    }
    if writes
        .iter()
        .any(|(headers, _)| headers.iter().any(|it| it.0 == "Nats-TTL"))
    {
        wait_until("the record to expire", LIMIT, async || {
            Ok(scene.record(key).await?.is_null().then_some(()))
        })
        .await?;
    }
    let is_same = wait_until(&format!("{key} to be put back"), LIMIT, async || {
        if request {
            // Refused while the service looks at the record a second time.
            let (status, view) = scene.site.ask(&build.request).await?;
            ensure!(status.is_success() || status == 503, "{status} {view}");
        }
        let response = scene.site.get(&build.path()).await?;
        if response.status() == StatusCode::OK && response.bytes().await? != build.bytes {
            eprintln!("{}: other bytes of {key} are served", thief.role);
            return Ok(Some(false));
        }
        if scene.store.publications.of(key).await?.number() != number {
            eprintln!("{}: {key} is granted once more", thief.role);
            return Ok(Some(false));
        }
        Ok(scene.agrees(build).await?.then_some(true))
    })
    .await?;
    Ok(if is_same {
        Verdict::PutBack
    } else {
        Verdict::Possible
    })
}

fn worst(all: Vec<Verdict>) -> Verdict {
    all.into_iter().max().unwrap_or(Verdict::Refused)
}

/// Another binary behind an address, by one write, by two, and by a record without its steps.
pub(super) async fn another_binary(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let [one, two] = [&scene.finished[0], &scene.finished[1]];
    for build in [one, two] {
        upload_for(thief, &build.key).await?;
    }
    let mut building = two.record.clone();
    building["status"] = "building".into();
    building["claim"] = CLAIM.into();
    building["builder"] = "thief-1".into();
    let at_once = [(&[][..], forged(&one.record, one.key.as_str()).to_string())];
    let in_steps = [
        (&[][..], building.to_string()),
        (&[][..], forged(&two.record, two.key.as_str()).to_string()),
    ];
    let all = try_join_all([
        tampered(scene, thief, one, &at_once, false),
        tampered(scene, thief, two, &in_steps, false),
    ]);
    Ok(worst(all.await?))
}

/// A finished build that fails, expires, or is open again.
pub(super) async fn another_state(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let record = |n: usize| scene.finished[n].record.clone();
    let mut failed = record(2);
    failed["status"] = "failed".into();
    failed["error"] = "words".into();
    failed["failure"] = json!({"class": "compile"});
    let mut expired = record(3);
    expired["expired"] = true.into();
    let mut building = record(4);
    building["status"] = "building".into();
    let mut new = record(5);
    new["status"] = "new".into();
    for name in [
        "builder", "claim", "artifact", "size", "sha256", "builtBy", "finished",
    ] {
        new.as_object_mut().context("a record")?.remove(name);
    }
    let writes = [failed, expired, building, new].map(|it| [(&[][..], it.to_string())]);
    let all = writes
        .iter()
        .enumerate()
        .map(|(n, writes)| tampered(scene, thief, &scene.finished[n + 2], writes, false));
    Ok(worst(try_join_all(all).await?))
}

/// A success of a build that no one requested.
pub(super) async fn not_granted(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let package = format!("stolen{}", thief.role.name().replace('-', ""));
    let spec = a_spec().package(&package).build();
    let key = spec.key();
    upload_for(thief, &key).await?;
    let waiting = Build::new(spec, 1, scene.store.builds.server_time());
    let mut record: Value = serde_json::from_slice(&waiting.to_record()?)?;
    for name in ["claimed", "finished"] {
        record[name] = record["requested"].clone();
    }
    record["attempt"] = 1.into();
    let record = forged(&record, key.as_str()).to_string();
    let answer = thief
        .send(&format!("$KV.builds.{key}"), &[], record)
        .await?;
    if !answer.is_accepted() {
        return Ok(answer.verdict());
    }
    let is_served = wait_until("it to fail", LIMIT, async || {
        let response = scene.site.get(&key.artifact_path()).await?;
        if response.status() == StatusCode::OK {
            return Ok(Some(true));
        }
        let now = scene.record(&key).await?;
        Ok((now["status"] == "failed" && now["failure"]["class"] == "tampered").then_some(false))
    })
    .await?;
    Ok(if is_served {
        Verdict::Possible
    } else {
        Verdict::PutBack
    })
}

/// What isn't the record of its build: another build's, another build's binary, nonsense. A user requests it then.
pub(super) async fn not_its_record(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let [build, other] = [&scene.finished[6], &scene.finished[0]];
    let mut foreign = build.record.clone();
    foreign["artifact"] = other.record["artifact"].clone();
    let mut all = Vec::new();
    for record in [
        other.record.to_string(),
        foreign.to_string(),
        "{".to_owned(),
    ] {
        let writes = [(&[][..], record)];
        all.push(tampered(scene, thief, build, &writes, true).await?);
    }
    Ok(worst(all))
}

/// Removes a record, by markers and by a lifetime. A user requests it then.
pub(super) async fn removed(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let build = &scene.finished[7];
    let record = build.record.to_string();
    let mut all = Vec::new();
    let ways: [(Headers, String); 4] = [
        (&[("KV-Operation", "DEL")], String::new()),
        (&[("KV-Operation", "PURGE")], String::new()),
        (
            &[("KV-Operation", "PURGE"), ("Nats-TTL", "1s")],
            String::new(),
        ),
        (&[("Nats-TTL", "1s")], record),
    ];
    for way in ways {
        all.push(tampered(scene, thief, build, &[way], true).await?);
    }
    Ok(worst(all))
}

/// What claims to be the record of a newer version, which this version wouldn't overwrite.
pub(super) async fn of_a_newer_version(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let build = &scene.finished[8];
    let subject = format!("$KV.builds.{}", build.key);
    let record = build.record.to_string();
    let newer = record.replacen('{', "{\"schema\":9,", 1);
    let answer = thief.send(&subject, &[], newer).await?;
    if !answer.is_accepted() {
        return Ok(answer.verdict());
    }
    let (status, _) = scene.site.ask(&build.request).await?;
    let served = scene.site.get(&build.path()).await?;
    eprintln!("{}: {status}, and {}", thief.role, served.status());
    let is_served = served.status() == StatusCode::OK;
    ensure!(
        !is_served || served.bytes().await? == build.bytes,
        "other bytes"
    );
    if scene.agrees(build).await? {
        return Ok(Verdict::PutBack);
    }
    scene.admin.request(subject, record.into()).await?;
    Ok(Verdict::Possible)
}

/// Grants and results of its own.
pub(super) async fn publications(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let key = a_spec().package("granted").build().key();
    let binary = json!({
        "artifact": format!("{key}/{CLAIM}"), "size": 1, "sha256": "0".repeat(64), "builtBy": "thief-1",
    });
    let mut answers = Vec::new();
    for (name, value) in [
        ("grant", json!({"after": 0})),
        ("result", json!({"binary": binary})),
    ] {
        let subject = format!("$KV.publications.{name}.{key}.1");
        answers.push(thief.ask(&subject, &value).await?);
    }
    for name in ["published.stolen.1", "adopted", "other"] {
        let subject = format!("$KV.publications.{name}");
        answers.push(thief.ask(&subject, &json!({})).await?);
    }
    // What stands there isn't replaced.
    ensure!(scene.agrees(&scene.finished[0]).await?, "a record differs");
    Ok(verdict(&answers))
}

/// Ends a build that an honest builder is working on, with its own binary.
pub(super) async fn unfinished(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let probe = thief.send("$KV.builds.build.stolen", &[], "{}").await?;
    if !probe.is_accepted() {
        return Ok(probe.verdict());
    }
    scene.go.takes_seconds(5.0)?;
    let key = scene.request(&scene.new_request()).await?;
    let record = wait_until("the build to be claimed", LIMIT, async || {
        let record = scene.record(&key).await?;
        Ok((record["status"] == "building").then_some(record))
    })
    .await?;
    upload_for(thief, &key).await?;
    let mut record = forged(&record, key.as_str());
    record["finished"] = record["claimed"].clone();
    let subject = format!("$KV.builds.{key}");
    thief.ask(&subject, &record).await?;
    let result = wait_until("the result", LIMIT, async || {
        let published = scene.store.publications.of(&key).await?;
        Ok(published.binary().map(|binary| binary.sha256.to_string()))
    })
    .await;
    scene.go.takes_seconds(0.0)?;
    Ok(if result? == record["sha256"] {
        Verdict::Possible
    } else {
        Verdict::Dropped
    })
}
