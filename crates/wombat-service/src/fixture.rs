//! A small catalog for unit tests, with each case that resolving distinguishes.

use std::{collections::BTreeMap, sync::Arc};

use wombat_model::{
    catalog::{CatalogPackage, Component, Driver, Licence, PlatformSupport, Release},
    wire::CatalogQuestion,
};

use crate::catalog::{BENTHOS, Releases, Snapshot};

pub(crate) const CONNECT: &str = "github.com/redpanda-data/connect/v4";

/// Connect v4.105.0 and v4.85.0, Benthos v4.77.0 and v4.78.0; the Benthos that v4.85.0 requires is missing, and its
/// drivers aren't known.
pub(crate) fn catalog() -> Snapshot {
    edited(|_| ())
}

/// The same with another Connect v4.105.0.
pub(crate) fn edited(edit: impl Fn(&mut Release)) -> Snapshot {
    let connect = |version: &str, benthos: &str, go: &[&str]| {
        let mut release = Release {
            requires: BTreeMap::from([(BENTHOS.parse().unwrap(), benthos.parse().unwrap())]),
            packages: connect_packages(),
            base_bytes: Some(1_000),
            ..release(CONNECT, version, go)
        };
        if version == "v4.105.0" {
            release.drivers = connect_drivers();
            edit(&mut release);
        }
        release
    };
    let benthos = |version: &str, go: &[&str]| Release {
        packages: benthos_packages(),
        ..release(BENTHOS, version, go)
    };
    catalog_with([
        connect("v4.105.0", "v4.77.0", &["1.26.8", "1.26.6", "1.26.5"]),
        connect("v4.85.0", "v4.66.0", &["1.26.8", "1.26.5", "1.26.3"]),
        benthos("v4.77.0", &["1.26.8", "1.26.6", "1.26.5", "1.26.4"]),
        benthos("v4.78.0", &["1.26.8", "1.26.6"]),
    ])
}

/// A catalog of these releases.
pub(crate) fn catalog_with(all: impl IntoIterator<Item = Release>) -> Snapshot {
    let all = all.into_iter().map(Arc::new);
    Snapshot::of(Arc::new(Releases::new(all, 4)))
}

/// The small catalog, after these releases were imported.
pub(crate) fn joined_by(others: impl IntoIterator<Item = Release>) -> Snapshot {
    let own = catalog();
    let own: Vec<Release> = own.all().map(|release| (**release).clone()).collect();
    catalog_with(own.into_iter().chain(others))
}

/// A release of a module that isn't official: packages by their names, each with these components.
pub(crate) fn stranger(module: &str, version: &str, packages: &[(&str, &[&str])]) -> Release {
    let packages = packages.iter().map(|(name, all)| CatalogPackage {
        // The smallest one wins where nothing else decides.
        added_bytes: Some(1),
        ..package(module, name, all)
    });
    Release {
        packages: packages.collect(),
        requires: BTreeMap::from([(BENTHOS.parse().unwrap(), "v4.77.0".parse().unwrap())]),
        base_bytes: Some(1_000),
        ..release(module, version, &["1.26.8"])
    }
}

fn release(module: &str, version: &str, go: &[&str]) -> Release {
    Release {
        module: module.parse().unwrap(),
        version: version.parse().unwrap(),
        title: module.to_owned(),
        go_versions: go.iter().map(|go| go.parse().unwrap()).collect(),
        lowest_go: None,
        requires: BTreeMap::new(),
        component_root: "public/components".to_owned(),
        packages: Vec::new(),
        excluded: BTreeMap::new(),
        unfetched: BTreeMap::new(),
        base_bytes: None,
        shared: Vec::new(),
        drivers: Vec::new(),
        document: None,
        added_documents: Vec::new(),
        generation: 5,
    }
}

/// A release with these packages.
pub(crate) fn release_with(module: &str, version: &str, packages: &[&str]) -> Release {
    Release {
        packages: packages
            .iter()
            .map(|name| package(module, name, &[&format!("input/{name}")]))
            .collect(),
        ..release(module, version, &["1.26.8"])
    }
}

fn package(module: &str, name: &str, all: &[&str]) -> CatalogPackage {
    let platforms = ["linux/amd64", "linux/arm"];
    CatalogPackage {
        path: format!("{module}/public/components/{name}")
            .parse()
            .unwrap(),
        description: format!("What {name} is for."),
        licence: Licence::Apache,
        rcl_files: 0,
        cgo: false,
        platforms: platforms
            .map(|platform| (platform.parse().unwrap(), PlatformSupport::Compiles))
            .into(),
        components: components(all),
        enterprise: Vec::new(),
        missing: BTreeMap::new(),
        added_bytes: None,
        compile_ms: None,
        support: Vec::new(),
    }
}

fn connect_packages() -> Vec<CatalogPackage> {
    let plain = |name: &str, components: &[&str]| package(CONNECT, name, components);
    let kafka = [
        "input/kafka",
        "output/kafka",
        "input/kafka_franz",
        "processor/schema_registry_decode",
    ];
    let aws = [
        &kafka[..],
        &["input/aws_s3", "output/aws_s3", "input/mysql_cdc"],
    ]
    .concat();
    vec![
        CatalogPackage {
            licence: Licence::Community,
            rcl_files: 30,
            enterprise: components(&["input/mysql_cdc"]),
            ..plain("aws", &aws)
        },
        plain("confluent", &["processor/schema_registry_decode"]),
        CatalogPackage {
            platforms: [
                ("linux/arm".parse().unwrap(), PlatformSupport::Empty),
                ("linux/386".parse().unwrap(), PlatformSupport::Fails),
            ]
            .into(),
            ..plain("couchbase", &["cache/couchbase"])
        },
        CatalogPackage {
            licence: Licence::Community,
            rcl_files: 1,
            ..plain("kafka", &kafka)
        },
        CatalogPackage {
            licence: Licence::Rcl,
            rcl_files: 6,
            enterprise: components(&["input/mysql_cdc"]),
            ..plain("mysql", &["input/mysql_cdc"])
        },
        CatalogPackage {
            added_bytes: Some(30),
            ..plain(
                "nats",
                &[
                    "input/nats",
                    "output/nats",
                    "input/nats_jetstream",
                    "cache/nats_kv",
                ],
            )
        },
        CatalogPackage {
            added_bytes: Some(4),
            ..plain(
                "redis",
                &["input/redis_list", "output/redis_list", "cache/redis"],
            )
        },
        plain(
            "redis/extra",
            &[
                "input/redis_list",
                "output/redis_list",
                "cache/redis",
                "input/other",
            ],
        ),
        CatalogPackage {
            missing: [(
                "linux/arm".parse().unwrap(),
                components(&["driver/snowflake", "driver/sqlite"]),
            )]
            .into(),
            ..plain(
                "sql",
                &[
                    "cache/sql",
                    "buffer/sqlite",
                    "input/sql_select",
                    "driver/postgres",
                    "driver/snowflake",
                    "driver/sqlite",
                ],
            )
        },
        plain(
            "sql/base",
            &["cache/sql", "buffer/sqlite", "input/sql_select"],
        ),
        CatalogPackage {
            cgo: true,
            ..plain("zeromq", &["input/zmq4"])
        },
    ]
}

pub(crate) fn components(all: &[&str]) -> Vec<Component> {
    let parts = all.iter().map(|text| text.split_once('/').unwrap());
    let components = parts.map(|(kind, name)| Component {
        kind: kind.parse().unwrap(),
        name: name.to_owned(),
    });
    components.collect()
}

/// Snowflake can't be compiled for linux/arm.
fn connect_drivers() -> Vec<Driver> {
    let driver = |path: &str, version: &str, name: &str| Driver {
        module: path.parse().unwrap(),
        version: version.parse().unwrap(),
        package: CatalogPackage {
            path: path.parse().unwrap(),
            ..package(CONNECT, "x", &[&format!("driver/{name}")])
        },
    };
    let mut snowflake = driver("github.com/snowflakedb/gosnowflake", "v1.19.0", "snowflake");
    let arm = "linux/arm".parse().unwrap();
    snowflake
        .package
        .platforms
        .insert(arm, PlatformSupport::Fails);
    vec![
        driver("github.com/lib/pq", "v1.12.0", "postgres"),
        snowflake,
        driver("modernc.org/sqlite", "v1.49.1", "sqlite"),
    ]
}

fn benthos_packages() -> Vec<CatalogPackage> {
    vec![
        package(BENTHOS, "io", &["input/file", "output/file"]),
        package(BENTHOS, "pure", &["processor/mapping", "buffer/none"]),
    ]
}

/// A search by words alone.
pub(crate) fn words(query: &str) -> CatalogQuestion {
    CatalogQuestion {
        query: query.to_owned(),
        ..CatalogQuestion::default()
    }
}
