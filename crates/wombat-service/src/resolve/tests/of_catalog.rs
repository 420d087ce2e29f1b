//! What may be begun before a client requests it: the catalog's own.

use super::*;

#[test]
fn releases_of_the_catalog_and_what_they_require_are_its_own() {
    let is_own = |body: &Value, catalog: &Snapshot| {
        let resolved = resolve(&request(body), catalog, &any_module());
        resolved.unwrap().is_of_catalog
    };
    let catalog = fixture::catalog();
    for (body, expected) in [
        (json!({"packages": [connect("nats")]}), true),
        (json!({"components": ["mapping"]}), true),
        // It requires a Benthos that the catalog lacks.
        (
            json!({"packages": [format!("{}@v4.85.0", connect("nats"))]}),
            true,
        ),
        (
            json!({"packages": [connect("nats"), "example.com/own@v1.2.3"]}),
            false,
        ),
    ] {
        assert_eq!(is_own(&body, &catalog), expected, "{body}");
    }
    let name = (CONNECT.parse().unwrap(), "v4.99.0".parse().unwrap());
    let required = [(BENTHOS.parse().unwrap(), "v4.77.0".parse().unwrap())].into();
    let knowing = catalog.knowing([(name, required)].into());
    let unlisted = json!({"packages": [format!("{}@v4.99.0", connect("nats"))]});
    assert!(!is_own(&unlisted, &knowing));
}
