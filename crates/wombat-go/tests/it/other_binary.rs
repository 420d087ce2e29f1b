//! A linker that makes another binary than the spec names: the build fails, and says what is different.

use wombat_go::BuildError;
use wombat_model::{Failure, FailureClass};
use wombat_testkit::{Alteration, a_spec};

use crate::stub_scene::Scene;

const CONNECT: &str = "github.com/redpanda-data/connect/v4";

async fn failure(scene: &Scene) -> Failure {
    match scene.build(&a_spec().build()).await {
        Err(BuildError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_binary_than_the_spec_names_is_never_a_result() {
    let scene = Scene::new().await;
    let told = format!(
        "it contains evil.example/fork v1.0.0 in the place of {CONNECT} v4.105.0, which the module graph doesn't replace."
    );
    for (how, words) in [
        (
            Alteration::Version(CONNECT, "v4.104.0"),
            &format!("it contains {CONNECT} v4.104.0 instead of v4.105.0.")[..],
        ),
        (
            Alteration::Replacement(CONNECT, "evil.example/fork", "v1.0.0"),
            &told[..],
        ),
        (
            Alteration::Setting("GOOS", "windows"),
            "GOOS is `windows` instead of `linux`.",
        ),
        (
            Alteration::Setting("GOAMD64", "v3"),
            "GOAMD64 is `v3` instead of `v1`.",
        ),
        (
            Alteration::Setting("CGO_ENABLED", "1"),
            "CGO_ENABLED is `1` instead of `0`.",
        ),
        (
            Alteration::Package("evil.example/m"),
            "its main package is evil.example/m.",
        ),
        (
            Alteration::Go("go1.25.0"),
            "go1.25.0 linked it instead of go1.26.8.",
        ),
        (
            Alteration::Bare,
            "it has no build information that can be read.",
        ),
    ] {
        scene.stub.alters(how).unwrap();
        let before = scene.stub.builds().len();
        let failure = failure(&scene).await;
        assert_eq!(failure.class, FailureClass::Internal, "{how:?}");
        let expected = format!("The linked binary isn't what was requested: {words}");
        assert_eq!(failure.message, expected);
        assert_eq!(scene.stub.builds().len() - before, 1, "{how:?}");
        scene.stub.alters_nothing();
    }
    assert!(scene.build(&a_spec().build()).await.is_ok());
}
