//! Queue positions and estimates.

use time::macros::datetime;
use wombat_model::{Artifact, ArtifactName, Holder, Sha256, Timings};
use wombat_store::Revision;
use wombat_testkit::a_spec;

use super::*;
use crate::live::durations::COMPUTED;

const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

fn at(seconds: i64) -> OffsetDateTime {
    START + time::Duration::seconds(seconds)
}

fn waiting(name: &str, asked: i64) -> Build {
    Build::new(a_spec().package(name).build(), 1, at(asked))
}

fn running(name: &str, asked: i64, claimed: i64) -> Build {
    let holder = Holder {
        builder: "b".parse().unwrap(),
        claim: "c".parse().unwrap(),
    };
    waiting(name, asked).claim(holder).unwrap().at(at(claimed))
}

fn done(name: &str, claimed: i64, finished: i64) -> Build {
    let build = running(name, claimed, claimed);
    let artifact = Artifact {
        name: ArtifactName::new(&build.key(), &"c".parse().unwrap()),
        size: 1,
        sha256: Sha256::from_bytes([0; 32]),
        builder: "b".parse().unwrap(),
        sandbox: None,
    };
    build
        .succeed(artifact, Timings::new())
        .unwrap()
        .at(at(finished))
}

fn builder(name: &str, workers: u32) -> Presence {
    Presence {
        builder: name.parse().unwrap(),
        host: "h".into(),
        version: "0".into(),
        workers,
        catalog_workers: 0,
        active: Vec::new(),
        go: None,
        draining: false,
        problem: None,
        sandbox: wombat_model::SandboxLevel::None,
        templates: Template::KNOWN.to_vec(),
        lease_ms: 1000,
    }
}

fn queue_of(builds: &[Build]) -> BuildQueue {
    let mut queue = BuildQueue::default();
    for (index, build) in builds.iter().enumerate() {
        queue.apply(&record(build.clone(), index as u64 + 1));
    }
    queue
}

fn record(value: Build, revision: u64) -> Versioned<Build> {
    Versioned {
        value,
        revision: Revision::new(revision),
    }
}

#[test]
fn an_estimate_computes_no_median_however_many_builds_wait() {
    let finished = [done("d1", 0, 10), done("d2", 0, 20)];
    let names: Vec<String> = (0..50).map(|n| format!("w{n}")).collect();
    let open = names.iter().map(|name| waiting(name, 1));
    let builds: Vec<Build> = finished.into_iter().chain(open).collect();
    let mut queue = queue_of(&builds);
    queue.arrive(builder("one", 1));
    assert_eq!(COMPUTED.get(), 2, "one per finished build");
    for name in &names {
        let key = a_spec().package(name).build().key();
        assert!(queue.outlook(&key, at(30)).eta.is_some());
    }
    let platform = "linux/amd64".parse().unwrap();
    assert_eq!(
        queue.wait_for_new(platform, at(30)),
        Duration::from_mins(17)
    );
    assert_eq!(COMPUTED.get(), 2);
}

#[test]
fn the_first_to_ask_is_first() {
    let queue = queue_of(&[waiting("late", 9), waiting("early", 1), waiting("same", 9)]);
    let position = |name: &str| {
        let key = a_spec().package(name).build().key();
        queue.outlook(&key, at(10)).queue.unwrap().position
    };
    assert_eq!(
        [position("early"), position("late"), position("same")],
        [1, 2, 3]
    );
}

#[test]
fn estimates_come_from_like_builds() {
    let mut queue = queue_of(&[
        done("d1", 0, 10),
        done("d2", 0, 20),
        done("d3", 0, 300),
        running("r", 0, 95),
        waiting("w1", 1),
        waiting("w2", 2),
    ]);
    let key = |name: &str| a_spec().package(name).build().key();
    let now = at(100);
    assert_eq!(
        queue.outlook(&key("r"), now).eta,
        Some(Duration::from_secs(15))
    );
    assert_eq!(
        queue.outlook(&key("w2"), now).eta,
        None,
        "no builder is alive"
    );
    queue.arrive(builder("one", 1));
    let outlook = queue.outlook(&key("w2"), now);
    assert_eq!(outlook.eta, Some(Duration::from_secs(15 + 20 + 20)));
    assert_eq!(outlook.queue.unwrap().builders, 1);
    queue.arrive(builder("two", 4));
    assert_eq!(
        queue.outlook(&key("w2"), now).eta,
        Some(Duration::from_secs(7 + 20))
    );
    queue.leave(&"two".parse().unwrap());
    let elsewhere = "darwin/arm64".parse().unwrap();
    assert_eq!(
        queue.wait_for_new(elsewhere, now),
        Duration::from_secs(15 + 40) + UNKNOWN
    );
}

#[test]
fn finished_builds_leave_and_old_news_is_ignored() {
    let mut queue = queue_of(&[waiting("w", 1)]);
    let key = a_spec().package("w").build().key();
    queue.apply(&record(running("w", 1, 2), 7));
    queue.note(&record(waiting("w", 1), 3));
    assert_eq!(queue.outlook(&key, at(3)).queue, None);
    queue.apply(&record(done("w", 2, 3), 9));
    queue.note(&record(waiting("w", 1), 3));
    assert!(queue.open.is_empty() && queue.waiting.is_empty() && queue.running.is_empty());
}

#[test]
fn builders_without_the_template_take_nothing() {
    let first = {
        let spec = a_spec().package("first").build();
        Build::new(spec.with_template(Template::FIRST).unwrap(), 1, at(1))
    };
    let second = waiting("second", 2);
    let keys = [first.key(), second.key()];
    let mut queue = queue_of(&[done("d", 0, 10), first, second]);
    let mut old = builder("old", 1);
    old.templates = vec![Template::FIRST];
    queue.arrive(old);
    let outlooks = |queue: &BuildQueue| {
        let of = |key| {
            let outlook = queue.outlook(key, at(30));
            (outlook.queue.unwrap().builders, outlook.eta.is_some())
        };
        [of(&keys[0]), of(&keys[1])]
    };
    assert_eq!(outlooks(&queue), [(1, true), (0, false)]);
    queue.arrive(builder("new", 1));
    assert_eq!(outlooks(&queue), [(2, true), (1, true)]);
}
