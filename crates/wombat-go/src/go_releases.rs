//! Finds new Go releases: which the module proxy lists, and their checksums as the checksum database has them.
//!
//! `go` looks the checksums up, since it verifies that the database has signed them and never had others. It does so
//! when it reads the few bytes of a module's `go.mod`, and stores the database's record, which has the checksum of the
//! archive as well: nothing large is fetched.

use std::path::{Path, PathBuf};

use serde::{Deserialize, de::IgnoredAny};
use wombat_goproxy::FetchError;
use wombat_model::{GoVersion, ModuleSum, Platform, catalog::GoReleases};

use super::{
    blocking::blocking,
    classify,
    compile_cache::CompileCache,
    environment::Environment,
    error::BuildError,
    go::Go,
    module_cache::CachedModule,
    oldest_go::is_too_old,
    scope::Scope,
    size_limit::SUM_RECORD,
    stage::Stage,
    toolchain::Toolchain,
    toolchain_module::{MODULE, host_of, parse_version, toolchain_module},
    workshop::Workshop,
};

/// Platforms that builders run on.
const PLATFORMS: [&str; 4] = ["linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"];
/// Most modules that one run of `go` looks up.
const AT_ONCE: usize = 24;
/// Most modules to look up at a time; a list from the real proxy has fewer.
const MOST: usize = 480;

/// Why new Go releases can't be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoReleasesError {
    /// Nothing can be verified.
    #[error(
        "the checksum database is off (GOSUMDB), and Go releases are used only if it knows them"
    )]
    NoChecksums,
    /// The proxy doesn't list them.
    #[error("the module proxy doesn't list Go releases: {0}")]
    NoList(#[from] FetchError),
    /// The checksums can't be looked up.
    #[error("the checksums of Go releases can't be looked up: {0}")]
    NoLookup(#[from] BuildError),
}

impl Workshop {
    /// The releases that the module proxy has and `known` lacks. Those that the checksum database doesn't know are left
    /// out.
    pub async fn new_go_releases(
        &self,
        known: &GoReleases,
        scope: &Scope,
    ) -> Result<GoReleases, GoReleasesError> {
        let database = database_name(&self.settings.checksum_database);
        let database = database.ok_or(GoReleasesError::NoChecksums)?.to_owned();
        let list = scope
            .limit(self.relay.ask(&format!("{MODULE}/@v/list")))
            .await??;
        let missing = missing(&String::from_utf8_lossy(&list), known);
        let mut found = GoReleases::default();
        for some in missing.chunks(AT_ONCE) {
            let looked_up = self.look_up(some, scope).await?;
            let (cache, database) = (self.settings.module_cache.clone(), database.clone());
            let sums = blocking(move || read_sums(&cache, &database, looked_up)).await;
            for (version, platform, sum) in sums {
                found.add(version, platform, sum);
            }
        }
        Ok(found)
    }

    /// Fetches a Go release for this machine into the module cache, unless it is there.
    pub async fn fetch_go(&self, version: GoVersion, scope: &Scope) -> Result<(), BuildError> {
        let folder = self.job_folder().await;
        let folder = folder.map_err(|error| BuildError::local("make a folder", &error))?;
        let relay = self.relay.session();
        let (toolchains, settings) = (&self.toolchains, &self.settings);
        let fetched = toolchains.of_version(version, settings, folder.path(), scope, &relay);
        fetched.await.map(drop)
    }

    /// Has `go` look up the checksums of these; returns those that it verified.
    async fn look_up(
        &self,
        releases: &[(GoVersion, Platform)],
        scope: &Scope,
    ) -> Result<Vec<(GoVersion, Platform)>, BuildError> {
        let folder = self.job_folder().await;
        let folder = folder.map_err(|error| BuildError::local("make a folder", &error))?;
        let relay = self.relay.session();
        let go = Go {
            settings: &self.settings,
            toolchain: &Toolchain::installed(&self.settings),
            work_dir: folder.path(),
            scope,
            cache: CompileCache::Folder(&self.settings.build_cache),
            relay: &relay,
        };
        let mut arguments = ["list", "-m", "-e", "-json"].map(str::to_owned).to_vec();
        arguments.extend(releases.iter().map(|(version, platform)| {
            let module = toolchain_module(*version, &host_of(*platform));
            format!("{}@{}", module.path(), module.version())
        }));
        // A folder outside of any module.
        let directory = folder.path().join("source");
        let run = go.run(Stage::Fetch, &directory, Environment::new(), &arguments);
        let finished = run.await?;
        let listed = serde_json::Deserializer::from_slice(&finished.stdout).into_iter();
        let listed: Result<Vec<Listed>, _> = listed.collect();
        match listed {
            Ok(listed) if finished.succeeded() && relay.take_trouble().is_none() => Ok(listed
                .into_iter()
                .filter(|module| module.error.is_none())
                .filter_map(|module| parse_version(&module.version))
                .collect()),
            Ok(_) | Err(_) => Err(classify::fetching(&finished.stderr).into()),
        }
    }
}

/// A module in the output of `go list -m -json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    version: String,
    error: Option<IgnoredAny>,
}

/// The name of the checksum database in `GOSUMDB`, as `go` names its folder.
fn database_name(setting: &str) -> Option<&str> {
    let name = setting.split_whitespace().next()?;
    let name = name.split_once('+').map_or(name, |(name, _)| name);
    (name != "off").then_some(name)
}

/// Releases in the proxy's list that builders may need and whose checksums aren't known, newer ones first.
fn missing(list: &str, known: &GoReleases) -> Vec<(GoVersion, Platform)> {
    let mut missing: Vec<(GoVersion, Platform)> = list
        .lines()
        .filter_map(|line| parse_version(line.trim()))
        .filter(|(version, platform)| {
            !is_too_old(*version)
                && PLATFORMS.contains(&platform.to_string().as_str())
                && known.sum(*version, *platform).is_none()
        })
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing.reverse();
    missing.truncate(MOST);
    missing
}

/// The checksums in the records of the database, which `go` stores once it has verified them.
fn read_sums(
    module_cache: &Path,
    database: &str,
    releases: Vec<(GoVersion, Platform)>,
) -> Vec<(GoVersion, Platform, ModuleSum)> {
    let read = |(version, platform): (GoVersion, Platform)| {
        let module = toolchain_module(version, &host_of(platform));
        let record = record(module_cache, database, &module);
        let record = SUM_RECORD.read_text(&record).ok()?;
        Some((version, platform, sum_in(&record, &module)?))
    };
    releases.into_iter().filter_map(read).collect()
}

fn record(module_cache: &Path, database: &str, module: &CachedModule) -> PathBuf {
    let lookups = module_cache.join("cache/download/sumdb").join(database);
    let name = format!("{}@{}", module.path(), module.version());
    lookups.join("lookup").join(name)
}

/// The checksum of a module's archive in the database's record of it.
fn sum_in(record: &str, module: &CachedModule) -> Option<ModuleSum> {
    record.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            [path, version, sum] if (path, version) == (module.path(), module.version()) => {
                sum.parse().ok()
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=";

    #[test]
    fn what_is_known_old_or_for_other_machines_isnt_looked_up() {
        let list = "v0.0.1-go1.25.9.linux-amd64\nv0.0.1-go1.26.8.linux-amd64\n\
                    v0.0.1-go1.27.4.linux-arm64\nv0.0.1-go1.27.4.linux-amd64\n\
                    v0.0.1-go1.27.4.linux-amd64\nv0.0.1-go1.27.4.windows-amd64\n\
                    v0.0.1-go1.28rc1.linux-amd64\nv9\n<html>\n";
        let amd64: Platform = "linux/amd64".parse().unwrap();
        let mut known = GoReleases::default();
        known.add("1.26.8".parse().unwrap(), amd64, SUM.parse().unwrap());
        let found = missing(list, &known).into_iter();
        let found: Vec<String> = found.map(|(go, on)| format!("{go} {on}")).collect();
        assert_eq!(found, ["1.27.4 linux/arm64", "1.27.4 linux/amd64"]);
    }

    #[test]
    fn the_record_of_a_database_has_the_checksum_of_the_archive() {
        let module = toolchain_module("1.26.11".parse().unwrap(), "linux-amd64");
        let name = format!("golang.org/toolchain {}", module.version());
        let record =
            format!("71124627\n{name}/go.mod h1:other=\n{name} {SUM}\n\ngo.sum database tree\n1\n");
        assert_eq!(sum_in(&record, &module).unwrap().as_str(), SUM);
        for damaged in [
            "",
            "\0\0\0",
            &record[..40],
            &record.replace("h1:8k", "h1:8"),
        ] {
            assert_eq!(sum_in(damaged, &module), None, "{damaged:?}");
        }
    }

    #[test]
    fn a_database_is_named_as_its_folder() {
        assert_eq!(database_name("sums.example"), Some("sums.example"));
        let own = "sums.example+abc+key https://elsewhere.example";
        assert_eq!(database_name(own), Some("sums.example"));
        assert_eq!(database_name("off"), None);
        assert_eq!(database_name(""), None);
    }
}
