//! Lists that are put together, kept and shared.
#![expect(clippy::disallowed_methods, reason = "tests may block")]

use wombat_model::Template;

use super::{
    offer::{pack, unpack},
    *,
};
use crate::{
    licence_bound::tests::{GO_MOD, release},
    main_file::tests::{CONNECT, spec},
    module_cache::tests::unpack as unpack_module,
    packages::tests::{NATS, PURE, packages},
};

fn scope() -> ListScope {
    ListScope::of("a scope")
}

async fn ask(known: &KnownPackages, spec: &BuildSpec, offer: Offer) -> Option<Packages> {
    let graph = GraphFiles {
        go_mod: GO_MOD.to_owned(),
        go_sum: String::new(),
    };
    known.packages(&scope(), spec, None, &graph, offer).await
}

#[tokio::test]
async fn a_new_selection_of_known_packages_is_put_together() {
    let cache = tempfile::tempdir().unwrap();
    let known = KnownPackages::new(cache.path());
    let (both, one) = (spec(&[NATS, PURE]), spec(&[NATS]));
    let ask = async |spec: &BuildSpec| ask(&known, spec, Offer::default()).await;
    assert!(ask(&both).await.is_none());
    known.learn(&scope(), &both, None, &packages(), false);
    let found = ask(&one).await.unwrap();
    let binary = found.binary();
    let paths: Vec<&str> = found
        .iter(&binary)
        .map(|package| package.import_path.as_str())
        .collect();
    assert!(
        paths.contains(&NATS) && paths.contains(&"vendor/golang.org/x/a"),
        "{paths:?}"
    );
    assert!(!paths.contains(&PURE), "{paths:?}");
    assert!(paths.contains(&"time/tzdata"), "{paths:?}");
    let first = one.clone().with_template(Template::FIRST).unwrap();
    let found = ask(&first).await.unwrap();
    let binary = found.binary();
    assert!(
        found
            .iter(&binary)
            .all(|package| package.import_path != "time/tzdata")
    );
    known.forget(&scope());
    assert!(ask(&one).await.is_none());
}

#[test]
fn a_module_that_is_not_here_makes_the_list_useless() {
    let listed = |version: &str| -> ListedPackage {
        serde_json::from_value(serde_json::json!({
            "ImportPath": "a.example/m/p",
            "Module": {"Path": "a.example/m", "Version": "v1.0.0", "Replace": {"Path": "a.example/fork", "Version": version}},
        }))
        .unwrap()
    };
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("a.example/fork@v1.2.3");
    let fork = CachedModule::new("a.example/fork", "v1.2.3");
    unpack_module(cache.path(), &fork, &[("p/p.go", "package p\n")]);
    let found = with_folders(vec![listed("v1.2.3")], cache.path()).unwrap();
    assert_eq!(found[0].module.as_ref().unwrap().dir, folder);
    assert!(with_folders(vec![listed("v1.2.4")], cache.path()).is_none());
    let half = cache
        .path()
        .join("cache/download/a.example/fork/@v/v1.2.3.partial");
    std::fs::write(half, "").unwrap();
    assert!(with_folders(vec![listed("v1.2.3")], cache.path()).is_none());
}

#[test]
fn what_is_shared_comes_back() {
    let below = packages().portable(NATS, |package| package.import_path == NATS);
    let back = unpack(&pack(&below)).unwrap();
    assert_eq!(back.len(), below.len());
    assert!(
        back.iter()
            .any(|package| package.import_path == NATS && package.marked == Some(true))
    );
    assert!(unpack(b"nonsense").is_none());
}

/// A package of Connect as another builder tells of it.
fn told(name: &str, imports: &[String], marked: bool) -> ListedPackage {
    let json = serde_json::json!({
        "ImportPath": format!("{CONNECT}/{name}"), "Imports": imports, "Marked": marked,
        "Module": {"Path": CONNECT, "Version": "v4.105.0"},
    });
    serde_json::from_value(json).unwrap()
}

/// What another builder offers for a package, and for those that every binary has.
fn offered(root: &str, packages: Vec<ListedPackage>) -> Offer {
    let own = [
        "time/tzdata",
        "github.com/redpanda-data/benthos/v4/public/service",
    ];
    let own = own.map(|path| {
        let package = ListedPackage::importing(path, std::iter::empty());
        (path.to_owned(), vec![package])
    });
    let list = (root.to_owned(), packages);
    Offer(own.into_iter().chain([list]).collect())
}

#[tokio::test]
async fn a_list_of_another_builder_saves_listing_if_no_licence_depends_on_it() {
    let cache = release();
    let known = KnownPackages::new(cache.path());
    let spec = spec(&[NATS]);
    let nats = || offered(NATS, vec![told("public/components/nats", &[], true)]);
    let found = ask(&known, &spec, nats()).await.unwrap();
    let index = found.get(NATS).unwrap();
    assert_eq!(index.marked, Some(false), "the source says so");
    assert!(
        ask(&known, &spec, Offer::default()).await.is_some(),
        "it is remembered"
    );

    let kafka = format!("{CONNECT}/public/components/kafka");
    let offer = offered(&kafka, vec![told("public/components/kafka", &[], false)]);
    let spec = crate::main_file::tests::spec(&[&kafka]);
    assert!(ask(&known, &spec, offer).await.is_none());
}

/// One that leaves out what a package imports would hide a licence below it.
#[tokio::test]
async fn a_list_of_another_builder_never_takes_the_place_of_an_own_one() {
    let cache = release();
    let known = KnownPackages::new(cache.path());
    let shared = format!("{CONNECT}/internal/shared");
    let kafka = format!("{CONNECT}/public/components/kafka");
    let nats_list = vec![
        told(
            "public/components/nats",
            std::slice::from_ref(&shared),
            false,
        ),
        told("internal/shared", &[], false),
    ];
    let spec = spec(&[NATS, &kafka]);
    ask(&known, &spec, offered(NATS, nats_list)).await;
    let own = [
        told(
            "public/components/kafka",
            std::slice::from_ref(&shared),
            false,
        ),
        told(
            "internal/shared",
            &[format!("{CONNECT}/internal/kafka")],
            false,
        ),
        told("internal/kafka", &[], true),
    ];
    known.remember(&scope(), &kafka, own.to_vec());
    let found = ask(&known, &spec, Offer::default()).await.unwrap();
    let binary = found.binary();
    let mut packages = found.iter(&binary);
    assert!(packages.any(|package| package.marked == Some(true)));
}
