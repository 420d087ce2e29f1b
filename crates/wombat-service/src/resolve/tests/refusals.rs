//! Requests that can't be built, or that the operator doesn't allow.

use std::sync::Arc;

use super::*;

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    use ProblemCode::{
        EmptyOnPlatform, LicenceRefused, UnknownComponent, UnknownPackage, UnknownVersion,
        UnsupportedGoVersion, UnusedModule, VersionConflict,
    };
    for (body, expected, words) in [
        (
            json!({"packages": [connect("nast")]}),
            (UnknownPackage, "packages[0]"),
            "components/nats`",
        ),
        (
            json!({"components": ["nats", "kafak"]}),
            (UnknownComponent, "components[1]"),
            "`kafka`",
        ),
        (
            json!({"packages": [format!("{}@v3.0.0", connect("nats"))]}),
            (UnknownVersion, "packages[0]"),
            "major version",
        ),
        (
            json!({"packages": [connect("nats")], "modules": {"example.com/own": "v1.0.0"}}),
            (UnusedModule, "modules.example.com/own"),
            "leave it out",
        ),
        (
            json!({"packages": [format!("{}@v4.85.0", connect("nats"))], "modules": {CONNECT: "v4.105.0"}}),
            (VersionConflict, "packages[0]"),
            "v4.105.0",
        ),
        (
            json!({"packages": [connect("nats")], "modules": {BENTHOS: "v4.76.0"}}),
            (
                VersionConflict,
                "modules.github.com/redpanda-data/benthos/v4",
            ),
            "v4.77.0",
        ),
        (
            json!({"packages": [connect("nats")], "goVersion": "1.26.3"}),
            (UnsupportedGoVersion, "goVersion"),
            "the lowest is 1.26.5",
        ),
        (
            json!({"packages": [connect("nats")], "modules": {BENTHOS: "v4.78.0"}, "goVersion": "1.26.5"}),
            (UnsupportedGoVersion, "goVersion"),
            "the lowest is 1.26.6",
        ),
        (
            json!({"packages": [connect("zeromq")]}),
            (EmptyOnPlatform, "packages[0]"),
            "needs cgo",
        ),
        (
            json!({"components": ["zmq4"]}),
            (EmptyOnPlatform, "components[0]"),
            "needs cgo",
        ),
        (
            json!({"packages": [connect("couchbase")], "goarch": "arm"}),
            (EmptyOnPlatform, "packages[0]"),
            "compiles to nothing on linux/arm",
        ),
        (
            json!({"components": ["couchbase"], "goarch": "386"}),
            (EmptyOnPlatform, "components[0]"),
            "doesn't compile on linux/386",
        ),
        (
            json!({"packages": [connect("mysql")]}),
            (LicenceRefused, "packages[0]"),
            "accepted",
        ),
    ] {
        let refusal = refused(&body);
        assert_eq!(codes(&refusal), [expected], "{body}: {refusal}");
        assert!(refusal.summary().contains(words), "{body}: {refusal}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let refusal = refused(&json!({
        "packages": [connect("nast"), connect("zeromq"), "example.com/x"],
        "components": ["kafak"],
        "modules": {"example.com/own": "v1.0.0"},
        "goVersion": "1.20.0",
    }));
    let mut found: Vec<ProblemCode> = refusal
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect();
    found.sort_by_key(|code| code.as_str());
    assert_eq!(
        found,
        [
            ProblemCode::EmptyOnPlatform,
            ProblemCode::UnknownComponent,
            ProblemCode::UnknownModule,
            ProblemCode::UnknownPackage,
            ProblemCode::UnsupportedGoVersion,
            ProblemCode::UnusedModule,
        ]
    );
}

#[test]
fn the_operator_decides_on_licences_and_platforms() {
    let accepting = Policy {
        licences: LicenceArgs {
            accept_licence: Some(AcceptedLicence::Rcl),
            ..LicenceArgs::default()
        },
        ..Policy::default()
    };
    let mysql = json!({"packages": [connect("mysql")]});
    let result = resolve(&request(&mysql), &fixture::catalog(), &accepting).unwrap();
    assert_eq!(result.answer.licence, Some(Licence::Rcl));

    let apache = Policy {
        licences: LicenceArgs {
            licence_policy: LicencePolicy::Apache,
            ..accepting.licences
        },
        ..accepting
    };
    for name in ["kafka", "mysql"] {
        let refusal = refused_under(&apache, &json!({"packages": [connect(name)]}));
        assert_eq!(
            codes(&refusal),
            [(ProblemCode::LicenceRefused, "packages[0]")]
        );
    }
    let refusal = refused_under(&apache, &json!({"components": ["kafka"]}));
    assert_eq!(
        codes(&refusal),
        [(ProblemCode::LicenceRefused, "components[0]")]
    );

    let narrow = Policy {
        platforms: vec!["linux/arm64".parse().unwrap()],
        ..Policy::default()
    };
    let refusal = refused_under(&narrow, &json!({"packages": [connect("nats")]}));
    assert_eq!(
        codes(&refusal),
        [(ProblemCode::UnsupportedPlatform, "goos")]
    );
}

#[test]
fn modules_outside_the_catalog_need_the_operators_leave() {
    let body = json!({"goos": "linux", "goarch": "amd64", "packages": ["example.com/own@v1.2.3"]});
    for (policy, taken) in [
        ("catalog", false),
        ("any", true),
        ("allow=example.com/*", true),
        ("allow=example.org,example.com/own@v1.2.3", true),
        ("allow=example.com/own@v1.2.4", false),
    ] {
        let policy = Policy {
            modules: policy.parse().unwrap(),
            ..Policy::default()
        };
        let outcome = resolve(&request(&body), &fixture::catalog(), &policy);
        assert_eq!(outcome.is_ok(), taken, "{policy:?}");
    }
    let refusal = refused_under(&Policy::default(), &body);
    assert_eq!(
        codes(&refusal),
        [(ProblemCode::ModuleRefused, "packages[0]")]
    );
    for bad in ["", "none", "allow", "allow=", "allow=a b", "catalog=x"] {
        assert!(bad.parse::<ModulePolicy>().is_err(), "{bad:?}");
    }
}

#[test]
fn what_the_operator_blocks_is_refused_with_his_reason() {
    let list = r#"[{"module":"github.com/redpanda-data/connect/*@v4.85.0","reason":"it leaks"}]"#;
    let catalog = fixture::catalog().blocking(Arc::new(serde_json::from_str(list).unwrap()), 5);
    let body = |version: &str| {
        json!({
            "goos": "linux", "goarch": "amd64", "components": ["nats"],
            "modules": {CONNECT: version},
        })
    };
    let ask = |version: &str| resolve(&request(&body(version)), &catalog, &Policy::default());
    assert!(ask("v4.105.0").is_ok());
    let refusal = ask("v4.85.0").unwrap_err();
    assert_eq!(refusal.problems[0].code, ProblemCode::ModuleBlocked);
    assert!(refusal.problems[0].message.contains("(it leaks)"));
}
