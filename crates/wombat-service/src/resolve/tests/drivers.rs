//! SQL drivers one by one.

use super::{
    cover::{measured, reason_of, resolved_in},
    *,
};

const PQ: &str = "github.com/lib/pq";

#[test]
fn a_driver_is_picked_by_itself() {
    let catalog = measured();
    let body = json!({"components": ["sql_select", "driver/postgres"]});
    let result = resolved_in(&catalog, &body);
    assert_eq!(added(&result), ["pq", "base"], "{:?}", result.answer);
    assert_eq!(version_of(&result, PQ), "v1.12.0");
    assert_eq!(result.spec.graph().as_str(), CONNECT);
    assert_eq!(result.answer.estimated_bytes, Some(26_400_000));
    let reason = reason_of(&result, "base");
    assert!(
        reason.ends_with("Chosen over `sql`: 26.4 MB instead of 117.5 MB."),
        "{reason}"
    );
    // A bare name, and the packages of the answer, mean the same build.
    for same in [
        json!({"components": ["sql_select", "postgres"]}),
        json!({"packages": [connect("sql/base"), PQ]}),
        json!({"packages": [connect("sql/base"), format!("{PQ}@v1.12.0")]}),
        json!({"packages": [connect("sql/base")], "components": ["driver/postgres"]}),
    ] {
        assert_eq!(
            resolved_in(&catalog, &same).spec.key(),
            result.spec.key(),
            "{same}"
        );
    }
}

#[test]
fn drivers_of_a_release_are_allowed_everywhere() {
    let none = Policy::default();
    for (body, allowed) in [
        (json!({"packages": [connect("sql/base"), PQ]}), true),
        (
            json!({"packages": [connect("sql/base"), format!("{PQ}@v1.12.0")]}),
            true,
        ),
        (
            json!({"packages": [connect("sql/base"), format!("{PQ}@v1.13.0")]}),
            false,
        ),
        (json!({"packages": [PQ]}), true),
        (json!({"components": ["driver/postgres"]}), true),
    ] {
        let outcome = resolve(&request(&body), &measured(), &none);
        assert_eq!(outcome.is_ok(), allowed, "{body}: {:?}", outcome.err());
    }
    let older = json!({"packages": [connect("sql/base"), format!("{PQ}@v1.11.0")]});
    let refusal = resolve(&request(&older), &measured(), &any_module()).unwrap_err();
    assert_eq!(
        codes(&refusal),
        [(ProblemCode::VersionConflict, "packages[1]")]
    );
}

#[test]
fn a_driver_alone_keeps_the_version_of_its_release() {
    let result = resolved_in(&measured(), &json!({"packages": [PQ]}));
    assert_eq!(version_of(&result, BENTHOS), "v4.77.0");
    assert_eq!(result.spec.graph().as_str(), CONNECT);
    let named = resolved_in(&measured(), &json!({"components": ["driver/postgres"]}));
    assert_eq!(named.spec.key(), result.spec.key());
}

#[test]
fn without_a_driver_all_of_them_are_in_and_the_answer_says_so() {
    let result = resolved_in(&measured(), &json!({"components": ["sql_select"]}));
    assert_eq!(added(&result), ["sql"]);
    let notes = result.answer.notes.join(" ");
    for words in ["none is named", "92.6 MB", "`driver/postgres`"] {
        assert!(notes.contains(words), "{notes}");
    }
    // Named by its path, the package without drivers is what is meant.
    let explicit = json!({"packages": [connect("sql/base")], "components": ["sql_select"]});
    assert_eq!(added(&resolved_in(&measured(), &explicit)), ["base"]);
}

#[test]
fn the_buffer_brings_its_driver() {
    let result = resolved_in(&measured(), &json!({"components": ["buffer/sqlite"]}));
    assert_eq!(added(&result), ["base", "sqlite"]);
}

#[test]
fn releases_whose_drivers_are_not_known_bring_them_all() {
    for catalog in [
        fixture::edited(|release| {
            release.drivers.clear();
            for package in &mut release.packages {
                package.components.retain(|it| it.kind.as_str() != "driver");
            }
        }),
        fixture::catalog(),
    ] {
        let body = json!({"components": ["sql_select"], "modules": {CONNECT: "v4.105.0"}});
        assert_eq!(added(&resolved_in(&catalog, &body)), ["sql"]);
    }
    let older = json!({"packages": [PQ, connect("nats")], "modules": {CONNECT: "v4.85.0"}});
    assert_eq!(
        codes(&refused(&older)),
        [(ProblemCode::UnknownModule, "packages[0]")]
    );
    let unlisted =
        json!({"components": ["sql_select", "driver/postgres"], "modules": {CONNECT: "v4.99.0"}});
    let name = (CONNECT.parse().unwrap(), "v4.99.0".parse().unwrap());
    let required = [(BENTHOS.parse().unwrap(), "v4.78.0".parse().unwrap())].into();
    let knowing = measured().knowing([(name, required)].into());
    assert_eq!(added(&resolved_in(&knowing, &unlisted)), ["sql"]);
}

#[test]
fn what_a_package_lacks_on_a_platform_is_said_with_what_works_there() {
    let on_arm = |body: Value| {
        let mut body = body;
        body["goarch"] = "arm".into();
        body
    };
    let catalog = measured();
    let sqlite = on_arm(json!({"components": ["sql_select", "driver/sqlite"]}));
    let result = resolved_in(&catalog, &sqlite);
    assert_eq!(added(&result), ["base", "sqlite"]);
    let notes = result.answer.notes.join(" ");
    for words in [
        "`driver/sqlite` isn't part of",
        "on linux/arm (it is on linux/amd64)",
        "here `modernc.org/sqlite` brings it",
    ] {
        assert!(notes.contains(words), "{notes}");
    }

    let snowflake = on_arm(json!({"components": ["sql_select", "driver/snowflake"]}));
    let refusal = resolve(&request(&snowflake), &catalog, &any_module()).unwrap_err();
    assert_eq!(
        codes(&refusal),
        [(ProblemCode::EmptyOnPlatform, "components[1]")]
    );
    let message = refusal.summary();
    for words in [
        "`driver/snowflake` can't be built",
        "on linux/arm (it is on linux/amd64)",
        "gosnowflake` doesn't compile on linux/arm",
    ] {
        assert!(message.contains(words), "{message}");
    }

    let whole = on_arm(json!({"packages": [connect("sql")]}));
    let notes = resolved_in(&catalog, &whole).answer.notes.join(" ");
    for words in [
        "`driver/snowflake` isn't part of",
        "no package brings it here",
        "`driver/sqlite` isn't part of",
    ] {
        assert!(notes.contains(words), "{notes}");
    }
}
