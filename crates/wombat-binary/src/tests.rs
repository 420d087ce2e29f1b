//! Compares real binaries, linked by Go for every format and byte order, with the output of `go version`; and reads
//! damaged ones.
#![expect(clippy::disallowed_methods, reason = "tests may block")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{module_list::ModuleList, *};

const MAIN: &str = r#"package main

import (
	"encoding/json"
	"os"
)

//go:noinline
func twice[T any](value T) [2]T { return [2]T{value, value} }

func main() { _ = json.NewEncoder(os.Stdout).Encode(twice(os.Args)) }
"#;

struct Built {
    _folder: TempDir,
    path: PathBuf,
}

fn go(folder: &Path, goos: &str, goarch: &str, words: &[&str]) -> String {
    let output = Command::new("go")
        .args(words)
        .current_dir(folder)
        .envs([
            ("GOOS", goos),
            ("GOARCH", goarch),
            ("CGO_ENABLED", "0"),
            ("GOFLAGS", ""),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn built(goos: &str, goarch: &str) -> Built {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("main.go"), MAIN).unwrap();
    fs::write(
        folder.path().join("go.mod"),
        "module wombat/binary\n\ngo 1.26\n",
    )
    .unwrap();
    let flags = [
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w -buildid=",
        "-o",
        "binary",
    ];
    go(folder.path(), goos, goarch, &flags);
    let path = folder.path().join("binary");
    Built {
        _folder: folder,
        path,
    }
}

#[test]
fn every_format_tells_what_go_tells() {
    for (goos, goarch) in [
        ("linux", "amd64"),
        ("linux", "386"),
        ("linux", "s390x"),
        ("darwin", "arm64"),
        ("windows", "amd64"),
    ] {
        let binary = built(goos, goarch);
        let contents = read(&mut File::open(&binary.path).unwrap()).unwrap();
        let said = go(
            binary.path.parent().unwrap(),
            "",
            "",
            &["version", "-m", "binary"],
        );
        assert!(
            said.starts_with(&format!("binary: go{}", contents.go)),
            "{said}"
        );
        let names: Vec<_> = contents
            .modules
            .iter()
            .map(|module| module.module.as_str())
            .collect();
        assert_eq!(names, ["std", "wombat/binary"], "{goos}/{goarch}");
        let [standard, main] = &contents.modules[..] else {
            unreachable!("just looked")
        };
        assert_eq!(standard.version.as_ref(), Some(&contents.go));
        assert!(
            standard.functions > 1_000 && standard.code > 300_000,
            "{standard:?}"
        );
        assert!(
            (2..10).contains(&main.functions) && main.code < 10_000,
            "{main:?}"
        );
        let code: u64 = contents.modules.iter().map(|module| module.code).sum();
        assert_eq!(contents.rest, contents.size - code);

        let info = BuildInfo::of(&mut File::open(&binary.path).unwrap()).unwrap();
        let settings = info.settings.iter();
        let mut lines: Vec<String> = settings
            .map(|(name, value)| format!("build\t{name}={value}"))
            .chain([
                format!("path\t{}", info.package),
                format!("mod\t{}\t(devel)\t", info.main),
            ])
            .collect();
        let mut told: Vec<&str> = said.lines().skip(1).map(|line| &line[1..]).collect();
        lines.sort_unstable();
        told.sort_unstable();
        assert_eq!(lines, told, "{goos}/{goarch}");
        assert_eq!(info.go, format!("go{}", contents.go));
        assert_eq!(info.settings["GOOS"], goos);
        assert_eq!(info.settings["-trimpath"], "true");
    }
}

/// A module may embed build information of its own choice.
#[test]
fn only_the_linkers_own_build_information_is_read() {
    let whole = fs::read(built("linux", "amd64").path).unwrap();
    let finder = memchr::memmem::Finder::new(format::MAGIC);
    let place = finder.find(&whole).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("binary");
    let mut bytes = whole.clone();
    bytes.resize(whole.len().next_multiple_of(format::ALIGNMENT), 0);
    bytes.extend(framed("path\tforged\n"));
    bytes[place] = 0;
    fs::write(&path, bytes).unwrap();
    let found = BuildInfo::of(&mut File::open(&path).unwrap());
    assert!(matches!(found, Err(ReadError::Unknown(_))), "{found:?}");
    fs::write(&path, b"#!/bin/sh\n").unwrap();
    let found = BuildInfo::of(&mut File::open(&path).unwrap());
    assert!(matches!(found, Err(ReadError::Unknown(_))), "{found:?}");
}

#[test]
fn names_lead_to_packages() {
    let info = ModuleList {
        modules: ["a.b/c", "a.b/c/v2", "gopkg.in/yaml.v3"]
            .map(|path| (path.to_owned(), None))
            .into(),
        ..ModuleList::default()
    };
    for (name, module) in [
        ("a.b/c/d.Run", Some("a.b/c")),
        ("a.b/c/v2/d.(*T).Run.func1", Some("a.b/c/v2")),
        ("gopkg.in/yaml%2ev3.Marshal", Some("gopkg.in/yaml.v3")),
        ("slices.SortFunc[go.shape.[]a.b/c.T]", None),
        ("type:.eq.a.b/c.T", Some("a.b/c")),
        ("runtime.main", None),
        ("a.b/other.Run", None),
        (
            "a.b/c/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/33.Run",
            None,
        ),
    ] {
        assert_eq!(info.module_of(&functions::package(name)), module, "{name}");
    }
}

/// Build information with these lines, as the linker writes it.
pub(super) fn framed(lines: &str) -> Vec<u8> {
    let mut bytes = b"\xff Go buildinf:\x08\x02".to_vec();
    bytes.resize(32, 0);
    for text in [
        "go1.26.8".as_bytes(),
        &[&[0; 16], lines.as_bytes(), &[0; 16]].concat(),
    ] {
        let length = u8::try_from(text.len() & 0x7f).unwrap();
        match u8::try_from(text.len() >> 7).unwrap() {
            0 => bytes.push(length),
            high => bytes.extend([length | 0x80, high]),
        }
        bytes.extend(text);
    }
    bytes
}

#[test]
fn build_information_is_read_whole_or_not_at_all() {
    let info = BuildInfo::parse(&framed(
        "path\twombat/binary\nmod\twombat/binary\t(devel)\t\n\
         dep\ta.b/c\tv1.0.0\th1:a=\ndep\td.e/f\tv1.0.0\n=>\tg.h/i\tv1.2.3\th1:b=\n\n\
         build\t-tags=x,y\nbuild\tGOOS=linux\nlater\tsays more\n",
    ));
    let source = |path: &str, version: &str, sum: &str| ModuleSource {
        path: path.to_owned(),
        version: version.to_owned(),
        sum: sum.to_owned(),
    };
    let settings = [("-tags", "x,y"), ("GOOS", "linux")];
    let expected = BuildInfo {
        go: "go1.26.8".to_owned(),
        package: "wombat/binary".to_owned(),
        main: "wombat/binary".to_owned(),
        modules: vec![
            LinkedModule {
                source: source("a.b/c", "v1.0.0", "h1:a="),
                replacement: None,
            },
            LinkedModule {
                source: source("d.e/f", "v1.0.0", ""),
                replacement: Some(source("g.h/i", "v1.2.3", "h1:b=")),
            },
        ],
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    assert_eq!(info, Some(expected));
    for lines in [
        "=>\tg.h/i\tv1.2.3\n",
        "dep\n",
        "dep\t\tv1.0.0\n",
        "dep\ta.b/c\tv1.0.0\th1:a=\tmore\n",
        "build\tGOOS\n",
    ] {
        assert_eq!(BuildInfo::parse(&framed(lines)), None, "{lines}");
    }
    assert_eq!(BuildInfo::parse(b"\xff Go buildinf:\x08\x02"), None);
}

#[test]
fn replaced_modules_tell_what_took_their_place() {
    let lines = "path\twombat/binary\nmod\twombat/binary\t(devel)\t\ndep\ta.b/c\tv1.0.0\n=>\td.e/f\tv1.2.3\th1:x\ndep\tg.h/i\tv2.0.0\n=>\tg.h/i\tv2.1.0\th1:y\ndep\tj.k/\u{1b}l\tv1.0.0\n";
    let bytes = framed(lines);
    let info = ModuleList::read(&bytes).unwrap();
    let modules: Vec<_> = info
        .modules
        .iter()
        .map(|(path, version)| (path.as_str(), version.as_deref()))
        .collect();
    let told = [
        ("a.b/c", Some("d.e/f v1.2.3")),
        ("g.h/i", Some("v2.1.0")),
        ("wombat/binary", None),
    ];
    assert_eq!(modules, told);
}

#[test]
fn spoilt_binaries_are_refused_or_told_of() {
    let binary = built("linux", "amd64");
    let whole = fs::read(&binary.path).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let table = whole
        .windows(6)
        .position(|bytes| bytes == functions::MAGICS[0])
        .unwrap();
    let list = whole
        .windows(14)
        .position(|bytes| bytes == format::MAGIC)
        .unwrap();
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..20) {
            // Mostly in the tables.
            let place = match random.u8(..3) {
                0 => table + random.usize(..2_000),
                1 => list + random.usize(..200),
                _ => random.usize(..bytes.len()),
            };
            bytes[place] = random.u8(..);
        }
        if random.bool() {
            bytes.truncate(random.usize(..bytes.len()));
        }
        fs::write(&binary.path, &bytes).unwrap();
        if let Ok(contents) = read(&mut File::open(&binary.path).unwrap()) {
            assert!(contents.modules.len() <= 4_098);
        }
        // It may fail, and mustn't panic.
        drop(BuildInfo::of(&mut File::open(&binary.path).unwrap()));
    }
}
