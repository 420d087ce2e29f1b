use std::sync::Arc;

use super::*;
use crate::catalog::{Releases, Schemas, Snapshot, embedded_releases};

fn schemas() -> Schemas {
    let releases = embedded_releases().unwrap();
    let releases = Releases::new(releases.into_iter().map(Arc::new), 1);
    Schemas::of(&Snapshot::of(Arc::new(releases)))
}

/// Words in backticks that are no components: fields, functions, flags and packages.
const OTHERS: [&str; 10] = [
    "CGO_ENABLED=1",
    "-tags x_benthos_extra",
    "x_benthos_extra",
    "agent",
    "deleted()",
    "metrics",
    "public/components/redpanda",
    "public/components/wasm",
    "redpanda_migrator",
    "tail -F",
];

#[test]
fn nothing_in_the_table_is_offered_and_what_it_recommends_is() {
    let schemas = schemas();
    for entry in COMPONENTS {
        for name in entry.names {
            for kind in entry.kinds {
                let message = component(Some(*kind), name).unwrap().message;
                assert!(schemas.component(*kind, name).is_none(), "{message}");
                assert!(message.ends_with('.') && message.len() < 400, "{message}");
                for word in message.split('`').skip(1).step_by(2) {
                    let is_known = word == *name
                        || word == "mapping"
                        || word == "file"
                        || OTHERS.contains(&word)
                        || !schemas.kinds_of(word).is_empty();
                    assert!(is_known, "{word}: {message}");
                }
            }
            assert!(component(None, name).is_some());
        }
    }
}

#[test]
fn only_the_kind_that_is_meant_is_known() {
    assert!(component(Some(ComponentKind::Cache), "zmq4").is_none());
    assert!(component(Some(ComponentKind::Input), "zmq").is_none());
    let found = component(Some(ComponentKind::Output), "zmq4").unwrap();
    assert!(found.message.contains("the output `zmq4`") && !found.is_of_bento);
    assert!(component(None, "etcd").unwrap().is_of_bento);
}

#[test]
fn paths_of_forks_and_earlier_addresses_are_known() {
    for (path, expected) in [
        (
            "github.com/warpstreamlabs/bento",
            Some("a package of Bento"),
        ),
        (
            "github.com/warpstreamlabs/bento/public/components/nats",
            Some("a package of Bento"),
        ),
        (
            "github.com/benthosdev/benthos/v4/public/components/aws",
            Some("earlier address"),
        ),
        ("github.com/Jeffail/benthos/v3/lib", Some("earlier address")),
        ("github.com/warpstreamlabs/bentobox", None),
        ("github.com/redpanda-data/benthos/v4", None),
    ] {
        let found = import_path(path);
        match expected {
            Some(expected) => assert!(found.unwrap().contains(expected), "{path}"),
            None => assert_eq!(found, None, "{path}"),
        }
    }
}
