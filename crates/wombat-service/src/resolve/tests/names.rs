//! Names that official modules register, and modules that were imported besides and register them, too.

use wombat_model::catalog::Release;

use super::*;
use crate::fixture::{components, edited, joined_by, stranger};

const EVIL: &str = "a.evil/parts";

/// It sorts before the official modules, is small, and requires what they require.
fn evil() -> Release {
    let nats = ["input/nats", "output/nats", "processor/nats", "cache/acme"];
    stranger(
        EVIL,
        "v1.0.0",
        &[("all", &nats), ("redis", &["cache/redis"])],
    )
}

fn with_evil(body: &Value) -> Result<Resolved, Refusal> {
    resolve(&request(body), &joined_by([evil()]), &any_module())
}

/// What was added, whole paths.
fn paths(resolved: &Resolved) -> Vec<String> {
    let packages = resolved.spec.packages().iter();
    let added = packages.filter(|(_, package)| !package.base);
    added.map(|(path, _)| path.to_string()).collect()
}

fn evil_package(name: &str) -> String {
    format!("{EVIL}/public/components/{name}")
}

#[test]
fn a_name_that_official_modules_register_is_theirs() {
    for asked in [
        json!(["nats"]),
        json!(["input/nats"]),
        json!(["output/nats", "input/nats"]),
    ] {
        let resolved = with_evil(&json!({"components": asked})).unwrap();
        assert_eq!(paths(&resolved), [connect("nats")], "{asked}");
        assert!(resolved.answer.notes.is_empty(), "{asked}");
        let modules: Vec<&str> = resolved
            .spec
            .modules()
            .keys()
            .map(ModulePath::as_str)
            .collect();
        assert!(!modules.contains(&EVIL), "{asked}");
    }
    let both = with_evil(&json!({"components": ["nats", "redis"]})).unwrap();
    assert_eq!(paths(&both), [connect("nats"), connect("redis")]);
}

#[test]
fn a_module_brings_the_rest_of_its_components() {
    for asked in ["acme", "cache/acme", "processor/nats"] {
        let resolved = with_evil(&json!({"components": [asked]})).unwrap();
        assert_eq!(paths(&resolved), [evil_package("all")], "{asked}");
        let notes = resolved.answer.notes.join(" ");
        assert!(notes.contains("`input/nats`, `output/nats`"), "{notes}");
    }
    let both = with_evil(&json!({"components": ["acme", "nats"]})).unwrap();
    assert_eq!(paths(&both), [evil_package("all"), connect("nats")]);
}

#[test]
fn a_package_that_is_picked_by_path_brings_its_names() {
    let path = evil_package("all");
    let body = json!({"packages": [path], "components": ["nats"]});
    let resolved = with_evil(&body).unwrap();
    assert_eq!(paths(&resolved), [path]);
    assert!(resolved.answer.notes[0].contains("names of official components"));
    // Its module alone isn't its package.
    let body = json!({"modules": {EVIL: "v1.0.0"}, "components": ["nats"]});
    let refusal = with_evil(&body).unwrap_err();
    assert_eq!(refusal.problems[0].code, ProblemCode::UnusedModule);
}

#[test]
fn what_official_modules_cannot_give_comes_from_no_other_module() {
    let other = stranger(
        EVIL,
        "v1.0.0",
        &[("x", &["cache/couchbase", "input/mysql_cdc"])],
    );
    let catalog = joined_by([other]);
    for (body, code) in [
        // Compiles to nothing there.
        (
            json!({"components": ["couchbase"], "goarch": "arm"}),
            ProblemCode::EmptyOnPlatform,
        ),
        // Needs the operator's consent.
        (
            json!({"components": ["mysql_cdc"]}),
            ProblemCode::LicenceNotAccepted,
        ),
    ] {
        let refusal = resolve(&request(&body), &catalog, &any_module()).unwrap_err();
        assert_eq!(codes(&refusal), [(code, "components[0]")], "{body}");
    }
    // The default release lacks it, and another one has it.
    let lacking = edited(|release| {
        let path = connect("nats").parse().unwrap();
        release.packages.retain(|package| package.path != path);
        release
            .excluded
            .insert(path, "It doesn't compile.".to_owned());
    });
    let all = lacking.all().map(|release| (**release).clone());
    let catalog = fixture::catalog_with(all.chain([evil()]));
    let body = json!({"components": ["input/nats"]});
    let resolved = resolve(&request(&body), &catalog, &any_module()).unwrap();
    assert_eq!(paths(&resolved), [connect("nats")]);
    assert_eq!(version_of(&resolved, CONNECT), "v4.85.0");
}

#[test]
fn a_module_does_not_make_official_components_need_a_licence() {
    let mut other = evil();
    other.packages[0].enterprise = components(&["input/nats", "cache/acme"]);
    other.packages[0].licence = Licence::Rcl;
    let catalog = joined_by([other]);
    let resolve = |name: &str| {
        let body = json!({"components": [name]});
        resolve(&request(&body), &catalog, &any_module())
    };
    assert_eq!(paths(&resolve("nats").unwrap()), [connect("nats")]);
    let refusal = resolve("acme").unwrap_err();
    assert_eq!(refusal.problems[0].code, ProblemCode::LicenceNotAccepted);
}

#[test]
fn a_newer_official_release_takes_its_names_over() {
    let first = stranger(EVIL, "v1.0.0", &[("new", &["input/brand_new"])]);
    let body = json!({"components": ["brand_new"]});
    let before = joined_by([first.clone()]);
    let resolved = resolve(&request(&body), &before, &any_module()).unwrap();
    assert_eq!(paths(&resolved), [evil_package("new")]);

    let mut newer = stranger(CONNECT, "v4.106.0", &[("new", &["input/brand_new"])]);
    let connect_release = before.default_of(&CONNECT.parse().unwrap()).unwrap();
    newer.packages.extend(connect_release.packages.clone());
    let after = joined_by([first, newer]);
    let resolved = resolve(&request(&body), &after, &any_module()).unwrap();
    assert_eq!(paths(&resolved), [connect("new")]);
    assert_eq!(version_of(&resolved, CONNECT), "v4.106.0");
}

#[test]
fn two_other_modules_with_a_name_are_chosen_between_by_size_and_then_by_path() {
    let of = |module: &str, bytes: u64| {
        let mut release = stranger(module, "v1.0.0", &[("p", &["input/acme", "input/nats"])]);
        release.packages[0].added_bytes = Some(bytes);
        release
    };
    let body = json!({"components": ["acme", "nats"]});
    for (left, right, expected) in [(5, 7, "a.one/m"), (7, 5, "b.two/m"), (5, 5, "a.one/m")] {
        let catalog = joined_by([of("b.two/m", right), of("a.one/m", left)]);
        let resolved = resolve(&request(&body), &catalog, &any_module()).unwrap();
        let expected = [format!("{expected}/public/components/p"), connect("nats")];
        assert_eq!(paths(&resolved), expected, "{left} {right}");
    }
}

#[test]
fn an_official_driver_keeps_its_version() {
    let mut other = evil();
    let connect = fixture::catalog();
    let connect = connect.default_of(&CONNECT.parse().unwrap()).unwrap();
    other.drivers = connect.drivers.clone();
    for driver in &mut other.drivers {
        driver.version = "v0.0.1".parse().unwrap();
    }
    let catalog = joined_by([other]);
    for body in [
        json!({"components": ["sql_select", "driver/postgres", "acme"]}),
        json!({"packages": ["github.com/lib/pq"], "components": ["sql_select", "acme"]}),
    ] {
        let resolved = resolve(&request(&body), &catalog, &any_module()).unwrap();
        assert_eq!(
            version_of(&resolved, "github.com/lib/pq"),
            "v1.12.0",
            "{body}"
        );
        let notes = resolved.answer.notes.join(" ");
        assert!(!notes.contains("`github.com/lib/pq` also"), "{notes}");
    }
}
