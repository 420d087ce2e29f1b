use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::{ArtifactName, FailureClass};
use crate::{ModulePath, Package, Target};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

fn waiting() -> Build {
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
    build.claim(holder(claim), NOW).unwrap()
}

fn done(build: Build, claim: &str, byte: u8) -> Build {
    let artifact = binary(&build, claim, byte);
    let build = claimed(build, claim);
    build.succeed(artifact, Timings::new(), NOW).unwrap()
}

fn failed(class: FailureClass) -> Build {
    claimed(waiting(), "c1")
        .fail(Failure::new(class, "words"), NOW)
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
    let cancelled = claimed(waiting(), "c1").cancel(NOW).unwrap();
    let rebuilding = done(waiting(), "c1", 1)
        .request_again(true, 8, NOW)
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
    assert!(finished.clone().claim(holder("c2"), NOW).is_err());
    assert!(
        finished
            .clone()
            .succeed(artifact, Timings::new(), NOW)
            .is_err()
    );
    assert!(finished.clone().fail(failure, NOW).is_err());
    assert!(finished.clone().cancel(NOW).is_err());
    assert!(finished.clone().release().is_err());
    assert!(finished.recover(NOW).is_err());
    assert!(waiting().release().is_err());
    assert!(waiting().expire().is_err());
}

#[test]
fn asking_again_rebuilds_only_what_may_turn_out_otherwise() {
    let rebuilt = |build: Build, force| build.request_again(force, 8, NOW).is_some();
    for class in [FailureClass::Input, FailureClass::Compile] {
        assert!(
            !rebuilt(failed(class), false) && rebuilt(failed(class), true),
            "{class:?}"
        );
    }
    for class in [
        FailureClass::Resource,
        FailureClass::Infra,
        FailureClass::Lost,
        FailureClass::Internal,
    ] {
        assert!(rebuilt(failed(class), false), "{class:?}");
    }
    assert!(!rebuilt(waiting(), true) && !rebuilt(claimed(waiting(), "c1"), true));
    assert!(!rebuilt(done(waiting(), "c1", 1), false));
    assert!(rebuilt(waiting().cancel(NOW).unwrap(), false));
}

#[test]
fn a_rebuild_that_is_stopped_leaves_the_binary_as_it_was() {
    let first = done(waiting(), "c1", 1);
    let artifact = first.artifact().cloned();
    let queued = first.request_again(true, 8, NOW).unwrap();
    assert_eq!(queued.artifact(), artifact.as_ref());
    for stopped in [
        queued.clone().cancel(NOW).unwrap(),
        claimed(queued.clone(), "c2").cancel(NOW).unwrap(),
        claimed(queued, "c2")
            .fail(Failure::new(FailureClass::Infra, "away"), NOW)
            .unwrap(),
    ] {
        assert_eq!(stopped.status(), Status::Success);
        assert_eq!(stopped.artifact(), artifact.as_ref());
    }
}
