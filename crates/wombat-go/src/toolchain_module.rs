//! The modules of Go releases: each version of `golang.org/toolchain` is one release for one platform.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use wombat_model::{GoVersion, Platform};

use super::module_cache::{CachedModule, ModuleCache};

/// The module whose versions are the releases.
pub(super) const MODULE: &str = "golang.org/toolchain";

/// The module of a release for a platform, which is spelled as in its name: `linux-amd64`.
pub(super) fn toolchain_module(version: GoVersion, host: &str) -> CachedModule {
    CachedModule::new(MODULE, format!("v0.0.1-{}.{host}", version.toolchain()))
}

/// A platform as in the names of these modules: `linux-amd64`.
pub(super) fn host_of(platform: Platform) -> String {
    format!("{}-{}", platform.goos(), platform.goarch())
}

/// The release and the platform of such a module, from its version.
pub(super) fn parse_version(text: &str) -> Option<(GoVersion, Platform)> {
    let release = text.strip_prefix("v0.0.1-go")?;
    let (version, host) = release.rsplit_once('.')?;
    let platform = host.replacen('-', "/", 1).parse().ok()?;
    Some((version.parse().ok()?, platform))
}

/// The `go` of an unpacked release.
pub(super) fn program(cache: ModuleCache<'_>, module: &CachedModule) -> PathBuf {
    cache.folder(module).join("bin/go")
}

/// Whether a program can be run: it is made executable at the end of unpacking.
pub(super) fn is_executable(program: &Path) -> bool {
    fs::metadata(program)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_go() {
        let (version, platform) = ("1.26.11".parse().unwrap(), "linux/arm64".parse().unwrap());
        let module = toolchain_module(version, &host_of(platform));
        assert_eq!(module.version(), "v0.0.1-go1.26.11.linux-arm64");
        assert_eq!(parse_version(module.version()), Some((version, platform)));
        for other in [
            "v0.0.1-go1.26rc1.linux-amd64",
            "v0.0.1-go1.26.11.linux-loong64",
            "v0.0.1-go1.26.11",
            "v0.0.2-go1.26.11.linux-amd64",
            "",
        ] {
            assert_eq!(parse_version(other), None, "{other}");
        }
    }
}
