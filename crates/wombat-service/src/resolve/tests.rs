//! Tables of requests and their results.

use serde_json::{Value, json};
use wombat_model::{
    AcceptedLicence, ImportPath, LicenceArgs, LicencePolicy, ModulePath, RefusalStatus, Template,
    catalog::Licence,
};

use super::*;
use crate::{
    catalog::{BENTHOS, VersionPolicy},
    fixture::{self, CONNECT},
};

mod cover;
mod drivers;
mod lacking;
mod licences;
mod names;
mod of_catalog;
mod refusals;
mod unlisted;
mod versions;

fn request(body: &Value) -> BuildRequest {
    let mut body = body.clone();
    let fields = body.as_object_mut().unwrap();
    fields.entry("goos").or_insert("linux".into());
    fields.entry("goarch").or_insert("amd64".into());
    BuildRequest::from_json(body.to_string().as_bytes()).unwrap()
}

fn resolved(body: &Value) -> Resolved {
    resolve(&request(body), &fixture::catalog(), &any_module())
        .unwrap_or_else(|refusal| panic!("{body}: {refusal}"))
}

fn any_module() -> Policy {
    Policy {
        modules: ModulePolicy::Any,
        versions: VersionPolicy::Any,
        ..Policy::default()
    }
}

fn refused_under(policy: &Policy, body: &Value) -> Refusal {
    let refusal = resolve(&request(body), &fixture::catalog(), policy)
        .expect_err(&format!("{body} was resolved"));
    assert_eq!(refusal.status, RefusalStatus::Unprocessable, "{body}");
    refusal
}

fn refused(body: &Value) -> Refusal {
    refused_under(&any_module(), body)
}

fn codes(refusal: &Refusal) -> Vec<(ProblemCode, &str)> {
    let problems = refusal.problems.iter();
    problems
        .map(|problem| (problem.code, problem.field.as_deref().unwrap_or("")))
        .collect()
}

/// Short names of what was added besides the base.
fn added(resolved: &Resolved) -> Vec<&str> {
    let packages = resolved.spec.packages().iter();
    packages
        .filter(|(_, package)| !package.base)
        .map(|(path, _)| path.short_name())
        .collect()
}

fn connect(name: &str) -> String {
    format!("{CONNECT}/public/components/{name}")
}

fn version_of(resolved: &Resolved, module: &str) -> String {
    resolved.spec.modules()[&module.parse::<ModulePath>().unwrap()].to_string()
}

#[test]
fn the_base_is_added_and_everything_is_exact() {
    let result = resolved(&json!({"packages": [connect("nats"), connect("nats")]}));
    let all: Vec<(&str, bool)> = result
        .spec
        .packages()
        .iter()
        .map(|(path, package)| (path.short_name(), package.base))
        .collect();
    assert_eq!(all, [("io", true), ("pure", true), ("nats", false)]);
    assert_eq!(version_of(&result, CONNECT), "v4.105.0");
    assert_eq!(
        version_of(&result, BENTHOS),
        "v4.77.0",
        "what Connect requires, not the newest"
    );
    assert_eq!(result.spec.graph().as_str(), CONNECT);
    assert_eq!(result.spec.go().to_string(), "1.26.8");
    assert_eq!(result.answer.id, result.spec.key());
    assert_eq!(result.catalog_revision, 4);
    assert_eq!(result.answer.licence, Some(Licence::Apache));

    let pure = resolved(&json!({"packages": [connect("nats")], "base": "pure"}));
    let all: Vec<&str> = pure
        .spec
        .packages()
        .keys()
        .map(ImportPath::short_name)
        .collect();
    assert_eq!(all, ["pure", "nats"]);
}

#[test]
fn without_connect_benthos_is_the_newest_and_the_graph() {
    for body in [
        json!({"components": ["mapping"]}),
        json!({"packages": [format!("{BENTHOS}/public/components/io")]}),
        json!({"packages": ["example.com/own@v1.2.3"]}),
    ] {
        let result = resolved(&body);
        assert_eq!(version_of(&result, BENTHOS), "v4.78.0", "{body}");
        assert_eq!(result.spec.graph().as_str(), BENTHOS, "{body}");
    }
}

#[test]
fn components_find_the_best_packages() {
    for (components, expected) in [
        (json!(["kafka"]), vec!["kafka"]),
        (json!(["input/kafka"]), vec!["kafka"]),
        (json!(["kafka", "aws_s3"]), vec!["aws"]),
        (json!(["kafka_franz", "output/aws_s3"]), vec!["aws"]),
        (json!(["kafka", "nats"]), vec!["kafka", "nats"]),
        (json!(["schema_registry_decode"]), vec!["confluent"]),
        (json!(["redis_list", "cache/redis"]), vec!["redis"]),
        (json!(["mapping", "file"]), vec![]),
    ] {
        assert_eq!(
            added(&resolved(&json!({"components": components}))),
            expected,
            "{components}"
        );
    }
    let explicit = json!({"packages": [connect("aws")], "components": ["kafka"]});
    assert_eq!(
        added(&resolved(&explicit)),
        ["aws"],
        "what is in already counts"
    );
}

#[test]
fn reasons_say_why_this_one() {
    let result = resolved(&json!({"components": ["kafka"]}));
    let kafka = result
        .answer
        .packages
        .iter()
        .find(|package| !package.base)
        .unwrap();
    assert_eq!(
        kafka.reason,
        "Brings input/kafka, output/kafka. Chosen over `aws`, which is larger as far as is known."
    );
    assert_eq!(kafka.licence, Some(Licence::Community));
    assert!(
        result
            .answer
            .notes
            .iter()
            .any(|note| note.contains("1 of the files"))
    );
}

#[test]
fn a_version_is_asked_for_pinned_or_newest() {
    let older = resolved(&json!({"packages": [format!("{}@v4.85.0", connect("nats"))]}));
    assert_eq!(version_of(&older, CONNECT), "v4.85.0");
    assert_eq!(
        version_of(&older, BENTHOS),
        "v4.66.0",
        "pinned, although the catalog lacks it"
    );
    assert!(
        older
            .answer
            .notes
            .iter()
            .any(|note| note.contains("v4.66.0"))
    );

    let modules = json!({CONNECT: "v4.85.0"});
    let same = resolved(&json!({"packages": [connect("nats")], "modules": modules}));
    assert_eq!(same.spec.key(), older.spec.key());
    let by_name = resolved(&json!({"components": ["nats", "nats_jetstream"], "modules": modules}));
    assert_eq!(by_name.spec.key(), older.spec.key());

    let higher = json!({"packages": [connect("nats")], "modules": {BENTHOS: "v4.78.0"}});
    let higher = resolved(&higher);
    assert_eq!(version_of(&higher, BENTHOS), "v4.78.0");
    assert_eq!(higher.spec.graph().as_str(), CONNECT);
}

#[test]
fn third_party_modules_need_an_exact_version() {
    let named =
        json!({"packages": ["example.com/own/sub"], "modules": {"example.com/own": "v1.2.3"}});
    let result = resolved(&named);
    assert_eq!(version_of(&result, "example.com/own"), "v1.2.3");
    assert!(
        result
            .answer
            .notes
            .iter()
            .any(|note| note.contains("example.com/own/sub"))
    );

    let unknown = refused(&json!({"packages": [connect("nats"), "example.com/own/sub"]}));
    assert_eq!(
        codes(&unknown),
        [(ProblemCode::UnknownModule, "packages[1]")]
    );
}

#[test]
fn unchecked_platforms_are_said() {
    let body = json!({"packages": [connect("nats")], "goarch": "s390x"});
    let notes = resolved(&body).answer.notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("wasn't tried on linux/s390x")),
        "{notes:?}"
    );
    let nothing_to_say = resolved(&json!({"packages": [connect("nats")]}))
        .answer
        .notes;
    assert!(nothing_to_say.is_empty(), "{nothing_to_say:?}");
}

#[test]
fn other_paths_of_a_listed_module_pass_with_a_note() {
    let result = resolved(&json!({"packages": [format!("{CONNECT}/internal2/thing")]}));
    assert!(
        result
            .answer
            .notes
            .iter()
            .any(|note| note.contains("internal2/thing"))
    );
}

#[test]
fn a_size_is_told_where_all_of_it_was_measured() {
    let of = |names: &[&str]| {
        let packages: Vec<String> = names.iter().map(|name| connect(name)).collect();
        resolved(&json!({ "packages": packages }))
            .answer
            .estimated_bytes
    };
    assert_eq!(of(&["nats"]), Some(1_030));
    assert_eq!(of(&["nats", "redis"]), Some(1_034));
    assert_eq!(of(&["nats", "kafka"]), None, "kafka wasn't measured");
}

#[test]
fn a_request_may_name_its_distribution_and_an_earlier_template() {
    let plain = json!({"packages": [connect("nats")]});
    let with = |fields: &Value| {
        let mut body = plain.clone();
        let body_fields = body.as_object_mut().unwrap();
        body_fields.append(&mut fields.as_object().unwrap().clone());
        resolved(&body)
    };
    let newest = resolved(&plain);
    assert_eq!(newest.spec.template(), Template::NEWEST);
    let own = with(&json!({"name": "acme-connect", "version": "1.4.0"}));
    let answer = serde_json::to_value(&own.answer).unwrap();
    assert_eq!(
        (&answer["name"], &answer["version"]),
        (&json!("acme-connect"), &json!("1.4.0"))
    );
    let first = with(&json!({"template": 1}));
    // The id that version 0.1.0 gave this request.
    assert_eq!(first.answer.id.hash().short(), "a76d2a6549fc");
    let ids = [&newest, &own, &first].map(|it| it.answer.id.clone());
    assert!(ids[0] != ids[1] && ids[0] != ids[2], "{ids:?}");
}
