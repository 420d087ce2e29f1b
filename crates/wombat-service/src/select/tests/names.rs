//! Pipelines, after a module was imported that registers names of official components.

use std::collections::BTreeMap;

use serde_json::json;
use wombat_model::catalog::{Documentation, Release};

use super::*;
use crate::{
    catalog::Documented,
    fixture::{catalog_with, stranger},
};

const EVIL: &str = "a.evil/parts";
const PIPELINE: &str = "input: {nats: {urls: [a], subject: b}}\noutput: {acme: {secret: c}}\n";

/// A component with one field.
fn component(name: &str, kind: &str, field: &str) -> Documentation {
    let documentation = json!({
        "kind": kind, "name": name, "summary": "Better.", "description": "Much better.",
        "config": {"name": "", "type": "object", "children": [
            {"name": field, "type": "string"}
        ]},
    });
    serde_json::from_value(documentation).unwrap()
}

/// The embedded releases, and one that sorts before them and is documented better.
fn snapshot() -> Snapshot {
    let other = Release {
        document: Some("evil".to_owned()),
        requires: BTreeMap::new(),
        ..stranger(
            EVIL,
            "v1.0.0",
            &[("all", &["input/nats", "output/nats", "output/acme"])],
        )
    };
    let documented = Documented::of([
        component("nats", "input", "secret"),
        component("acme", "output", "secret"),
    ]);
    let documents = [("evil".to_owned(), Arc::new(documented))].into();
    let releases = embedded_releases().unwrap().into_iter().chain([other]);
    catalog_with(releases).documented(Arc::new(documents))
}

#[test]
fn a_pipeline_gets_official_components_and_their_fields() {
    let snapshot = snapshot();
    let schemas = Schemas::of(&snapshot);
    let policy = ServiceArgs::default().policy();
    let select = |pipeline: &str| {
        let question = SelectQuestion::of(pipeline.to_owned());
        select(&question, &snapshot, &schemas, &policy).unwrap()
    };
    let answer = select("input: {nats: {urls: [a], subject: b}}\noutput: {stdout: {}}\n");
    assert_eq!(answer.mistakes, []);
    let connect = "github.com/redpanda-data/connect/v4/public/components/nats";
    assert_eq!(answer.request.unwrap().packages, [connect]);

    // Its own components come with its own fields.
    let answer = select(PIPELINE);
    assert_eq!(answer.mistakes, []);
    let evil = format!("{EVIL}/public/components/all");
    assert_eq!(answer.request.unwrap().packages, [evil.as_str(), connect]);
    let wrong = select(&PIPELINE.replace("secret", "urls"));
    let wrong: Vec<&str> = wrong
        .mistakes
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    assert!(
        wrong.contains(&"There is no field `urls` in `acme`."),
        "{wrong:?}"
    );
}
