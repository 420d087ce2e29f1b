//! Versions of the catalog's modules that the operator allows.

use super::*;

const PSEUDO: &str = "v4.99.1-0.20260101000000-abcdef123456";

fn under(versions: VersionPolicy) -> Policy {
    Policy {
        versions,
        ..any_module()
    }
}

/// The catalog, if these versions of Connect are known to require a listed Benthos.
fn knowing(versions: &[&str]) -> Snapshot {
    let required = || [(BENTHOS.parse().unwrap(), "v4.77.0".parse().unwrap())].into();
    let names = versions.iter();
    let known = names.map(|version| {
        let name = (CONNECT.parse().unwrap(), version.parse().unwrap());
        (name, required())
    });
    fixture::catalog().knowing(known.collect())
}

#[test]
fn the_policy_decides_on_versions_that_the_catalog_lacks() {
    let catalog = knowing(&["v4.99.0", PSEUDO]);
    let nats = |version: &str| {
        let package = format!("{}@{version}", connect("nats"));
        request(&json!({"packages": [package]}))
    };
    let listed = Some(
        "isn't listed in the catalog, and this service builds only versions that its catalog lists",
    );
    let pseudo = Some("is a pseudo-version, and this service builds only");
    for (version, policy, refused) in [
        ("v4.99.0", VersionPolicy::Listed, listed),
        (PSEUDO, VersionPolicy::Listed, pseudo),
        ("v4.85.0", VersionPolicy::Listed, None),
        ("v4.99.0", VersionPolicy::Tagged, None),
        (PSEUDO, VersionPolicy::Tagged, pseudo),
        ("v4.99.0", VersionPolicy::Any, None),
        (PSEUDO, VersionPolicy::Any, None),
    ] {
        let resolved = resolve(&nats(version), &catalog, &under(policy));
        let Some(words) = refused else {
            let resolved = resolved.unwrap_or_else(|it| panic!("{version} {policy:?}: {it}"));
            assert_eq!(version_of(&resolved, CONNECT), version);
            continue;
        };
        let refusal = resolved.unwrap_err();
        let expected = [(ProblemCode::VersionRefused, "packages[0]")];
        assert_eq!(codes(&refusal), expected, "{version} {policy:?}");
        let summary = refusal.summary();
        assert!(summary.contains(&format!("{version} {words}")), "{summary}");
        assert!(
            summary.contains("Request v4.105.0, the newest"),
            "{summary}"
        );
    }
}

#[test]
fn what_a_listed_release_requires_is_listed() {
    // Connect v4.85.0 requires it, and the catalog lacks it.
    let at = |modules: Value| {
        let body = json!({"components": ["nats"], "modules": modules});
        resolve(
            &request(&body),
            &fixture::catalog(),
            &under(VersionPolicy::Listed),
        )
    };
    let required = at(json!({CONNECT: "v4.85.0"})).unwrap();
    assert_eq!(version_of(&required, BENTHOS), "v4.66.0");
    let named = at(json!({CONNECT: "v4.85.0", BENTHOS: "v4.66.0"})).unwrap();
    assert_eq!(named.spec.key(), required.spec.key());
    let other = at(json!({CONNECT: "v4.85.0", BENTHOS: "v4.67.0"})).unwrap_err();
    assert_eq!(other.problems[0].code, ProblemCode::VersionRefused);
}

#[test]
fn versions_of_other_modules_are_not_its_subject() {
    let body = json!({"packages": ["example.com/own@v0.0.0-20240101000000-abcdef123456"]});
    for versions in [VersionPolicy::Listed, VersionPolicy::Tagged] {
        let resolved = resolve(&request(&body), &fixture::catalog(), &under(versions));
        assert!(resolved.is_ok(), "{versions:?}");
    }
}

#[test]
fn builders_are_asked_only_about_what_may_be_built() {
    let catalog = fixture::catalog();
    for (module, version, expected) in [
        // Listed, tagged, any.
        (CONNECT, "v4.105.0", [false, false, false]),
        (CONNECT, "v4.99.0", [false, true, true]),
        (CONNECT, PSEUDO, [false, false, true]),
        (BENTHOS, "v4.70.0", [false, true, false]),
        (BENTHOS, "v4.66.0", [false, false, false]),
        ("example.com/own", "v1.2.3", [false, false, false]),
    ] {
        let (module, at) = (module.parse().unwrap(), version.parse().unwrap());
        let asked = [
            VersionPolicy::Listed,
            VersionPolicy::Tagged,
            VersionPolicy::Any,
        ]
        .map(|policy| policy.asks_builders(&module, &at, &catalog));
        assert_eq!(asked, expected, "{module} {version}");
    }
}
