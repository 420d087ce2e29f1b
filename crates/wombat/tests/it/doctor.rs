//! `wombat doctor` against buckets that were changed by hand, and a machine that lacks something.

use std::{process::Output, time::Duration};

use anyhow::Context;
use async_nats::jetstream::{self, stream::DiscardPolicy};
use wombat_model::catalog::GoReleases;
use wombat_store::{Settled, SubmitOptions};
use wombat_testkit::{NatsServer, StubGo, a_spec, wait_until};

use crate::program;

/// What doctor prints about this server, and whether it succeeds.
fn doctor(
    nats: &NatsServer,
    go: &StubGo,
    variables: &[(&str, &str)],
) -> anyhow::Result<(bool, String)> {
    let output: Output = program()
        .command()
        .args(["doctor", "--nats-url", &nats.url(), "--go"])
        .arg(go.program())
        // The stand-in names no reachable proxy.
        .args(["--goproxy", "http://127.0.0.1:9"])
        .envs(variables.iter().copied())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output.status.success(), said))
}

/// The lines about this bucket.
fn lines<'a>(said: &'a str, bucket: &str) -> Vec<&'a str> {
    let named = format!("`{bucket}`: ");
    said.lines().filter(|line| line.contains(&named)).collect()
}

#[tokio::test]
async fn every_setting_that_was_changed_by_hand_is_told_and_setup_mends_it() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let go = StubGo::new()?;
    program().set_up(&nats, &[])?;
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(
        content && said.contains("every bucket exists with the right settings"),
        "{said}"
    );

    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    let change = async |name: &str, change: fn(&mut jetstream::stream::Config)| {
        let mut config = jetstream
            .get_stream(name)
            .await?
            .cached_info()
            .config
            .clone();
        change(&mut config);
        jetstream.update_stream(config).await?;
        anyhow::Ok(())
    };
    change("KV_builds", |config| {
        config.max_messages_per_subject = 5;
        config.max_age = Duration::from_hours(48);
        config.discard = DiscardPolicy::Old;
        config.allow_direct = false;
        config.duplicate_window = Duration::from_mins(2);
    })
    .await?;
    change("KV_builders", |config| {
        // The server then allows rollups, too.
        config.subject_delete_marker_ttl = Some(Duration::from_mins(1));
        config.max_messages = 1000;
    })
    .await?;
    change("KV_catalog", |config| config.allow_rollup = true).await?;
    change("OBJ_artifacts", |config| {
        config.discard_new_per_subject = false;
        config.max_messages_per_subject = -1;
    })
    .await?;
    change("OBJ_catalog-docs", |config| config.consumer_limits = None).await?;
    change("BUILD_LOGS", |config| config.max_age = Duration::ZERO).await?;
    change("KV_gocache", |config| {
        config.discard_new_per_subject = false;
    })
    .await?;

    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(!content, "{said}");
    for (bucket, settings) in [
        (
            "builds",
            &["max_msgs_per_subject", "max_age", "discard", "allow_direct"][..],
        ),
        (
            "builders",
            &["subject_delete_marker_ttl", "max_msgs", "allow_rollup_hdrs"],
        ),
        ("catalog", &["allow_rollup_hdrs"]),
        (
            "artifacts",
            &["discard_new_per_subject", "max_msgs_per_subject"],
        ),
        ("catalog-docs", &["consumer_limits.inactive_threshold"]),
        ("BUILD_LOGS", &["max_age"]),
        ("gocache", &["discard_new_per_subject"]),
    ] {
        let found = lines(&said, bucket);
        assert_eq!(found.len(), settings.len(), "{bucket}: {said}");
        for setting in settings {
            let line = found.iter().find(|line| line.contains(setting));
            let line = line.with_context(|| format!("{bucket} {setting}: {said}"))?;
            assert!(line.contains("`wombat setup` changes it"), "{line}");
        }
    }

    program().set_up(&nats, &[])?;
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(content, "{said}");
    Ok(())
}

#[tokio::test]
async fn buckets_that_are_missing_full_or_of_another_kind_are_told() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let go = StubGo::new()?;
    program().set_up(&nats, &["--builds-limit", "1MiB"])?;
    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    for n in 0..15 {
        let subject = format!("$KV.builds.filler.{n}");
        let sent = jetstream
            .publish(subject, vec![0; 64 * 1024].into())
            .await?;
        sent.await?;
    }
    jetstream.delete_stream("KV_gocache").await?;
    let memory = jetstream::stream::Config {
        name: "KV_gocache".to_owned(),
        subjects: vec!["$KV.gocache.>".to_owned()],
        storage: jetstream::stream::StorageType::Memory,
        ..jetstream::stream::Config::default()
    };
    jetstream.create_stream(memory).await?;
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(!content, "{said}");
    assert!(
        lines(&said, "builds")
            .iter()
            .any(|line| line.contains("store of records of builds is full")
                && line.contains("--builds-limit")),
        "{said}"
    );
    let kind = lines(&said, "gocache");
    assert!(
        kind.iter()
            .any(|line| line.contains("storage is memory, but it must be file")),
        "{said}"
    );

    jetstream.delete_stream("KV_gocache").await?;
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(
        !content && said.contains("`gocache` doesn't exist"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn setup_doesnt_call_a_sealed_bucket_ready() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    let stream = jetstream.get_stream("KV_gocache").await?;
    let mut config = stream.cached_info().config.clone();
    config.sealed = true;
    jetstream.update_stream(config).await?;
    let output = program()
        .command()
        .args(["setup", "--nats-url", &nats.url()])
        .output()?;
    let said = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("ready"), "{said}");
    let words = "`gocache`: writing (sealed) is forbidden, but it must be allowed; the server can't change it: back up the content, delete the stream, run `wombat setup`";
    assert!(said.contains(words), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_grant_that_cant_be_read_is_told_with_the_way_out() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let go = StubGo::new()?;
    program().set_up(&nats, &[])?;
    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    let build = format!("build.linux.amd64.1_26_8.{}", "ab".repeat(32));
    let subject = format!("$KV.publications.grant.{build}.1");
    jetstream.publish(subject, "[{".into()).await?.await?;
    let (content, said) = doctor(&nats, &go, &[])?;
    let purge = format!("`wombat purge {build}`");
    let told = said.contains(&format!("`grant.{build}.1` can't be read"));
    assert!(!content && told && said.contains(&purge), "{said}");

    let _service = program().start(&["service", "--nats-url", &nats.url()])?;
    let client = nats.connection().await?.client().clone();
    let question = serde_json::json!({"id": build}).to_string();
    let purged = async || {
        let asked = client.request("build.purge", question.clone().into()).await;
        Ok(asked
            .is_ok_and(|answer| answer.headers.is_none())
            .then_some(()))
    };
    wait_until("the service purges it", Duration::from_secs(30), purged).await?;
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(content, "{said}");
    Ok(())
}

#[tokio::test]
async fn values_of_the_catalog_that_cant_be_read_are_told() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let go = StubGo::new()?;
    program().set_up(&nats, &[])?;
    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    for key in ["import.a.v1_0_0", "asked.a.v1_0_0", "release.a.v1_0_0"] {
        let subject = format!("$KV.catalog.{key}");
        jetstream.publish(subject, "[{".into()).await?.await?;
        let (content, said) = doctor(&nats, &go, &[])?;
        let told = said.contains(&format!("`{key}` in the catalog can't be read"));
        assert!(!content && told, "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn records_that_were_tampered_with_are_told_without_a_service() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let go = StubGo::new()?;
    program().set_up(&nats, &[])?;
    let (_, store) = nats.store().await?;
    let spec = a_spec().package("p").build();
    let asked = SubmitOptions::default();
    let opened = store.builds.submit(&spec, asked, &store.artifacts).await?;
    let key = opened.into_record().value.key();
    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    let subject = format!("$KV.builds.{key}");
    let stream = jetstream.get_stream("KV_builds").await?;
    let open = stream.get_last_raw_message_by_subject(&subject).await?;
    store.builds.cancel(&key).await?;
    assert_eq!(store.settle(&key).await?, Settled::Concluded);
    // It is opened again without a grant.
    jetstream.publish(subject, open.payload).await?.await?;
    store.settle(&key).await?;
    let (content, said) = doctor(&nats, &go, &[])?;
    let told = said.contains("were changed without permission") && said.contains(key.as_str());
    assert!(!content && told, "{said}");
    Ok(())
}

/// A server whose disk was full answers requests and acknowledges no write.
#[tokio::test]
async fn a_server_that_acknowledges_nothing_is_told() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let go = StubGo::new()?;
    program().set_up(&nats, &[])?;
    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    let stream = jetstream.get_stream("KV_builders").await?;
    let mut config = stream.cached_info().config.clone();
    jetstream.delete_stream("KV_builders").await?;
    config.no_ack = true;
    jetstream.create_stream(config).await?;
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(!content && said.contains("restart nats-server"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_blocklist_that_cant_be_read_is_told_with_or_without_a_service() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let go = StubGo::new()?;
    program().set_up(&nats, &[])?;
    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    let damaged = jetstream.publish("$KV.catalog.blocklist", "[{".into());
    damaged.await?.await?;
    let told = |said: &str| {
        let words = "The blocklist can't be read";
        said.contains(words) && said.contains("wombat blocklist replace")
    };
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(!content && told(&said), "{said}");
    let _service = program().start(&["service", "--nats-url", &nats.url()])?;
    let by_service = async || {
        let (_, said) = doctor(&nats, &go, &[])?;
        Ok(told(&said).then_some(()))
    };
    wait_until("the service to tell", Duration::from_mins(1), by_service).await
}

#[tokio::test]
async fn a_go_with_a_newer_patch_is_told_with_the_cure() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let go = StubGo::new()?;
    let script = std::fs::read_to_string(go.program())?;
    let pretend = |version: &str| {
        let other = script.replace("go1.26.8", &format!("go{version}"));
        std::fs::write(go.program(), other)
    };
    let told = |version: &str| -> anyhow::Result<Option<String>> {
        pretend(version)?;
        let (content, said) = doctor(&nats, &go, &[])?;
        assert!(content, "it is a note: {said}");
        let line = said.lines().find(|line| line.contains("newest patch"));
        Ok(line.map(str::to_owned))
    };
    let known = wombat_service::go_releases()?;
    let line = "1.26".parse()?;
    let newest = known
        .versions()
        .filter(|version| version.line() == line)
        .max();
    let newest = newest.context("a release of the line")?;
    let words = told("1.26.8")?.context("it is told")?;
    let cure = format!("install Go {newest}");
    assert!(
        words.starts_with("note") && words.contains("Go 1.26.8"),
        "{words}"
    );
    assert!(words.contains(&cure), "{words}");
    assert_eq!(told(&newest.to_string())?, None);

    // Builders learn of a newer one.
    let (_, store) = nats.store().await?;
    let mut learnt = GoReleases::default();
    let sum = known
        .sum(newest, "linux/amd64".parse()?)
        .context("a checksum")?;
    learnt.add("1.26.999".parse()?, "linux/amd64".parse()?, sum.clone());
    store.catalog.add_go_releases(&learnt).await?;
    let words = told(&newest.to_string())?.context("it is told")?;
    assert!(words.contains("install Go 1.26.999"), "{words}");
    Ok(())
}

#[test]
fn an_old_go_a_go_experiment_and_a_disk_without_room_are_told() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let go = StubGo::new()?;
    let (content, said) = doctor(&nats, &go, &[("GOEXPERIMENT", "x")])?;
    assert!(content && said.contains("GOEXPERIMENT is `x`"), "{said}");
    // A disk that never has room.
    let (content, said) = doctor(&nats, &go, &[("WOMBAT_STATE_DIR", "/proc/self")])?;
    assert!(
        !content && said.contains("builders claim nothing below"),
        "{said}"
    );

    // On a machine without Go, all that a builder needs is a proxy to fetch it from.
    let without = |proxy: &str| -> anyhow::Result<(bool, String)> {
        let state = tempfile::tempdir()?;
        let output: Output = program()
            .command()
            .args(["doctor", "--nats-url", &nats.url(), "--state-dir"])
            .arg(state.path())
            .envs([("PATH", "/nowhere"), ("GOPROXY", proxy)])
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((said.contains("MISSING Go"), said))
    };
    let (missing, said) = without("https://proxy.example")?;
    assert!(
        !missing && said.contains("a builder fetches Go 1."),
        "{said}"
    );
    let (missing, said) = without("")?;
    assert!(
        missing && said.contains("no module proxy is named"),
        "{said}"
    );

    let script = std::fs::read_to_string(go.program())?;
    std::fs::write(go.program(), script.replace("go1.26.8", "go1.21.0"))?;
    let (content, said) = doctor(&nats, &go, &[])?;
    assert!(
        !content && said.contains("is Go 1.21.0, and builders need"),
        "{said}"
    );
    Ok(())
}
