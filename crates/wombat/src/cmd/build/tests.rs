//! What a command line asks for.

use std::iter::once;

use clap::{Parser, error::ErrorKind};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    build: BuildArgs,
}

fn parsed(words: &[&str]) -> Result<BuildArgs, clap::Error> {
    let line = Line::try_parse_from(once("build").chain(words.iter().copied()));
    line.map(|line| line.build)
}

fn requested(words: &[&str]) -> RequestBody {
    request(&parsed(words).unwrap()).unwrap()
}

#[test]
fn paths_and_components_are_told_apart() {
    for (word, path) in [
        ("nats", false),
        ("input/kafka", false),
        ("github.com/a/b", true),
        ("a.b/c@v1.0.0", true),
    ] {
        assert_eq!(is_path(word), path, "{word}");
    }
}

#[test]
fn flags_may_have_their_names_in_rest() {
    for flag in ["--go", "--go-version"] {
        let body = requested(&["nats", flag, "1.26.8"]);
        assert_eq!(body.go_version.as_deref(), Some("1.26.8"), "{flag}");
    }
    for flag in ["--module", "--modules"] {
        let body = requested(&["nats", flag, "a.b/c=v1.0.0"]);
        assert_eq!(body.modules["a.b/c"], "v1.0.0", "{flag}");
    }
    for flag in ["--config", "--pipeline"] {
        let args = parsed(&[flag, "pipeline.yaml"]).unwrap();
        assert_eq!(args.config, [PathBuf::from("pipeline.yaml")], "{flag}");
    }
}

#[test]
fn a_platform_may_be_given_in_halves() {
    let target = |words: &[&str]| {
        let body = requested(words);
        format!("{}/{}", body.goos, body.goarch)
    };
    assert_eq!(
        target(&["nats", "--platform", "linux/arm64"]),
        "linux/arm64"
    );
    assert_eq!(
        target(&["nats", "--goos", "linux", "--goarch", "arm64"]),
        "linux/arm64"
    );
    let here = wombat_model::this_machine();
    let (goos, goarch) = here.split_once('/').unwrap();
    assert_eq!(
        target(&["nats", "--goos", "windows"]),
        format!("windows/{goarch}")
    );
    assert_eq!(
        target(&["nats", "--goarch", "riscv64"]),
        format!("{goos}/riscv64")
    );
    assert_eq!(target(&["nats"]), here);
    let both = parsed(&["nats", "--platform", "linux/arm64", "--goos", "linux"]);
    assert_eq!(both.unwrap_err().kind(), ErrorKind::ArgumentConflict);
}

#[test]
fn values_of_variables_need_a_pipeline_and_arent_shown() {
    let args = parsed(&[
        "--config",
        "pipeline.yaml",
        "--env",
        "A=hunter2",
        "--env",
        "B=",
        "--env-file",
        ".env",
    ]);
    let args = args.unwrap();
    assert_eq!(args.env.len(), 2);
    assert_eq!(args.env_file, [PathBuf::from(".env")]);
    assert!(!format!("{args:?}").contains("hunter2"));
    for words in [
        ["nats", "--env", "A=hunter2"],
        ["nats", "--env-file", ".env"],
    ] {
        let refused = parsed(&words).unwrap_err();
        assert_eq!(
            refused.kind(),
            ErrorKind::MissingRequiredArgument,
            "{refused}"
        );
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
    assert!(parsed(&["--env", "A=hunter2"]).is_err());
}

#[test]
fn a_distribution_has_a_name_and_a_version() {
    let body = requested(&["nats", "--name", "acme-connect", "--version-label", "1.4.0"]);
    assert_eq!(body.name.as_deref(), Some("acme-connect"));
    assert_eq!(body.version.as_deref(), Some("1.4.0"));
    assert_eq!(body.template, None);
    assert_eq!(requested(&["nats", "--template", "1"]).template, Some(1));
    let plain = serde_json::to_value(requested(&["nats"])).unwrap();
    for field in ["name", "version", "template"] {
        assert_eq!(plain.get(field), None, "{field}");
    }
}

#[test]
fn files_stand_beside_components_packages_and_modules() {
    let words = [
        "--config",
        "a.yaml",
        "-c",
        "conf/",
        "--config",
        "-",
        "nats",
        "example.com/me/reverse@v1.0.0",
        "--module",
        "example.com/other=v1.2.0",
    ];
    let args = parsed(&words).unwrap();
    assert_eq!(args.config, ["a.yaml", "conf/", "-"].map(PathBuf::from));
    let body = request(&args).unwrap();
    assert_eq!(body.components, ["nats"]);
    assert_eq!(body.packages, ["example.com/me/reverse@v1.0.0"]);
    assert_eq!(body.modules["example.com/other"], "v1.2.0");
    let based = parsed(&["--config", "a.yaml", "--base", "pure"]);
    assert_eq!(based.unwrap_err().kind(), ErrorKind::ArgumentConflict);
    assert!(parsed(&[]).is_err());
}
