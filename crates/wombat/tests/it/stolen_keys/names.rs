//! What stands under the name of another user: presence, chunks, answers, locks.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, time::timeout};
use wombat_testkit::wait_until;

use super::{
    finished::Finished,
    records::tampered,
    scene::{LIMIT, Scene},
    stored::Stored,
    thief::Thief,
    uploads::{base64_url, upload},
    verdict::{Verdict, verdict},
};

/// Renews or removes another builder's presence, adds to its uploads, and receives its answers.
pub(super) async fn another_builder(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let honest = &scene.honest;
    let stored = Stored::read(&scene.admin).await?;
    let (presence, _) = stored.subject("KV_builders", &format!("$KV.builders.{honest}."))?;
    let (chunk, _) = stored.subject("OBJ_artifacts", &format!("$O.artifacts.C.{honest}."))?;
    let (group, _) = chunk.rsplit_once('.').context("a chunk has a number")?;
    let mut answers = Vec::new();
    for (subject, headers) in [
        (presence.clone(), &[][..]),
        (presence.clone(), &[("KV-Operation", "DEL")]),
        (presence, &[("Nats-TTL", "1s")]),
        (format!("$KV.builders.{honest}.stolen"), &[]),
        (format!("{group}.99"), &[]),
        (format!("$O.artifacts.C.{honest}.stolen.0"), &[]),
        (format!("$O.catalog-docs.C.{honest}.stolen.0"), &[]),
        ("$O.artifacts.C.stolen".to_owned(), &[]),
    ] {
        answers.push(thief.send(&subject, headers, "{}").await?);
    }
    let inbox = format!("_INBOX_builder.{honest}.>");
    let heard = thief.subscribe(&inbox, None).await?;
    Ok(if heard.is_some() {
        Verdict::Possible
    } else {
        verdict(&answers)
    })
}

/// Writes a presence of another builder under a key of its own.
pub(super) async fn in_anothers_name(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let builders = async || -> anyhow::Result<Vec<Value>> {
        let answer = scene.site.json("/api/builders").await?;
        let builders = answer["builders"].as_array();
        Ok(builders.context("builders")?.clone())
    };
    let all = builders().await?;
    ensure!(all.len() == 1, "{all:?}");
    let mut forged = all[0].clone();
    forged["draining"] = true.into();
    forged["templates"] = json!([]);
    forged["problem"] = "stolen".into();
    let subject = format!("$KV.builders.{}.forged", thief.user);
    let answer = thief.send(&subject, &[("Nats-TTL", "20s")], forged.to_string());
    let answer = answer.await?;
    if !answer.is_accepted() {
        return Ok(answer.verdict());
    }
    // A presence under the own name, which is read after the other: the service has seen both then.
    let mut own = all[0].clone();
    own["builder"] = format!("{}-forged2", thief.user).into();
    let subject = format!("$KV.builders.{}.forged2", thief.user);
    let written = thief.send(&subject, &[("Nats-TTL", "20s")], own.to_string());
    ensure!(written.await?.is_accepted(), "its own presence");
    let seen = wait_until("the service to see both", LIMIT, async || {
        let now = builders().await?;
        let is_there = now.iter().any(|it| it["builder"] == own["builder"]);
        Ok(is_there.then_some(now))
    })
    .await?;
    for name in ["forged", "forged2"] {
        let subject = format!("$KV.builders.{}.{name}", thief.user);
        let removed = thief.send(&subject, &[("KV-Operation", "DEL"), ("Nats-TTL", "1s")], "");
        ensure!(removed.await?.is_accepted(), "its own presence");
    }
    wait_until("its presence to be over", LIMIT, async || {
        Ok((builders().await?.len() == 1).then_some(()))
    })
    .await?;
    let honest = seen.iter().find(|it| it["builder"] == all[0]["builder"]);
    let is_same = honest.is_some_and(|it| it["draining"] == false && it["problem"].is_null());
    Ok(if seen.len() == 2 && is_same {
        Verdict::Dropped
    } else {
        Verdict::Possible
    })
}

/// Takes the locks of services and builders.
pub(super) async fn locks(thief: &Thief) -> anyhow::Result<Verdict> {
    let mut answers = Vec::new();
    for lock in ["janitor", "acknowledged", "stolen"] {
        let subject = format!("$KV.builders.lock.{lock}");
        let headers = [("Nats-TTL", "1s")];
        answers.push(thief.send(&subject, &headers, "\"thief\"").await?);
    }
    Ok(verdict(&answers))
}

/// The entry of a build's binary.
async fn entry(scene: &Scene, build: &Finished) -> anyhow::Result<Value> {
    let name = build.record["artifact"].as_str().context("an artifact")?;
    let subject = format!("$O.artifacts.M.{}", base64_url(name));
    let stream = async_nats::jetstream::new(scene.admin.clone());
    let stream = stream.get_stream("OBJ_artifacts").await?;
    let entry = stream.get_last_raw_message_by_subject(&subject).await?;
    Ok(serde_json::from_slice(&entry.payload)?)
}

/// An entry that names another object's chunks: they would be removed with it, or served under its name.
pub(super) async fn anothers_chunks(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let entry = entry(scene, &scene.finished[0]).await?;
    let nuid = entry["nuid"].as_str().context("a nuid")?;
    let (owner, _) = nuid.split_once('.').context("an owner")?;
    let mut worst = Verdict::Refused;
    let all = [nuid.to_owned(), format!("{owner}.*.*"), ">".to_owned()];
    for (n, nuid) in all.into_iter().enumerate() {
        let name = format!("stolen-{}-{n}", thief.role);
        let mut forged = entry.clone();
        forged["name"] = name.as_str().into();
        forged["nuid"] = nuid.into();
        let subject = format!("$O.artifacts.M.{}", base64_url(&name));
        let answer = thief.send(&subject, &[], forged.to_string()).await?;
        if answer.is_accepted() {
            let believed = scene.store.artifacts.find(&name).await;
            worst = worst.max(if believed.is_err() {
                Verdict::Dropped
            } else {
                Verdict::Possible
            });
        }
    }
    Ok(worst)
}

/// Adds a chunk to what the stolen key's own builder uploaded when it was honest.
pub(super) async fn own_uploads(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let build = &scene.of_stolen;
    let entry = entry(scene, build).await?;
    let nuid = entry["nuid"].as_str().context("a nuid")?;
    let (group, _) = nuid.rsplit_once('.').context("a group of chunks")?;
    let subject = format!("$O.artifacts.C.{group}.99");
    let answer = thief.send(&subject, &[], "more").await?;
    if !answer.is_accepted() {
        return Ok(answer.verdict());
    }
    // Then the record is changed, so that the service looks for the binary.
    let mut failed = build.record.clone();
    failed["status"] = "failed".into();
    failed["error"] = "words".into();
    failed["failure"] = json!({"class": "compile"});
    let writes = [(&[][..], failed.to_string())];
    let kept = tampered(scene, thief, build, &writes, true).await?;
    // Other clients read all chunks.
    let jetstream = async_nats::jetstream::new(scene.admin.clone());
    let artifacts = jetstream.get_object_store("artifacts").await?;
    let name = entry["name"].as_str().context("a name")?;
    let mut object = artifacts.get(name).await?;
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    let end = loop {
        match timeout(LIMIT, object.read(&mut part)).await? {
            Ok(0) => break Ok(()),
            Ok(count) => bytes.extend(&part[..count]),
            Err(error) => break Err(error),
        }
    };
    let is_spoiled = end.is_err() || bytes != build.bytes;
    eprintln!("{}: {kept}, and other clients read {end:?}", thief.role);
    Ok(if kept == Verdict::PutBack && !is_spoiled {
        Verdict::Dropped
    } else {
        Verdict::Possible
    })
}

/// Writes the link of a build that isn't finished to an object of its own.
pub(super) async fn link(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let request = scene.new_request();
    let resolved = scene
        .site
        .client
        .post(format!("{}/api/resolve", scene.site.url));
    let resolved = resolved.body(request.to_string()).send().await?;
    let resolved: Value = serde_json::from_slice(&resolved.bytes().await?)?;
    let id = resolved["id"].as_str().context("the id of the build")?;
    let own = format!("stolen-{}", thief.role);
    let uploaded = upload(thief, &own, b"forged").await?;
    if !uploaded.is_accepted() && !uploaded.is_entry_alone() {
        return Ok(uploaded.verdict());
    }
    let entry = json!({
        "name": id, "bucket": "artifacts", "nuid": format!("link{}", thief.role.name().replace('-', "")),
        "size": 0, "chunks": 0, "options": {"link": {"bucket": "artifacts", "name": own}},
    });
    let subject = format!("$O.artifacts.M.{}", base64_url(id));
    let answer = thief.send(&subject, &[], entry.to_string()).await?;
    if !answer.is_accepted() {
        return Ok(answer.verdict());
    }
    let key = scene.request(&request).await?;
    scene.site.until(id, "success", LIMIT).await?;
    let record = scene.record(&key).await?;
    wait_until("the link to be moved", LIMIT, async || {
        let found = scene.store.artifacts.find(id).await?;
        let target = found.and_then(|found| found.link);
        Ok((target.as_deref() == record["artifact"].as_str()).then_some(()))
    })
    .await?;
    Ok(Verdict::PutBack)
}
