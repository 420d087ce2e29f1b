//! The smallest binary that brings the components.

use super::*;
use wombat_model::catalog::{Release, SharedBytes};

/// Sizes of packages as in a real release, in tenths of a megabyte.
const SIZES: [(&str, u64); 8] = [
    ("aws", 574),
    ("confluent", 98),
    ("couchbase", 97),
    ("kafka", 83),
    ("mysql", 150),
    ("redis", 63),
    ("sql", 926),
    ("sql/base", 11),
];

/// A catalog in which all of these are measured, and the drivers too.
pub(super) fn measured() -> Snapshot {
    fixture::edited(measure)
}

fn measure(release: &mut Release) {
    release.base_bytes = Some(24_900_000);
    for (name, size) in SIZES {
        let path = connect(name).parse().unwrap();
        let mut packages = release.packages.iter_mut();
        let package = packages.find(|package| package.path == path).unwrap();
        package.added_bytes = Some(size * 100_000);
    }
    for driver in &mut release.drivers {
        driver.package.added_bytes = Some(400_000);
    }
}

pub(super) fn resolved_in(catalog: &Snapshot, body: &Value) -> Resolved {
    resolve(&request(body), catalog, &any_module())
        .unwrap_or_else(|refusal| panic!("{body}: {refusal}"))
}

pub(super) fn reason_of<'a>(resolved: &'a Resolved, name: &str) -> &'a str {
    let mut packages = resolved.answer.packages.iter();
    let package = packages.find(|package| package.url.short_name() == name);
    &package.unwrap_or_else(|| panic!("no {name}")).reason
}

#[test]
fn the_smallest_binary_is_chosen_and_the_reason_has_both_numbers() {
    let catalog = measured();
    let result = resolved_in(
        &catalog,
        &json!({"components": ["kafka", "cache/couchbase"]}),
    );
    assert_eq!(added(&result), ["couchbase", "kafka"]);
    assert_eq!(result.answer.estimated_bytes, Some(42_900_000));
    let reason = reason_of(&result, "kafka");
    assert!(
        reason.ends_with("Chosen over `aws`: 42.9 MB instead of 92.0 MB."),
        "{reason}"
    );
}

#[test]
fn two_small_packages_beat_one_large_one() {
    let edit = |release: &mut Release| {
        measure(release);
        let aws = connect("aws").parse().unwrap();
        let mut packages = release.packages.iter_mut();
        let aws = packages.find(|package| package.path == aws).unwrap();
        aws.components
            .extend(fixture::components(&["cache/couchbase"]));
        aws.licence = Licence::Apache;
    };
    let body = json!({"components": ["schema_registry_decode", "cache/couchbase"]});
    let result = resolved_in(&fixture::edited(edit), &body);
    assert_eq!(added(&result), ["confluent", "couchbase"]);
    let reason = reason_of(&result, "couchbase");
    assert!(
        reason.ends_with("Chosen over `aws`: 44.4 MB instead of 82.3 MB."),
        "{reason}"
    );
}

#[test]
fn what_another_package_contains_costs_nothing() {
    let catalog = measured();
    let of = |packages: &[&str], components: &[&str]| {
        let packages: Vec<String> = packages.iter().map(|name| connect(name)).collect();
        let body = json!({"packages": packages, "components": components});
        resolved_in(&catalog, &body).answer.estimated_bytes
    };
    assert_eq!(of(&["aws"], &[]), of(&["aws", "kafka"], &[]));
    assert_eq!(of(&["aws"], &["kafka"]), of(&["aws"], &[]));

    let shared = fixture::edited(|release| {
        measure(release);
        release.shared = vec![SharedBytes {
            bytes: 5_000_000,
            packages: vec!["couchbase".to_owned(), "redis".to_owned()],
        }];
    });
    let body = json!({"packages": [connect("couchbase"), connect("redis")]});
    let result = resolved_in(&shared, &body);
    assert_eq!(
        result.answer.estimated_bytes,
        Some(24_900_000 + 9_700_000 + 6_300_000 - 5_000_000)
    );
}

#[test]
fn a_hostile_request_is_answered_at_once() {
    let catalog = measured();
    let all = [
        "kafka",
        "kafka_franz",
        "aws_s3",
        "nats",
        "redis_list",
        "redis",
        "other",
        "sql",
        "sqlite",
        "postgres",
    ];
    let components: Vec<&str> = all.iter().copied().cycle().take(64).collect();
    let begun = std::time::Instant::now();
    resolved_in(&catalog, &json!({ "components": components }));
    assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
}
