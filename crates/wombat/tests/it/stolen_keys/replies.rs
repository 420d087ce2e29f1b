//! Replies aimed at what a role may not do, and requests without a reply.

use anyhow::ensure;
use serde_json::{Value, json};
use wombat_store::roles::{NatsRole, Permissions};
use wombat_testkit::wait_until;

use super::{
    allowed::{matches, may_differ},
    scene::{LIMIT, Scene},
    stored::Stored,
    thief::{API, Sent, Thief},
    verdict::Verdict,
};
use crate::nats_replies::{TARGETS, literal};

/// Asks at each subject that the role may use for an answer where it may not write.
pub(super) async fn aimed(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let build = &scene.finished[0].key;
    let honest = &scene.honest;
    let own = [
        format!("$KV.builds.{build}"),
        format!("$KV.publications.result.{build}.2"),
        format!("$KV.publications.grant.{build}.2"),
        format!("$KV.builders.{honest}.forged"),
        format!("$O.artifacts.C.{honest}.forged.0"),
        "$KV.gocache.entry.forged".to_owned(),
        "$JS.API.STREAM.DELETE.KV_builds".to_owned(),
        format!("{API}STREAM.DELETE.KV_builds"),
    ];
    let targets: Vec<String> = TARGETS.map(str::to_owned).into_iter().chain(own).collect();
    let mut subjects: Vec<String> = thief.publishable().iter().map(|it| literal(it)).collect();
    subjects.extend(readable_bytes(scene, thief).await?);
    let mut messages = Vec::new();
    for subject in &subjects {
        for target in &targets {
            messages.push(Sent {
                subject: subject.clone(),
                reply: Some(target.clone()),
                payload: payload(subject),
                header: None,
            });
        }
    }
    // The server reports the path of a message to a subject that a header names.
    let asked = format!("{API}STREAM.INFO.KV_builds");
    let may = |target: &String| thief.publishable().iter().any(|it| matches(it, target));
    let reported = targets.iter().filter(|target| !may(target));
    messages.extend(reported.map(|target| Sent {
        subject: asked.clone(),
        header: Some(("Nats-Trace-Dest", target.clone())),
        ..Sent::default()
    }));
    let before = Stored::read(&scene.admin).await?;
    let refused = thief.send_all(&messages).await?;
    for subject in subjects.iter().filter(|it| it.contains("STREAM.INFO")) {
        thief.ask(subject, &Value::Null).await?;
    }
    let after = Stored::read(&scene.admin).await?;
    let mut reached = before.changes(&after)?;
    reached.retain(|change| !may_differ(scene, thief, &[], change));
    eprintln!(
        "{}: {} replies, {refused} refused",
        thief.role,
        messages.len()
    );
    Ok(if !reached.is_empty() {
        eprintln!("{}: replies change {reached:?}", thief.role);
        Verdict::Possible
    } else if refused == messages.len() {
        Verdict::Refused
    } else {
        Verdict::Dropped
    })
}

/// Purges are limited to nothing: those that the role may do aren't tried here.
fn payload(subject: &str) -> String {
    if subject.contains("STREAM.PURGE") {
        r#"{"filter":"nothing"}"#.to_owned()
    } else {
        String::new()
    }
}

/// Subjects that answer with bytes that the role chose, or with a record.
async fn readable_bytes(scene: &Scene, thief: &Thief) -> anyhow::Result<Vec<String>> {
    let build = &scene.finished[0].key;
    Ok(match thief.role {
        NatsRole::Builder => {
            let key = "$KV.gocache.entry.stolen";
            let stored = thief.send(key, &[], r#"{"entries":[]}"#).await?;
            ensure!(stored.is_accepted(), "{stored:?}");
            vec![format!("{API}DIRECT.GET.KV_gocache.{key}")]
        }
        NatsRole::ReadOnly => vec![format!("{API}DIRECT.GET.KV_builds.$KV.builds.{build}")],
        NatsRole::Api => {
            let key = format!("$KV.publications.result.{build}.1");
            vec![format!("{API}DIRECT.GET.KV_publications.{key}")]
        }
        NatsRole::Admin | NatsRole::Service | NatsRole::Publisher => Vec::new(),
    })
}

/// The endpoints of the services.
pub(super) fn endpoints() -> anyhow::Result<Vec<String>> {
    let all = Permissions::of(NatsRole::Api, &"any".parse()?).publish;
    let is_endpoint = |it: &String| it.starts_with("build.") || it.starts_with("catalog.");
    Ok(all.into_iter().filter(is_endpoint).collect())
}

/// Requests that no answer can be sent to.
pub(super) async fn missing(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let request = scene.new_request().to_string();
    let build = json!({"id": scene.finished[0].key}).to_string();
    let import = json!({"module": "example.com/unheard", "version": "v1.0.0"}).to_string();
    let mut subjects = endpoints()?;
    let services = subjects.clone();
    let builders = ["builder.lint.linux.amd64", "builder.requirements"].map(str::to_owned);
    subjects.extend(builders.clone());
    subjects.extend(["PING", "INFO", "STATS"].map(|verb| format!("$SRV.{verb}")));
    let message = |subject: &String| Sent {
        payload: match subject.as_str() {
            "build.request" | "build.force" | "build.resolve" | "build.ahead" => request.clone(),
            "build.purge" | "build.cancel" | "build.get" => build.clone(),
            "catalog.import" => import.clone(),
            "catalog.block" => r#"{"modules":[]}"#.to_owned(),
            _ => "{}".to_owned(),
        },
        subject: subject.clone(),
        ..Sent::default()
    };
    let (dropped, records) = (
        scene.dropped().await?,
        scene.store.builds.count_keys().await?,
    );
    let blocklist = scene.store.catalog.blocklist().await?;
    let (mut refused, mut taken) = (0, Vec::new());
    for subject in &subjects {
        match thief.send_all(&[message(subject)]).await? {
            0 => taken.push(subject.clone()),
            count => refused += count,
        }
    }
    wait_until("the requests to be dropped", LIMIT, async || {
        let now = scene.dropped().await?;
        let mut asked = taken.iter().filter(|it| services.contains(it));
        let counted = asked.all(|it| now[it] > dropped[it]);
        let to_builders = taken.iter().any(|it| builders.contains(it));
        let words = "dropping requests without a reply subject";
        let logged = !to_builders || scene.builder_log().contains(words);
        Ok((counted && logged).then_some(()))
    })
    .await?;
    let is_same = scene.store.builds.count_keys().await?.keys == records.keys
        && scene.store.catalog.blocklist().await? == blocklist
        && scene.agrees(&scene.finished[0]).await?;
    Ok(if refused == subjects.len() {
        Verdict::Refused
    } else if is_same {
        Verdict::Dropped
    } else {
        Verdict::Possible
    })
}
