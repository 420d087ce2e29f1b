//! Which Go release a builder without an installed Go uses.

use std::path::PathBuf;

use tracing::{info, warn};
use wombat_model::{GoLine, GoVersion, Platform, catalog::GoReleases, this_machine};

use super::{
    blocking::blocking,
    go_fetch_error::GoFetchError,
    module_cache::ModuleCache,
    toolchain_fetch::{FetchSettings, Progress, ToolchainFetch},
    toolchain_module::{host_of, is_executable, program, toolchain_module},
};

/// The Go releases that may be fetched.
#[derive(Clone, Debug)]
pub struct GoOffer {
    /// All of them, with their checksums.
    pub releases: GoReleases,
    /// The line that most builds use.
    pub line: GoLine,
}

impl GoOffer {
    /// The release to fetch for this machine: the newest of the line, else the newest of all.
    pub fn choice(&self) -> Result<GoVersion, GoFetchError> {
        let machine = this_machine();
        let none = || GoFetchError::NoRelease(machine.clone());
        let platform = machine.parse().map_err(|_| none())?;
        self.best_first(platform).first().copied().ok_or_else(none)
    }

    fn best_first(&self, platform: Platform) -> Vec<GoVersion> {
        let known = self.releases.versions();
        let mut versions: Vec<GoVersion> = known
            .filter(|version| self.releases.sum(*version, platform).is_some())
            .collect();
        versions.sort_by_key(|version| (version.line() == self.line, *version));
        versions.reverse();
        versions
    }
}

/// A release that is complete in the module cache: the best one, or if that can't be fetched, one that was fetched
/// before.
pub(super) async fn prepare(
    settings: FetchSettings,
    offer: &GoOffer,
    progress: &Progress,
) -> Result<ToolchainFetch, GoFetchError> {
    let machine = this_machine();
    let none = || GoFetchError::NoRelease(machine.clone());
    let platform: Platform = machine.parse().map_err(|_| none())?;
    let all = offer.best_first(platform);
    let mut fetches = all.into_iter().filter_map(|version| {
        let sum = offer.releases.sum(version, platform)?.clone();
        Some(ToolchainFetch::new(&settings, version, platform, sum))
    });
    let best = fetches.next().ok_or_else(none)?;
    let version = best.version();
    if best.is_sound().await {
        return Ok(best);
    }
    info!(%version, "Go isn't installed; fetching it from the module proxy");
    let failure = match best.run(progress).await {
        Ok(()) => {
            info!(%version, "Go is fetched and verified");
            return Ok(best);
        }
        Err(failure) => failure,
    };
    for other in fetches {
        if other.is_sound().await {
            let instead = other.version();
            warn!(problem = %failure, %instead, "can't fetch the newest Go; using one that was fetched before");
            return Ok(other);
        }
    }
    Err(failure)
}

/// The best release that is unpacked in the module cache.
pub(super) async fn unpacked(module_cache: PathBuf, offer: GoOffer) -> Option<GoVersion> {
    let platform: Platform = this_machine().parse().ok()?;
    blocking(move || {
        let cache = ModuleCache(&module_cache);
        let is_here = |version: &GoVersion| {
            let module = toolchain_module(*version, &host_of(platform));
            cache.is_unpacked(&module) && is_executable(&program(cache, &module))
        };
        offer.best_first(platform).into_iter().find(is_here)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_the_line_is_chosen_before_newer_lines() {
        let sum = "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=";
        let platform: Platform = "linux/amd64".parse().unwrap();
        let mut releases = GoReleases::default();
        for version in ["1.26.8", "1.26.11", "1.27.4"] {
            releases.add(version.parse().unwrap(), platform, sum.parse().unwrap());
        }
        let offer = |line: &str| GoOffer {
            releases: releases.clone(),
            line: line.parse().unwrap(),
        };
        let order = |line| {
            let versions = offer(line).best_first(platform).into_iter();
            versions.map(|it| it.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(order("1.26"), ["1.26.11", "1.26.8", "1.27.4"]);
        assert_eq!(order("1.28"), ["1.27.4", "1.26.11", "1.26.8"]);
        assert!(
            offer("1.26")
                .best_first("linux/arm64".parse().unwrap())
                .is_empty()
        );
    }
}
