//! Releases outside the catalog.

use std::sync::Arc;

use super::*;

/// The catalog, if Connect v4.99.0 is known to require this Benthos.
fn knowing(benthos: &str) -> Snapshot {
    let name = (CONNECT.parse().unwrap(), "v4.99.0".parse().unwrap());
    let required = [(BENTHOS.parse().unwrap(), benthos.parse().unwrap())].into();
    fixture::catalog().knowing([(name, required)].into())
}

#[test]
fn a_version_that_the_catalog_lacks_is_built_with_its_own_base_and_a_note() {
    let nats = request(&json!({"packages": [format!("{}@v4.99.0", connect("nats"))]}));
    let resolved = resolve(&nats, &knowing("v4.77.0"), &any_module()).unwrap();
    assert_eq!(version_of(&resolved, CONNECT), "v4.99.0");
    assert_eq!(version_of(&resolved, BENTHOS), "v4.77.0", "not the newest");
    assert_eq!(resolved.spec.graph().as_str(), CONNECT);
    let notes = resolved.answer.notes.join(" ");
    assert!(notes.contains("not v4.99.0"), "{notes}");

    let refusal = resolve(&nats, &fixture::catalog(), &any_module()).unwrap_err();
    assert_eq!(
        codes(&refusal),
        [(ProblemCode::UnknownVersion, "packages[0]")]
    );
}

#[test]
fn components_of_a_base_that_the_catalog_lacks_are_not_guessed() {
    let at = |components: Value| {
        request(&json!({"components": components, "modules": {CONNECT: "v4.99.0"}}))
    };
    let lacking = knowing("v4.70.0");
    let own = resolve(&at(json!(["nats"])), &lacking, &any_module()).unwrap();
    assert_eq!(version_of(&own, BENTHOS), "v4.70.0");
    let base = resolve(&at(json!(["nats", "mapping"])), &lacking, &any_module());
    let base = base.unwrap_err();
    assert_eq!(
        codes(&base),
        [(ProblemCode::UnknownComponent, "components[1]")]
    );
    assert!(base.summary().contains("v4.70.0"), "{base}");
    let known = resolve(
        &at(json!(["nats", "mapping"])),
        &knowing("v4.78.0"),
        &any_module(),
    );
    assert!(known.is_ok());
}

#[test]
fn a_blocked_release_is_refused_whatever_it_requires() {
    let list = format!(r#"[{{"module":"{CONNECT}@v4.99.0","reason":"it leaks"}}]"#);
    let list = Arc::new(serde_json::from_str(&list).unwrap());
    let catalog = fixture::catalog().blocking(list, 5);
    let lacks = |catalog: &Snapshot, module: &str, version: &str| {
        catalog.lacks_requirements(&module.parse().unwrap(), &version.parse().unwrap())
    };
    for (module, version, expected) in [
        (CONNECT, "v4.99.0", false),
        (CONNECT, "v4.98.0", true),
        (CONNECT, "v4.85.0", false),
        (BENTHOS, "v4.70.0", false),
        ("example.com/own", "v1.2.3", false),
    ] {
        let found = lacks(&catalog, module, version);
        assert_eq!(found, expected, "{module} {version}");
    }
    assert!(lacks(&fixture::catalog(), CONNECT, "v4.99.0"));
    assert!(!lacks(&knowing("v4.77.0"), CONNECT, "v4.99.0"));

    let nats = request(&json!({"packages": [format!("{}@v4.99.0", connect("nats"))]}));
    assert!(unlisted(&nats, &catalog, &any_module()).is_empty());
    let refusal = resolve(&nats, &catalog, &any_module()).unwrap_err();
    assert_eq!(
        codes(&refusal),
        [(ProblemCode::ModuleBlocked, "packages[0]")]
    );
}
