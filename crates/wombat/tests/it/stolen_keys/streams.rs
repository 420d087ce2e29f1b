//! The streams themselves, and what is in them.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::{
    scene::Scene,
    stored::Stored,
    thief::{API, Thief},
    uploads::base64_url,
    verdict::{Answer, Verdict, verdict},
};

/// Every stream, and the filter of all that it holds.
pub(super) const STREAMS: [(&str, &str); 8] = [
    ("KV_builds", "$KV.builds.>"),
    ("KV_builders", "$KV.builders.>"),
    ("KV_catalog", "$KV.catalog.>"),
    ("KV_gocache", "$KV.gocache.>"),
    ("KV_publications", "$KV.publications.>"),
    ("OBJ_artifacts", "$O.artifacts.>"),
    ("OBJ_catalog-docs", "$O.catalog-docs.>"),
    ("BUILD_LOGS", "build.logs.>"),
];
/// Requests in flight.
const AT_ONCE: usize = 16;

async fn answers(thief: &Thief, requests: Vec<(String, Value)>) -> anyhow::Result<Vec<Answer>> {
    let asking = requests.into_iter().map(async |(subject, body)| {
        let answer = thief.ask(&subject, &body).await?;
        if answer.is_accepted() {
            eprintln!("{}: {subject} {body}: {answer:?}", thief.role);
        }
        anyhow::Ok(answer)
    });
    stream::iter(asking)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Deletes, changes, moves and copies streams, makes some that take what others write, and deletes messages.
pub(super) async fn administer(thief: &Thief) -> anyhow::Result<Verdict> {
    let mut requests = Vec::new();
    for prefix in ["$JS.API.", API] {
        for (stream, whole) in STREAMS {
            let config =
                json!({"name": stream, "subjects": [whole, "stolen.>"], "num_replicas": 1});
            let copy = json!({"deliver_subject": "stolen.copy", "no_consumers": true});
            for (verb, body) in [
                ("STREAM.DELETE", Value::Null),
                ("STREAM.UPDATE", config.clone()),
                ("STREAM.CREATE", config),
                ("STREAM.MSG.DELETE", json!({"seq": 1})),
                ("STREAM.SNAPSHOT", copy.clone()),
                ("STREAM.RESTORE", copy),
                ("STREAM.PEER.REMOVE", json!({"peer": "n0"})),
                ("STREAM.LEADER.STEPDOWN", Value::Null),
            ] {
                requests.push((format!("{prefix}{verb}.{stream}"), body));
            }
        }
        for config in [
            json!({"name": "STOLEN", "subjects": ["$KV.catalog.>"]}),
            json!({"name": "STOLEN", "subjects": ["build.*", "_INBOX.>", "_INBOX_service.>"]}),
            json!({"name": "STOLEN", "mirror": {"name": "KV_publications"}}),
            json!({"name": "STOLEN", "sources": [{"name": "KV_catalog"}, {"name": "BUILD_LOGS"}]}),
            json!({"name": "STOLEN", "republish": {"src": ">", "dest": "$KV.catalog.>"}}),
        ] {
            requests.push((format!("{prefix}STREAM.CREATE.STOLEN"), config));
        }
        for verb in [
            "ACCOUNT.PURGE.WOMBAT",
            "META.LEADER.STEPDOWN",
            "SERVER.REMOVE",
        ] {
            requests.push((format!("{prefix}{verb}"), Value::Null));
        }
    }
    for subject in [
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.ACCOUNT.PING.CONNZ",
        "$SYS.REQ.USER.INFO",
    ] {
        requests.push((subject.to_owned(), Value::Null));
    }
    Ok(verdict(&answers(thief, requests).await?))
}

/// Purges, limited to nothing.
pub(super) async fn purge(thief: &Thief) -> anyhow::Result<Verdict> {
    let body = json!({"filter": "nothing"});
    let purge = |(stream, _): (&str, &str)| (format!("{API}STREAM.PURGE.{stream}"), body.clone());
    let requests = STREAMS.map(purge).into();
    Ok(verdict(&answers(thief, requests).await?))
}

/// A subject of the stream that the role may publish to, or any of its subjects.
fn subject_in(thief: &Thief, whole: &str) -> String {
    let prefix = whole.trim_end_matches('>');
    let publishable = thief.publishable();
    let mut all = publishable.iter().filter(|it| it.starts_with(prefix));
    let own = all.next().map_or(whole, String::as_str);
    own.replace(['*', '>'], "stolen")
}

/// Headers that would empty a stream, write elsewhere, later or as a part of more, or count.
pub(super) async fn headers(thief: &Thief) -> anyhow::Result<Verdict> {
    let batch = [
        ("Nats-Batch-Id", "stolen"),
        ("Nats-Batch-Sequence", "1"),
        ("Nats-Batch-Commit", "1"),
    ];
    let schedule = [
        ("Nats-Schedule", "@every 1s"),
        ("Nats-Schedule-Target", "$KV.catalog.blocklist"),
    ];
    let all: [&[(&str, &str)]; 5] = [
        &[("Nats-Rollup", "all")],
        &[("Nats-Rollup", "sub")],
        &batch,
        &schedule,
        &[("Nats-Incr", "+1")],
    ];
    let mut answers = Vec::new();
    for (_, whole) in STREAMS {
        let subject = subject_in(thief, whole);
        for headers in all {
            let answer = thief.send(&subject, headers, "0").await?;
            if answer.is_accepted() {
                eprintln!("{}: {subject} {headers:?}: {answer:?}", thief.role);
            }
            answers.push(answer);
        }
    }
    Ok(verdict(&answers))
}

/// A second message in the place of one that is written once.
pub(super) async fn replace(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let stored = Stored::read(&scene.admin).await?;
    let link = &scene.finished[0].key;
    let link = base64_url(link.as_str());
    let mut answers = Vec::new();
    for (stream, prefix) in [
        ("KV_publications", "$KV.publications.grant."),
        ("KV_publications", "$KV.publications.result."),
        ("KV_gocache", "$KV.gocache.entry.honest"),
        ("OBJ_artifacts", &format!("$O.artifacts.M.{link}")),
        ("OBJ_artifacts", "$O.artifacts.M."),
        ("OBJ_artifacts", "$O.artifacts.C."),
        ("OBJ_catalog-docs", "$O.catalog-docs.M."),
        ("OBJ_catalog-docs", "$O.catalog-docs.C."),
    ] {
        let (subject, sequence) = stored.subject(stream, prefix)?;
        let sequence = sequence.to_string();
        let expected = ("Nats-Expected-Last-Subject-Sequence", sequence.as_str());
        let all: [&[(&str, &str)]; 8] = [
            &[],
            &[expected],
            &[("KV-Operation", "DEL")],
            &[("KV-Operation", "PURGE"), expected],
            &[("Nats-TTL", "1s")],
            &[("Nats-Rollup", "sub"), expected],
            &[
                ("Nats-Batch-Id", "stolen"),
                ("Nats-Batch-Sequence", "1"),
                ("Nats-Batch-Commit", "1"),
            ],
            &[("Nats-Msg-Id", "stolen"), expected],
        ];
        for headers in all {
            let answer = thief.send(&subject, headers, "forged").await?;
            if answer.is_accepted() {
                eprintln!("{}: {subject} {headers:?}: {answer:?}", thief.role);
            }
            answers.push(answer);
        }
    }
    Ok(verdict(&answers))
}
