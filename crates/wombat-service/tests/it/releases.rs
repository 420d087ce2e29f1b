//! Releases of which an instance may not have heard yet.

use serde_json::{Value, json};
use wombat_model::{catalog::Release, wire::SelectAnswer};
use wombat_store::Store;

use crate::support::{ask, body, one};

/// A release of another module, with one package that brings `processor/new_NUMBER`.
async fn store_release(store: &Store, number: usize) -> anyhow::Result<()> {
    let module = format!("example.com/new{number}");
    let release: Release = serde_json::from_value(json!({
        "module": module, "version": "v1.0.0", "title": "New", "goVersions": ["1.26.8"], "requires": {},
        "componentRoot": "", "packages": [{
            "path": format!("{module}/x"), "description": "New.", "licence": "apache", "rclFiles": 0, "cgo": false,
            "platforms": {"linux/amd64": "compiles"},
            "components": [{"kind": "processor", "name": format!("new_{number}")}],
        }],
    }))?;
    assert!(store.catalog.seed(release).await?);
    Ok(())
}

#[tokio::test]
async fn a_release_is_known_as_soon_as_it_is_stored() -> anyhow::Result<()> {
    let (_server, client, store, instance) = Box::pin(one()).await?;
    for number in (0..).step_by(6).take(8) {
        for kind in 0..6 {
            let number = number + kind;
            let component = format!("processor/new_{number}");
            let module = json!({"module": format!("example.com/new{number}")});
            store_release(&store, number).await?;
            let (subject, question) = match kind {
                0 => ("catalog.component", json!({"component": component})),
                1 => ("catalog.search", module),
                2 => ("catalog.components", module),
                3 => ("build.resolve", body(&component)),
                4 => ("build.request", body(&component)),
                _ => {
                    let pipeline = format!("pipeline: {{processors: [{{new_{number}: {{}}}}]}}\n");
                    let question = json!({
                        "pipeline": pipeline, "goos": "linux", "goarch": "amd64",
                    });
                    ("catalog.select", question)
                }
            };
            let answer = ask(&client, subject, &question).await;
            let answer = answer.unwrap_or_else(|refusal| panic!("{subject}: {refusal}"));
            match subject {
                "catalog.search" | "catalog.components" => {
                    assert_eq!(answer["total"], 1, "{subject}: {answer}");
                }
                "catalog.select" => {
                    let answer: SelectAnswer = serde_json::from_value(answer)?;
                    assert!(answer.request.is_some(), "{answer:?}");
                    assert_eq!(answer.mistakes, [], "{subject}");
                }
                _ => assert_ne!(answer, Value::Null),
            }
        }
    }
    instance.stop().await?;
    Ok(())
}
