//! What a release outside the catalog requires, and whether it was retracted, with real Go and the test's module proxy.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;
use wombat_go::{BuildError, Workshop, report::Reporter};
use wombat_model::{FailureClass, ModulePath, ModuleVersion};
use wombat_testkit::{ProxyFault, TestModule};

use crate::half_scene::{BENTHOS, Scene, scope};

const CONNECT: &str = "github.com/redpanda-data/connect/v4";

/// A release that the module proxy of this machine doesn't have.
fn release(version: &str, benthos: &str) -> TestModule {
    let go_mod = format!("module {CONNECT}\n\ngo 1.26.4\n\nrequire {BENTHOS} {benthos}\n");
    TestModule::new(CONNECT, version)
        .go_mod(go_mod)
        .file("public/components/x/x.go", "package x\n")
}

async fn required(
    workshop: &Workshop,
    version: &str,
) -> Result<BTreeMap<ModulePath, ModuleVersion>, BuildError> {
    let (module, version) = (CONNECT.parse().unwrap(), version.parse().unwrap());
    let host = wombat_model::this_machine().parse().unwrap();
    let scope = scope(&CancellationToken::new(), Reporter::new().0);
    workshop
        .requirements((&module, &version), host, &scope)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_from_the_releases_own_go_mod_or_the_reason_is_told() {
    let scene = Scene::new().await;
    for (version, benthos) in [("v4.98.901", "v4.76.0"), ("v4.98.902", "v4.77.0")] {
        scene.proxy.serve(&release(version, benthos)).unwrap();
    }
    let workshop = scene.workshop().await;
    for (version, benthos) in [("v4.98.901", "v4.76.0"), ("v4.98.902", "v4.77.0")] {
        let all = required(&workshop, version).await.unwrap();
        let found = &all[&BENTHOS.parse::<ModulePath>().unwrap()];
        assert_eq!(found.as_str(), benthos, "{version}");
        assert!(!all.contains_key(&CONNECT.parse::<ModulePath>().unwrap()));
    }
    scene
        .proxy
        .fail(&format!("{CONNECT}/@v/v4.98.903"), ProxyFault::Status(403));
    let refused = required(&workshop, "v4.98.903").await;
    let Err(BuildError::Failed(failure)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(failure.class, FailureClass::Input, "{failure:?}");
    assert_eq!(
        failure.unfetched,
        Some(format!("{CONNECT} v4.98.903")),
        "{failure:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_retracted_if_the_newest_go_mod_says_so() {
    const OWN: &str = "retracted.example/m";
    let scene = Scene::new().await;
    for version in ["v1.0.0", "v1.1.0"] {
        scene.proxy.serve(&TestModule::new(OWN, version)).unwrap();
    }
    let retracting = format!(
        "module {OWN}\n\ngo 1.26.0\n\n// It loses\u{202e} data.\nretract v1.0.0\n\nretract v1.2.0\n"
    );
    let newest = TestModule::new(OWN, "v1.2.0").go_mod(retracting);
    scene.proxy.serve(&newest).unwrap();
    let list = format!("{OWN}/@v/list");
    scene.proxy.replace(&list, "v1.0.0\nv1.1.0\nv1.2.0\n");
    let workshop = scene.workshop().await;
    let retraction = async |version: &str| {
        let (module, version) = (OWN.parse().unwrap(), version.parse().unwrap());
        let host = wombat_model::this_machine().parse().unwrap();
        let scope = scope(&CancellationToken::new(), Reporter::new().0);
        workshop.retraction((&module, &version), host, &scope).await
    };
    let why = retraction("v1.0.0").await.unwrap();
    assert_eq!(why.as_deref(), Some("It loses data."));
    assert_eq!(retraction("v1.1.0").await.unwrap(), None);
    // It retracts itself, without words of its authors.
    assert!(retraction("v1.2.0").await.unwrap().is_some());

    // What can't be known isn't taken for granted.
    scene.proxy.fail(&list, ProxyFault::Status(403));
    let unknown = retraction("v1.1.0").await;
    let Err(BuildError::Failed(failure)) = unknown else {
        panic!("{unknown:?}");
    };
    assert_eq!(failure.class, FailureClass::Input, "{failure:?}");
}
