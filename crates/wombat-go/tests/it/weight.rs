//! Tiny sources of huge binaries, with real Go: what the compiler and the linker write ends at the limit.

use tokio_util::sync::CancellationToken;
use wombat_go::{BuildError, Limit, Scope, report::Reporter};
use wombat_model::{Failure, FailureClass};
use wombat_testkit::TestModule;

use crate::half_scene::{BENTHOS, MODULE, Scene, VERSION, own_spec, scope};

/// Below the size of any binary with Benthos.
const LIMIT: u64 = 8 << 20;
const OPTION: &str = "--uncatalogued-output-limit";

async fn failure(scene: &Scene, package: &str, limit: Limit<u64>) -> Failure {
    let scope = Scope {
        output_limit: limit,
        ..scope(&CancellationToken::new(), Reporter::new().0)
    };
    let (workshop, spec) = (scene.workshop().await, own_spec(package));
    match workshop.build(&spec, &scope).await {
        Err(BuildError::Failed(failure)) => failure,
        other => panic!("{package}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compiler_and_the_linker_write_no_more_than_the_limit() {
    let scene = Scene::new().await;
    let import = format!("import _ \"{BENTHOS}/public/service\"\n");
    let ballast = "var Ballast = [900 << 20]byte{1: 1}\n";
    let module = TestModule::new(MODULE, VERSION)
        .file("p/p.go", format!("package p\n\n{import}"))
        .file("huge/p.go", format!("package huge\n\n{import}\n{ballast}"));
    scene.proxy.serve(&module).unwrap();
    let uncatalogued = Limit::of_uncatalogued(LIMIT, OPTION);
    for package in ["p", "huge"] {
        let failure = failure(&scene, package, uncatalogued).await;
        assert_eq!(failure.class, FailureClass::Input, "{package}: {failure:?}");
        assert_eq!(
            failure.message,
            "The binary, or a compiled package of it, has more than the limit of 8 MiB of builds with modules from \
             outside the catalog (the builder's option `--uncatalogued-output-limit`)."
        );
    }
}
