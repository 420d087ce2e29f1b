//! Consumers: requests to make one have a body that permissions don't see.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use wombat_store::roles::NatsRole;

use super::{
    replies::endpoints,
    scene::Scene,
    streams::STREAMS,
    thief::{API, Thief},
    verdict::{Answer, Verdict, verdict},
};

/// Requests in flight.
const AT_ONCE: usize = 16;
/// Consumers of a flood: enough to see that nothing stops it.
const FLOOD: usize = 200;
/// In nanoseconds, how long consumers stay that nothing uses.
const BRIEF: u64 = 2_000_000_000;

/// What the subject that makes a consumer says, and its configuration.
struct Wanted {
    stream: &'static str,
    filter: String,
    config: Value,
}

/// A filter that the role may name for this stream; that of the whole stream, if it may name none.
fn filter(thief: &Thief, stream: &str, whole: &str) -> String {
    let prefix = format!("{API}CONSUMER.CREATE.{stream}.");
    let publishable = thief.publishable();
    let mut named = publishable.iter().filter_map(|it| it.strip_prefix(&prefix));
    match named.find_map(|rest| rest.strip_prefix("*.")) {
        Some(filter) => filter.to_owned(),
        None => whole.to_owned(),
    }
}

async fn make(thief: &Thief, wanted: &Wanted, name: &str) -> anyhow::Result<Answer> {
    let Wanted {
        stream,
        filter,
        config,
    } = wanted;
    let mut config = config.clone();
    config["name"] = name.into();
    config["filter_subject"] = filter.as_str().into();
    config["inactive_threshold"] = BRIEF.into();
    let subject = format!("{API}CONSUMER.CREATE.{stream}.{name}.{filter}");
    let body = json!({"stream_name": stream, "config": config});
    thief.ask(&subject, &body).await
}

/// Consumers of every kind that deliver to endpoints, JetStream, streams and other roles' inboxes.
pub(super) async fn delivering(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let mut receivers = endpoints()?;
    receivers.extend(
        [
            "builder.ahead",
            "builder.requirements",
            "builder.lint.linux.amd64",
            "$SRV.PING",
            "$JS.API.STREAM.PURGE.KV_gocache",
            "$JS.API.STREAM.DELETE.KV_builds",
            "$KV.catalog.blocklist",
            "$KV.publications.result.forged.1",
            "$O.artifacts.M.forged",
            "_INBOX_service.forged",
            "_INBOX_api.forged",
        ]
        .map(str::to_owned),
    );
    let mut wanted = Vec::new();
    for (stream, whole) in STREAMS {
        let filter = filter(thief, stream, whole);
        let mut add = |config: Value| {
            let filter = filter.clone();
            wanted.push(Wanted {
                stream,
                filter,
                config,
            });
        };
        for receiver in &receivers {
            add(json!({"deliver_subject": receiver, "ack_policy": "none", "mem_storage": true}));
        }
        let receiver = "build.cancel";
        add(json!({"deliver_subject": receiver, "deliver_group": "q", "ack_policy": "explicit"}));
        add(json!({"deliver_subject": receiver, "durable_name": "x", "ack_policy": "all"}));
        add(json!({"ack_policy": "explicit"}));
        add(json!({"durable_name": "x", "ack_policy": "explicit"}));
    }
    let dropped = scene.dropped().await?;
    let making = wanted.iter().enumerate().map(async |(n, wanted)| {
        let name = format!("stolen-{}-{n}", thief.role);
        let mut wanted = Wanted {
            config: wanted.config.clone(),
            filter: wanted.filter.clone(),
            ..*wanted
        };
        if wanted.config.get("durable_name").is_some() {
            wanted.config["durable_name"] = name.as_str().into();
        }
        let answer = make(thief, &wanted, &name).await?;
        if !answer.is_accepted() {
            return Ok((Verdict::Refused, wanted.stream, name));
        }
        // A brief one may be gone already.
        let about = format!("$JS.API.CONSUMER.INFO.{}.{name}", wanted.stream);
        let about = scene.admin.request(about, "".into()).await?;
        let about: Value = serde_json::from_slice(&about.payload)?;
        let delivered = about["delivered"]["consumer_seq"].as_u64().unwrap_or(0);
        let is_bound = about["push_bound"] == true;
        let works = is_bound || delivered > 0;
        if works {
            eprintln!("{}: {about}", thief.role);
        }
        let verdict = if works {
            Verdict::Possible
        } else {
            Verdict::Dropped
        };
        anyhow::Ok((verdict, wanted.stream, name))
    });
    let made: Vec<_> = stream::iter(making)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let verdicts = made.iter().map(|(verdict, ..)| *verdict);
    let mut worst = verdicts.max().unwrap_or(Verdict::Refused);
    for (verdict, stream, name) in &made {
        if *verdict == Verdict::Dropped {
            let subject = format!("{API}CONSUMER.DELETE.{stream}.{name}");
            thief.ask(&subject, &Value::Null).await?;
        }
    }
    if scene.dropped().await? != dropped {
        worst = Verdict::Possible;
    }
    Ok(worst)
}

/// Reads what the role doesn't read: other streams, and with a wider filter in the body than in the subject.
pub(super) async fn reading(thief: &Thief) -> anyhow::Result<Verdict> {
    let permitted = thief.publishable();
    let mut requests = Vec::new();
    for (stream, whole) in STREAMS {
        let may_read = |verb: &str| {
            let named = |it: &String| it.starts_with(&format!("{API}{verb}.{stream}"));
            permitted.iter().any(named)
        };
        if !may_read("STREAM.MSG.GET") {
            requests.push((format!("STREAM.MSG.GET.{stream}"), json!({"seq": 1})));
        }
        if !may_read("DIRECT.GET") {
            let one = whole.replace('>', "x");
            requests.push((format!("DIRECT.GET.{stream}"), json!({"seq": 1})));
            requests.push((format!("DIRECT.GET.{stream}.{one}"), Value::Null));
        }
        let narrow = filter(thief, stream, whole);
        let body = |config: Value| json!({"stream_name": stream, "config": config});
        let create = format!("CONSUMER.CREATE.{stream}");
        if !may_read("CONSUMER.CREATE") {
            let config = json!({"name": "x", "filter_subject": whole});
            requests.push((format!("{create}.x.{whole}"), body(config)));
            requests.push((format!("{create}.x"), body(json!({"name": "x"}))));
            requests.push((create.clone(), body(json!({}))));
        }
        if narrow != whole {
            for mut wide in [
                json!({"filter_subject": whole}),
                json!({"filter_subjects": [whole, narrow]}),
                json!({"filter_subjects": [whole]}),
                json!({}),
            ] {
                wide["name"] = "x".into();
                requests.push((format!("{create}.x.{narrow}"), body(wide)));
            }
        }
        for verb in ["CONSUMER.LIST", "CONSUMER.NAMES"] {
            requests.push((format!("{verb}.{stream}"), Value::Null));
        }
        let next = format!("CONSUMER.MSG.NEXT.{stream}.x");
        requests.push((next, json!({"batch": 1})));
    }
    requests.push(("STREAM.LIST".to_owned(), Value::Null));
    // Readers may: nats-py finds the stream of an object by it.
    if thief.role != NatsRole::ReadOnly {
        requests.push(("STREAM.NAMES".to_owned(), Value::Null));
    }
    let mut answers = Vec::new();
    for (subject, body) in &requests {
        let answer = thief.ask(&format!("{API}{subject}"), body).await?;
        if answer.is_accepted() {
            eprintln!("{}: {subject} {body}: {answer:?}", thief.role);
        }
        answers.push(answer);
    }
    Ok(verdict(&answers))
}

/// Makes so many consumers that others get none: the limit of a stream is 10,000.
pub(super) async fn flood(thief: &Thief) -> anyhow::Result<Verdict> {
    let (stream, whole) = STREAMS[0];
    let wanted = Wanted {
        stream,
        filter: filter(thief, stream, whole),
        config: json!({"ack_policy": "none", "mem_storage": true}),
    };
    let making = (0..FLOOD).map(async |n| {
        let name = format!("flood-{}-{n}", thief.role);
        make(thief, &wanted, &name).await
    });
    let making = stream::iter(making).buffer_unordered(AT_ONCE);
    let made: Vec<Answer> = making.try_collect().await?;
    Ok(if made.iter().all(Answer::is_accepted) {
        Verdict::Possible
    } else {
        Verdict::Refused
    })
}
