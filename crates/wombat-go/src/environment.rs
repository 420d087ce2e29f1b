//! The complete environment of a `go` child, and the arguments of the build command.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use wombat_model::{BuildSpec, Target, Variant};

use super::{compile_cache::CompileCache, settings::GoSettings};

/// Variables of one `go` child; it inherits nothing.
pub(super) type Environment = BTreeMap<String, OsString>;

/// The variables of every `go` child: its folders, its proxy, and settings that forbid any other connection or program.
pub(super) fn environment(
    settings: &GoSettings,
    program: &Path,
    work_dir: &Path,
    cache: CompileCache<'_>,
    proxy: &str,
) -> Environment {
    let mut variables: Environment = [
        (
            "PATH",
            GoSettings::program_folder(program).as_os_str().to_owned(),
        ),
        ("HOME", work_dir.join("home").into()),
        ("TMPDIR", work_dir.join("tmp").into()),
        ("GOPATH", settings.gopath.clone().into()),
        ("GOMODCACHE", settings.module_cache.clone().into()),
        ("GOCACHE", cache.folder().into()),
        (
            "GOCACHEPROG",
            cache.command(&settings.helper).unwrap_or_default().into(),
        ),
        ("GOPROXY", proxy.into()),
        ("GOSUMDB", settings.checksum_database.clone().into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let fixed = [
        ("LC_ALL", "C"),
        ("GOENV", "off"),
        ("GOWORK", "off"),
        ("GOFLAGS", ""),
        ("GO111MODULE", "on"),
        ("GOTOOLCHAIN", "local"),
        ("GOVCS", "*:off"),
        ("GOAUTH", "off"),
        ("GOPRIVATE", ""),
        ("GONOPROXY", ""),
        ("GONOSUMDB", ""),
        ("GOINSECURE", ""),
        ("GOEXPERIMENT", ""),
        ("CGO_ENABLED", "0"),
    ];
    variables.extend(fixed.map(|(name, value)| (name.to_owned(), value.into())));
    variables
}

/// The variables that select the target: `GOOS`, `GOARCH` and the one of the architecture's variant.
pub fn target_environment(target: Target) -> BTreeMap<String, String> {
    let platform = target.platform();
    let mut variables = BTreeMap::from([
        ("GOOS".to_owned(), platform.goos().to_string()),
        ("GOARCH".to_owned(), platform.goarch().to_string()),
    ]);
    if let Some(name) = platform.goarch().variant_variable() {
        variables.insert(name.to_owned(), go_variant(target.variant()).to_owned());
    }
    variables
}

/// `GOARM` takes a bare number.
fn go_variant(variant: Variant) -> &'static str {
    match variant {
        Variant::V6 => "6",
        Variant::V7 => "7",
        Variant::V1
        | Variant::V2
        | Variant::V3
        | Variant::V4
        | Variant::V8
        | Variant::V9
        | Variant::Sse2
        | Variant::Softfloat
        | Variant::Power8
        | Variant::Power9
        | Variant::Rva20
        | Variant::Rva22
        | Variant::None => variant.as_str(),
    }
}

/// The arguments of `go build` that determine the binary's bytes.
pub fn build_arguments(spec: &BuildSpec) -> Vec<String> {
    let mut arguments: Vec<String> = ["build", "-trimpath", "-buildvcs=false", "-mod=readonly"]
        .map(str::to_owned)
        .into();
    if !spec.tags().is_empty() {
        arguments.extend(["-tags".to_owned(), spec.tags().join(",")]);
    }
    if !spec.ldflags().is_empty() {
        arguments.extend(["-ldflags".to_owned(), spec.ldflags().to_owned()]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use wombat_child::sandbox::Sandbox;
    use wombat_goproxy::{RelayOptions, Upstream};

    fn settings() -> GoSettings {
        GoSettings {
            helper: "/w/wombat".into(),
            program: "/g/bin/go".into(),
            version: "1.26.8".parse().unwrap(),
            host: "linux-amd64".into(),
            goroot: "/g".into(),
            fetched: None,
            proxy: Upstream::Off,
            relay: RelayOptions::default(),
            checksum_database: "sums.example".into(),
            module_cache: "/c/mod".into(),
            build_cache: "/c/build".into(),
            gopath: "/s/gopath".into(),
            sandbox: Sandbox::off(),
            names: wombat_model::plain_text::LocalNames::default(),
        }
    }

    #[test]
    fn nothing_is_inherited_and_nothing_reaches_out() {
        let variables = environment(
            &settings(),
            Path::new("/g/bin/go"),
            Path::new("/j"),
            CompileCache::Folder(Path::new("/c/build")),
            "http://127.0.0.1:1/x",
        );
        for (name, value) in [
            ("PATH", "/g/bin"),
            ("HOME", "/j/home"),
            ("GOPROXY", "http://127.0.0.1:1/x"),
            ("GOSUMDB", "sums.example"),
            ("GOVCS", "*:off"),
            ("GOENV", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOFLAGS", ""),
            ("GOCACHE", "/c/build"),
            ("GOCACHEPROG", ""),
            ("CGO_ENABLED", "0"),
        ] {
            assert_eq!(variables.get(name), Some(&OsString::from(value)), "{name}");
        }
        assert!(variables.keys().all(|name| name.starts_with("GO")
            || ["PATH", "HOME", "TMPDIR", "LC_ALL", "CGO_ENABLED"].contains(&name.as_str())));
    }

    #[test]
    fn the_variant_is_spelled_as_go_takes_it() {
        let of = |platform: &str| {
            target_environment(Target::new(platform.parse().unwrap(), None).unwrap())
        };
        assert_eq!(of("linux/arm")["GOARM"], "7");
        assert_eq!(of("linux/amd64")["GOAMD64"], "v1");
        assert_eq!(of("linux/arm64")["GOARM64"], "v8.0");
        assert_eq!(of("linux/s390x").len(), 2);
    }
}
