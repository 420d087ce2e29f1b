use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::{ArtifactName, FailureClass};
use crate::{ModulePath, Package, Target};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

pub(super) fn waiting() -> Build {
    let module: ModulePath = "example.com/m".parse().unwrap();
    let package = Package {
        module: module.clone(),
        base: false,
    };
    let spec = BuildSpec::new(
        Target::new("linux/amd64".parse().unwrap(), None).unwrap(),
        "1.26.8".parse().unwrap(),
        BTreeMap::from([("example.com/m/p".parse().unwrap(), package)]),
        BTreeMap::from([(module.clone(), "v1.2.3".parse().unwrap())]),
        module,
    );
    Build::new(spec.unwrap(), 7, NOW)
}

fn holder(claim: &str) -> Holder {
    Holder {
        builder: "fox".parse().unwrap(),
        claim: claim.parse().unwrap(),
    }
}

fn binary(build: &Build, claim: &str, byte: u8) -> Artifact {
    Artifact {
        name: ArtifactName::new(&build.key(), &claim.parse().unwrap()),
        size: 3,
        sha256: Sha256::from_bytes([byte; 32]),
        builder: "fox".parse().unwrap(),
        sandbox: None,
    }
}

fn claimed(build: Build, claim: &str) -> Build {
    build.claim(holder(claim)).unwrap()
}

fn done(build: Build, claim: &str, byte: u8) -> Build {
    let artifact = binary(&build, claim, byte);
    let build = claimed(build, claim);
    build.succeed(artifact, Timings::new()).unwrap()
}

fn failed(class: FailureClass) -> Build {
    claimed(waiting(), "c1")
        .fail(Failure::new(class, "words"))
        .unwrap()
}

#[test]
fn the_originals_fields_keep_their_names() {
    let json = serde_json::to_value(done(waiting(), "c1", 1)).unwrap();
    for (field, value) in [
        ("goos", json!("linux")),
        ("goarch", json!("amd64")),
        ("goversion", json!("1.26.8")),
        ("status", json!("success")),
        ("builder", json!("fox")),
    ] {
        assert_eq!(json[field], value, "{field}");
    }
    assert_eq!(json["packages"][0]["url"], "example.com/m/p");
    assert!(json["artifact"].as_str().unwrap().ends_with("/c1"));
    let json = serde_json::to_value(failed(FailureClass::Compile)).unwrap();
    assert_eq!(
        (&json["status"], &json["error"]),
        (&json!("failed"), &json!("words"))
    );
}

#[test]
fn every_state_survives_its_json() {
    let cancelled = claimed(waiting(), "c1").cancel().unwrap();
    let rebuilding = done(waiting(), "c1", 1)
        .request_again(Retry::Forced, 8)
        .unwrap();
    let not_reproducible = done(rebuilding.clone(), "c2", 2);
    let expired = done(waiting(), "c1", 1).expire().unwrap();
    for build in [
        waiting(),
        claimed(waiting(), "c1"),
        done(waiting(), "c1", 1),
        failed(FailureClass::Infra),
        cancelled,
        rebuilding,
        not_reproducible,
        expired,
    ] {
        let text = serde_json::to_string(&build).unwrap();
        assert_eq!(
            serde_json::from_str::<Build>(&text).unwrap(),
            build,
            "{text}"
        );
    }
}

#[test]
fn what_cant_have_come_about_is_refused() {
    let refused = |build: Build, change: &dyn Fn(&mut Value)| {
        let mut json = serde_json::to_value(build).unwrap();
        change(&mut json);
        serde_json::from_value::<Build>(json).is_err()
    };
    let drop_field = |field: &'static str| {
        move |json: &mut Value| drop(json.as_object_mut().unwrap().remove(field))
    };
    assert!(refused(done(waiting(), "c1", 1), &drop_field("artifact")));
    assert!(refused(done(waiting(), "c1", 1), &drop_field("claim")));
    assert!(refused(claimed(waiting(), "c1"), &drop_field("builder")));
    assert!(refused(failed(FailureClass::Input), &drop_field("failure")));
    assert!(refused(waiting(), &|json| json["goarch"] = "s390x; rm".into()));
    assert!(refused(waiting(), &|json| json["packages"] = json!([])));
}

#[test]
fn a_step_leads_only_from_where_it_belongs() {
    let finished = done(waiting(), "c1", 1);
    let artifact = binary(&finished, "c2", 1);
    let failure = Failure::new(FailureClass::Input, "words");
    assert!(finished.clone().claim(holder("c2")).is_err());
    assert!(finished.clone().succeed(artifact, Timings::new()).is_err());
    assert!(finished.clone().fail(failure).is_err());
    assert!(finished.clone().cancel().is_err());
    assert!(finished.clone().release().is_err());
    assert!(finished.recover().is_err());
    assert!(waiting().release().is_err());
    assert!(waiting().expire().is_err());
}

#[test]
fn asking_again_rebuilds_only_what_may_turn_out_otherwise() {
    let rebuilt = |build: Build, retry| build.request_again(retry, 8).is_some();
    let (passing, forced) = (Retry::Passing, Retry::Forced);
    for class in [FailureClass::Input, FailureClass::Compile] {
        assert!(
            !rebuilt(failed(class), passing)
                && rebuilt(failed(class), Retry::Rested)
                && rebuilt(failed(class), forced),
            "{class:?}"
        );
    }
    for class in [
        FailureClass::Resource,
        FailureClass::Infra,
        FailureClass::Lost,
        FailureClass::Internal,
    ] {
        assert!(rebuilt(failed(class), passing), "{class:?}");
    }
    assert!(!rebuilt(waiting(), forced) && !rebuilt(claimed(waiting(), "c1"), forced));
    assert!(!rebuilt(done(waiting(), "c1", 1), passing));
    assert!(!rebuilt(done(waiting(), "c1", 1), Retry::Rested));
    assert!(rebuilt(waiting().cancel().unwrap(), passing));
}

#[test]
fn a_rebuild_that_is_stopped_leaves_the_binary_as_it_was() {
    let first = done(waiting(), "c1", 1);
    let artifact = first.artifact().cloned();
    let queued = first.request_again(Retry::Forced, 8).unwrap();
    assert_eq!(queued.artifact(), artifact.as_ref());
    for stopped in [
        queued.clone().cancel().unwrap(),
        claimed(queued.clone(), "c2").cancel().unwrap(),
        claimed(queued, "c2")
            .fail(Failure::new(FailureClass::Infra, "away"))
            .unwrap(),
    ] {
        assert_eq!(stopped.status(), Status::Success);
        assert_eq!(stopped.artifact(), artifact.as_ref());
    }
}

fn record(build: &Build) -> Vec<u8> {
    build.to_record().unwrap()
}

fn read(build: &Build, written: OffsetDateTime) -> Build {
    Build::from_record(build.key().as_str(), &record(build), written).unwrap()
}

#[test]
fn times_are_those_of_the_servers_messages_and_none_goes_back() {
    let at = |minutes| NOW + time::Duration::minutes(minutes);
    let asked = read(&waiting(), at(1));
    assert_eq!(asked.requested(), at(1));
    let taken = read(&claimed(asked, "c1"), at(3));
    assert_eq!((taken.requested(), taken.claimed()), (at(1), Some(at(3))));
    // The next leader's clock is behind.
    let over = read(
        &taken.fail(Failure::new(FailureClass::Infra, "x")).unwrap(),
        at(2),
    );
    assert_eq!(
        (over.claimed(), over.finished()),
        (Some(at(3)), Some(at(3)))
    );
    let again = read(&over.request_again(Retry::Passing, 8).unwrap(), at(2));
    assert_eq!((again.requested(), again.finished()), (at(3), None));
    let back = read(&claimed(again, "c2").release().unwrap(), at(9));
    assert_eq!((back.requested(), back.claimed()), (at(3), None));
}

#[test]
fn a_step_that_ends_nothing_moves_no_time() {
    let over = read(&done(waiting(), "c1", 1), NOW + time::Duration::HOUR);
    let later = NOW + time::Duration::DAY;
    let expired = read(&over.clone().expire().unwrap(), later);
    assert_eq!(expired.finished(), over.finished());
}

#[test]
fn a_record_stands_under_its_own_key() {
    let build = waiting();
    let other = build.key().as_str().replace("linux", "darwin");
    let misplaced = Build::from_record(&other, &record(&build), NOW);
    assert_eq!(
        misplaced,
        Err(UnreadableRecord::Misplaced(build.key().to_string()))
    );
}

#[test]
fn a_record_names_only_its_own_binary() {
    let build = waiting();
    let (name, key) = (binary(&build, "c1", 1).name, build.key());
    let foreign = name.as_str().replace("linux", "darwin");
    let success = done(build, "c1", 1);
    let forced = success.clone().request_again(Retry::Forced, 7).unwrap();
    for build in [&success, &forced, &claimed(forced.clone(), "c2")] {
        let record = String::from_utf8(record(build)).unwrap();
        let record = record.replace(name.as_str(), &foreign);
        let read = Build::from_record(key.as_str(), record.as_bytes(), NOW);
        let foreign = foreign.parse().unwrap();
        assert_eq!(read, Err(UnreadableRecord::Foreign(foreign)));
    }
}

#[test]
fn what_a_newer_version_added_stays() {
    let mut json = serde_json::to_value(waiting()).unwrap();
    json["colour"] = json!({"of": "the future"});
    let key = waiting().key();
    let parse = |json: &Value| Build::from_record(key.as_str(), json.to_string().as_bytes(), NOW);
    let taken = claimed(parse(&json).unwrap(), "c1");
    assert_eq!(taken.would_lose(), None);
    let written = serde_json::to_value(taken).unwrap();
    assert_eq!(written["colour"], json["colour"]);
    json["packages"][0]["colour"] = json!(1);
    assert_eq!(
        parse(&json).unwrap().would_lose(),
        Some("packages.0.colour")
    );
    json["schema"] = json!(3);
    assert_eq!(parse(&json), Err(UnreadableRecord::Newer(3)));
    json["status"] = json!("dreaming");
    assert_eq!(parse(&json), Err(UnreadableRecord::Newer(3)));
    json["schema"] = json!(2);
    let refused = parse(&json).unwrap_err().to_string();
    assert!(refused.contains("dreaming"), "{refused}");
    for junk in ["", "junk", "[]", "{\"goos\":"] {
        assert!(Build::from_record(key.as_str(), junk.as_bytes(), NOW).is_err());
    }
}

#[test]
fn a_record_names_the_end_of_its_log_until_it_is_asked_for_again() {
    let build = claimed(waiting(), "c1").with_log_end(41);
    let build = build
        .fail(Failure::new(FailureClass::Infra, "words"))
        .unwrap();
    let json = serde_json::to_value(&build).unwrap();
    assert_eq!(json["log"], json!({"claim": "c1", "last": 41}));
    let back: Build = serde_json::from_value(json).unwrap();
    assert_eq!(back.log().map(|log| log.last), Some(41));
    assert_eq!(back, build);
    let again = build.request_again(Retry::Passing, 8).unwrap();
    assert_eq!(again.log(), None);
    let json = serde_json::to_value(claimed(again, "c2").cancel().unwrap()).unwrap();
    assert_eq!(json.get("log"), None);
    let released = claimed(waiting(), "c1").with_log_end(41).release().unwrap();
    assert_eq!(released.log(), None);
    assert_eq!(waiting().with_log_end(41).log(), None, "no claim, no log");
}
