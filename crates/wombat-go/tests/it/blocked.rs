//! Modules that the operator blocks, with real Go and the test's module proxy.

use tokio_util::sync::CancellationToken;
use wombat_go::{BlocklistSource, BuildError};
use wombat_model::{Blocklist, Failure, FailureClass};
use wombat_store::Revision;
use wombat_testkit::{NatsServer, TestModule};

use crate::half_scene::{BENTHOS, MODULE, Scene, VERSION, own_spec};

const BLOCKED: &str = "blocked.example/deep";

fn list(text: &str) -> Blocklist {
    serde_json::from_str(text).unwrap()
}

/// The test's module requires one that requires the blocked one.
fn serve(scene: &Scene) {
    let between = "between.example/m";
    let requiring = |path: &str, other: &str| {
        let text = format!("module {path}\n\ngo 1.26.0\n\nrequire {other} v1.0.0\n");
        let version = if path == MODULE { VERSION } else { "v1.0.0" };
        TestModule::new(path, version).go_mod(text)
    };
    let source = |name: &str, imports: &[&str]| {
        let imports = imports.iter().map(|path| format!("import _ \"{path}\"\n"));
        format!("package {name}\n\n{}", imports.collect::<String>())
    };
    let service = format!("{BENTHOS}/public/service");
    let modules = [
        requiring(MODULE, between).file("p/p.go", source("p", &[&service, "between.example/m/q"])),
        requiring(between, BLOCKED).file("q/q.go", source("q", &["blocked.example/deep/r"])),
        TestModule::new(BLOCKED, "v1.0.0").file("r/r.go", source("r", &[])),
    ];
    for module in &modules {
        scene.proxy.serve(module).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_module_is_refused_wherever_it_is_required() {
    let nats = NatsServer::start().unwrap();
    let (_connection, store) = nats.store().await.unwrap();
    let scene = Scene::new().await;
    serve(&scene);
    let source = BlocklistSource::of(&store.catalog);
    let workshop = scene.workshop().await.blocking(source);
    let failure = async || -> Failure {
        let stop = CancellationToken::new();
        let built = Scene::build_in(&workshop, &own_spec("p"), &stop).await;
        match built.result {
            Err(BuildError::Failed(failure)) => failure,
            other => panic!("{other:?}\n{}", built.log),
        }
    };
    let evil = list(r#"[{"module": "blocked.example/*", "reason": "malware"}]"#);
    store.catalog.block(evil, Revision::ZERO).await.unwrap();
    let found = failure().await;
    assert_eq!(found.class, FailureClass::Input);
    assert_eq!(
        found.message,
        "This build has a module that the operator blocks: blocked.example/deep v1.0.0, by the entry `blocked.example/*` \
         (malware). half.example/m/p needs it: between.example/m/q imports blocked.example/deep/r."
    );
    assert_eq!(found.package.unwrap().as_str(), "half.example/m/p");

    // Nothing of a blocked module is fetched if the request names it.
    let asked = scene.proxy.asked().len();
    let own = list(r#"[{"module": "half.example/m@v1.2.3"}]"#);
    let revision = store.catalog.blocklist_revision().await.unwrap();
    store.catalog.block(own, revision).await.unwrap();
    let found = failure().await;
    assert!(found.is_blocked(), "{found:?}");
    assert!(
        found.message.ends_with("The request names it."),
        "{found:?}"
    );
    assert_eq!(scene.proxy.asked().len(), asked);
}
