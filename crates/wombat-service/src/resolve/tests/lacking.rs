//! Releases that lack here what others have.

use std::collections::BTreeMap;

use wombat_model::catalog::{Component, DefaultReleases, Release, Unfetched};

use super::*;
use crate::catalog::ChosenReleases;

/// Connect v4.105.0 as in the fixture, whose `sql` and `sql/base` bring the same apart from drivers, and v4.110.0, where
/// what `sql` and `redis` need couldn't be had, and which has `fresh` in addition.
fn releases() -> Vec<Release> {
    let known = fixture::catalog();
    let mut all: Vec<Release> = known.all().map(|release| (**release).clone()).collect();
    let old = all
        .iter_mut()
        .find(|release| release.version.as_str() == "v4.105.0")
        .unwrap();
    let like = |name: &str, component: &str| {
        let (kind, called) = component.split_once('/').unwrap();
        let mut package = old.packages[5].clone();
        package.path = connect(name).parse().unwrap();
        package.components = vec![Component {
            kind: kind.parse().unwrap(),
            name: called.to_owned(),
        }];
        package
    };
    let fresh = like("fresh", "input/fresh");
    let mut new = old.clone();
    new.version = "v4.110.0".parse().unwrap();
    new.packages.push(fresh);
    for name in ["sql", "redis", "redis/extra"] {
        let path: ImportPath = connect(name).parse().unwrap();
        new.packages.retain(|package| package.path != path);
        let why = Unfetched {
            reason: "The module proxy refuses a.b/x v1.0.0.".to_owned(),
            dependency: "a.b/x v1.0.0".to_owned(),
            tried: time::macros::datetime!(2026-01-02 03:04:05 UTC),
        };
        new.unfetched.insert(path, why);
    }
    all.push(new);
    all
}

fn lacking() -> Snapshot {
    fixture::catalog_with(releases())
}

/// The same, where the operator chose the newer release.
fn preferring() -> Snapshot {
    let choice = format!("{CONNECT}=v4.110.0").parse().unwrap();
    let chosen = ChosenReleases::new(&[choice]);
    lacking().defaulting(&DefaultReleases::default(), &chosen)
}

fn at(catalog: &Snapshot, body: &Value) -> Resolved {
    resolve(&request(body), catalog, &any_module())
        .unwrap_or_else(|refusal| panic!("{body}: {refusal}"))
}

#[test]
fn a_release_that_lacks_something_changes_no_request_without_a_version() {
    let before = releases().into_iter();
    let before = before.filter(|release| release.version.as_str() != "v4.110.0");
    let before = fixture::catalog_with(before);
    for body in [
        json!({"components": ["sql_select"]}),
        json!({"components": ["redis_list", "nats"]}),
        json!({"packages": [connect("sql")]}),
        json!({"components": ["kafka", "mapping"]}),
    ] {
        let key = |catalog: &Snapshot| at(catalog, &body).spec.key();
        assert_eq!(key(&lacking()), key(&before), "{body}");
    }
}

#[test]
fn a_pick_gets_the_newest_release_that_offers_all_of_it() {
    for (body, version, note) in [
        (json!({"components": ["nats"]}), "v4.110.0", None),
        (
            json!({"components": ["sql_select"]}),
            "v4.105.0",
            Some("lacks `sql` here"),
        ),
        (
            json!({"components": ["input/sql_select", "nats"]}),
            "v4.105.0",
            Some("`sql`"),
        ),
        (
            json!({"components": ["redis_list"]}),
            "v4.105.0",
            Some("`redis`"),
        ),
        (
            json!({"packages": [connect("redis/extra")]}),
            "v4.105.0",
            Some("`redis/extra`"),
        ),
    ] {
        let result = at(&preferring(), &body);
        assert_eq!(version_of(&result, CONNECT), version, "{body}");
        let notes = result.answer.notes.join(" ");
        match note {
            Some(note) => assert!(notes.contains(note), "{body}: {notes}"),
            None => assert!(!notes.contains("lacks"), "{body}: {notes}"),
        }
    }
    // What only a newer release has comes from there.
    let fresh = at(&lacking(), &json!({"components": ["fresh"]}));
    assert_eq!(version_of(&fresh, CONNECT), "v4.110.0");
    let both = json!({"components": ["fresh", "redis_list"]});
    let both = resolve(&request(&both), &lacking(), &any_module()).unwrap_err();
    assert_eq!(both.problems.len(), 1, "{both}");
}

#[test]
fn a_requested_release_says_what_it_lacks_and_which_one_has_it() {
    let modules = BTreeMap::from([(CONNECT, "v4.110.0")]);
    for (mut body, code) in [
        (
            json!({"packages": [connect("sql")]}),
            ProblemCode::UnknownPackage,
        ),
        (
            json!({"components": ["redis_list"]}),
            ProblemCode::UnknownComponent,
        ),
        // Its binary would have no driver.
        (
            json!({"components": ["sql_select"]}),
            ProblemCode::UnknownPackage,
        ),
        (
            json!({"packages": [format!("{}@v4.110.0", connect("redis"))]}),
            ProblemCode::UnknownPackage,
        ),
    ] {
        body["modules"] = json!(modules);
        let refusal = resolve(&request(&body), &lacking(), &any_module()).unwrap_err();
        let [problem] = refusal.problems.as_slice() else {
            panic!("{body}: {refusal}");
        };
        assert_eq!(problem.code, code, "{body}: {refusal}");
        assert!(problem.field.is_some());
        for words in [
            "v4.110.0 lacks `",
            "a.b/x v1.0.0",
            "daily",
            "v4.105.0 has it",
        ] {
            assert!(problem.message.contains(words), "{body}: {refusal}");
        }
    }
    let base = json!({"packages": [connect("sql/base")], "modules": modules});
    assert_eq!(
        version_of(&at(&lacking(), &base), CONNECT),
        "v4.110.0",
        "named by path"
    );
    let nats = json!({"components": ["nats"], "modules": modules});
    assert_eq!(version_of(&at(&lacking(), &nats), CONNECT), "v4.110.0");
}

#[test]
fn an_older_release_that_knows_no_enterprise_features_isnt_a_way_around_consent() {
    let mut all = releases();
    for release in &mut all {
        if release.version.as_str() != "v4.110.0" {
            for package in &mut release.packages {
                package.enterprise.clear();
            }
        }
    }
    let choice = format!("{CONNECT}=v4.110.0").parse().unwrap();
    let chosen = ChosenReleases::new(&[choice]);
    let catalog = fixture::catalog_with(all).defaulting(&DefaultReleases::default(), &chosen);
    // The second one is only in the older release.
    let both = json!({"components": ["mysql_cdc", "redis_list"]});
    for body in [&json!({"components": ["mysql_cdc"]}), &both] {
        let refusal = resolve(&request(body), &catalog, &any_module()).unwrap_err();
        assert_eq!(
            codes(&refusal),
            [(ProblemCode::LicenceNotAccepted, "components[0]")],
            "{body}"
        );
    }
    let accepted = Policy {
        licences: LicenceArgs {
            accept_licence: Some(AcceptedLicence::Rcl),
            ..LicenceArgs::default()
        },
        ..any_module()
    };
    let resolved = resolve(&request(&both), &catalog, &accepted).unwrap();
    assert_eq!(version_of(&resolved, CONNECT), "v4.105.0");
    assert_eq!(resolved.answer.licence, Some(Licence::Rcl));
    // Its own table counts for a release that is requested by its version.
    let mut older = both;
    older["modules"] = json!({CONNECT: "v4.105.0"});
    let resolved = at(&catalog, &older);
    assert_eq!(version_of(&resolved, CONNECT), "v4.105.0");
}
