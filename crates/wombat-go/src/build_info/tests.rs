//! Build information that agrees with its spec and module graph, and every way in which it may not.

use super::*;
use crate::{
    main_file::tests::{BENTHOS, CONNECT, spec},
    packages::tests::{NATS, PURE},
};

type Change = fn(&mut BuildInfo);

fn a_spec() -> BuildSpec {
    spec(&[NATS, PURE])
}

fn graph() -> GraphFiles {
    GraphFiles {
        go_mod: format!(
            "module {MAIN_MODULE}\n\ngo 1.26.0\n\nrequire (\n\t{BENTHOS} v4.77.0\n\t{CONNECT} v4.105.0\n)\n\n\
             require (\n\ta.example/m v1.0.0 // indirect\n\tb.example/n v1.0.0 // indirect\n)\n\n\
             replace (\n\tb.example/n => b.example/fork v1.2.3\n)\n"
        ),
        go_sum: format!(
            "{BENTHOS} v4.77.0 h1:a=\n{BENTHOS} v4.77.0/go.mod h1:b=\n{CONNECT} v4.105.0 h1:c=\n\
             a.example/m v1.0.0 h1:d=\nb.example/fork v1.2.3 h1:e=\nold.example/o v0.9.0 h1:f=\n"
        ),
    }
}

fn source(path: &str, version: &str, sum: &str) -> ModuleSource {
    ModuleSource {
        path: path.to_owned(),
        version: version.to_owned(),
        sum: sum.to_owned(),
    }
}

fn module(path: &str, version: &str, sum: &str) -> LinkedModule {
    LinkedModule {
        source: source(path, version, sum),
        replacement: None,
    }
}

fn info() -> BuildInfo {
    let settings = [
        ("-buildmode", "exe"),
        ("-compiler", "gc"),
        ("-trimpath", "true"),
        ("CGO_ENABLED", "0"),
        ("GOARCH", "amd64"),
        ("GOOS", "linux"),
        ("GOAMD64", "v1"),
        ("DefaultGODEBUG", "x=1"),
    ];
    BuildInfo {
        go: "go1.26.8".to_owned(),
        package: MAIN_MODULE.to_owned(),
        main: MAIN_MODULE.to_owned(),
        modules: vec![
            module("a.example/m", "v1.0.0", "h1:d="),
            LinkedModule {
                source: source("b.example/n", "v1.0.0", ""),
                replacement: Some(source("b.example/fork", "v1.2.3", "h1:e=")),
            },
            module(BENTHOS, "v4.77.0", "h1:a="),
            module(CONNECT, "v4.105.0", "h1:c="),
            // A graph of a module from before Go 1.17 doesn't name all.
            module("old.example/o", "v0.9.0", "h1:f="),
        ],
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}

/// The words about what is different after this change.
fn words(change: impl FnOnce(&mut BuildInfo)) -> String {
    let mut info = info();
    change(&mut info);
    let compared = compare(&info, &a_spec(), &graph());
    compared.map_or_else(
        |difference| difference.to_string(),
        |()| "nothing".to_owned(),
    )
}

#[test]
fn what_was_asked_for_agrees() {
    assert_eq!(words(|_| {}), "nothing");
}

#[test]
fn another_program_is_told() {
    let changes: [(Change, &str); 3] = [
        (
            |info| info.package = "evil.example/m".to_owned(),
            "its main package is evil.example/m",
        ),
        (
            |info| info.main = "evil.example".to_owned(),
            "its main package is evil.example",
        ),
        (
            |info| info.go = "go1.25.0".to_owned(),
            "go1.25.0 linked it instead of go1.26.8",
        ),
    ];
    for (change, expected) in changes {
        assert_eq!(words(change), expected);
    }
}

#[test]
fn another_module_is_told() {
    let changes: [(Change, String); 7] = [
        (
            |info| info.modules[3].source.version = "v4.104.0".to_owned(),
            format!("it contains {CONNECT} v4.104.0 instead of v4.105.0"),
        ),
        (
            |info| info.modules[0].source.version = "v1.0.1".to_owned(),
            "it contains a.example/m v1.0.1 instead of v1.0.0".to_owned(),
        ),
        (
            |info| drop(info.modules.remove(2)),
            format!("it lacks {BENTHOS} v4.77.0"),
        ),
        (
            |info| {
                info.modules[2].replacement = Some(source("evil.example/fork", "v4.77.0", "h1:a="));
            },
            format!(
                "it contains evil.example/fork v4.77.0 in the place of {BENTHOS} v4.77.0, \
                 which the module graph doesn't replace"
            ),
        ),
        (
            |info| info.modules[1].replacement = None,
            "it contains b.example/n v1.0.0 in the place of b.example/n v1.0.0, \
             which the module graph replaces by b.example/fork v1.2.3"
                .to_owned(),
        ),
        (
            |info| info.modules[0].source.sum = "h1:x=".to_owned(),
            "the checksum of a.example/m@v1.0.0 isn't that of the module graph".to_owned(),
        ),
        (
            |info| {
                info.modules
                    .push(module("new.example/m", "v1.0.0", "h1:x="));
            },
            "the checksum of new.example/m@v1.0.0 isn't that of the module graph".to_owned(),
        ),
    ];
    for (change, expected) in changes {
        assert_eq!(words(change), expected);
    }
}

/// Also where the module graph itself was tampered with.
#[test]
fn a_picked_module_is_never_replaced() {
    let mut graph = graph();
    let replace = format!("\nreplace {BENTHOS} => evil.example/fork v4.77.0\n");
    graph.go_mod.push_str(&replace);
    graph.go_sum += "evil.example/fork v4.77.0 h1:x=\n";
    let mut info = info();
    info.modules[2].replacement = Some(source("evil.example/fork", "v4.77.0", "h1:x="));
    let compared = compare(&info, &a_spec(), &graph);
    assert!(
        matches!(compared, Err(Difference::Replacement { .. })),
        "{compared:?}"
    );
}

#[test]
fn another_setting_is_told() {
    for (name, value, expected) in [
        (
            "GOOS",
            Some("windows"),
            "GOOS is `windows` instead of `linux`",
        ),
        (
            "GOARCH",
            Some("arm64"),
            "GOARCH is `arm64` instead of `amd64`",
        ),
        ("GOAMD64", Some("v3"), "GOAMD64 is `v3` instead of `v1`"),
        (
            "CGO_ENABLED",
            Some("1"),
            "CGO_ENABLED is `1` instead of `0`",
        ),
        ("-trimpath", None, "-trimpath is not set instead of `true`"),
        ("-race", Some("true"), "-race is `true` instead of not set"),
        ("-tags", Some("evil"), "-tags is `evil` instead of not set"),
        (
            "-gcflags",
            Some("all=-N"),
            "-gcflags is `all=-N` instead of not set",
        ),
    ] {
        let told = words(|info| match value {
            Some(value) => drop(info.settings.insert(name.to_owned(), value.to_owned())),
            None => drop(info.settings.remove(name)),
        });
        assert_eq!(told, expected);
    }
}
