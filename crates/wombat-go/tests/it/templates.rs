//! Binaries of every template with real Go: what they say about themselves, and the same bytes by hand.

use std::process::Command;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wombat_go::{Product, report::Reporter};
use wombat_model::{BuildSpec, Distribution, Template};

use crate::{
    build::{NATS, options, workshop},
    half_scene::scope,
};

/// A zone that nothing but the database names.
const ZONE: &[u8] = b"Antarctica/Troll";

/// A binary, and the state folder of its workshop, which has it.
async fn build(spec: &BuildSpec) -> (Product, TempDir) {
    let state = TempDir::new().unwrap();
    let workshop = workshop(state.path(), &options()).await;
    let scope = scope(&CancellationToken::new(), Reporter::new().0);
    let product = workshop.build(spec, &scope).await.unwrap();
    (product, state)
}

fn run(product: &Product, argument: &str) -> String {
    let output = Command::new(&product.path).arg(argument).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Follows the recipe with plain Go.
fn by_hand(product: &Product, file: &str) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    for (name, text) in &product.recipe.files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let shared = options();
    let status = Command::new("sh")
        .args(["-c", &product.recipe.command])
        .current_dir(folder.path())
        .envs(&product.recipe.environment)
        .env("GOMODCACHE", shared.module_cache.unwrap())
        .env("GOCACHE", shared.go_cache.unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::read(folder.path().join(file)).unwrap()
}

#[tokio::test]
async fn a_distribution_knows_its_name_its_version_its_date_and_the_time_zones() {
    let own = Distribution {
        name: Some("acme-connect".parse().unwrap()),
        version: Some("1.4.0".parse().unwrap()),
    };
    let spec = NATS.spec().with_distribution(own).unwrap();
    let (product, _state) = build(&spec).await;
    assert_eq!(
        run(&product, "--version"),
        "Version: 1.4.0\nDate: 2026-08-13T17:29:42Z\n"
    );
    assert!(run(&product, "--help").contains("acme-connect"));
    let bytes = std::fs::read(&product.path).unwrap();
    assert!(bytes.windows(ZONE.len()).any(|part| part == ZONE));
    assert!(by_hand(&product, "acme-connect") == bytes, "other bytes");
    let (again, _state) = build(&spec).await;
    assert_eq!(again.sha256, product.sha256);
}

#[tokio::test]
async fn the_first_template_is_still_built_as_it_was() {
    let spec = NATS.spec().with_template(Template::FIRST).unwrap();
    let (product, _state) = build(&spec).await;
    let hash = spec.key().hash().short().to_owned();
    assert_eq!(
        run(&product, "--version"),
        format!("Version: v4.105.0+wombat.{hash}\nDate: \n")
    );
    let bytes = std::fs::read(&product.path).unwrap();
    assert!(by_hand(&product, "wombat") == bytes, "other bytes");
}
