//! The Go releases that builders can fetch, and which of them a module release can be built with.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Release;
use crate::{GoLine, GoVersion, ModuleSum, Platform};

/// Checksums of a Go release, by the platform that it runs on.
type Sums = BTreeMap<Platform, ModuleSum>;

/// The Go releases that builders can fetch: a value of the `catalog` bucket, and a file that comes with the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct GoReleases {
    releases: BTreeMap<GoVersion, Sums>,
    /// When the module proxy was last asked for new ones.
    checked: Option<OffsetDateTime>,
}

/// A Go release, as the module `golang.org/toolchain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GoRelease {
    /// Its version.
    pub version: GoVersion,
    /// The checksum of its module, by the platform that it runs on.
    pub sums: BTreeMap<Platform, ModuleSum>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    checked: Option<OffsetDateTime>,
    releases: Vec<GoRelease>,
}

impl TryFrom<Stored> for GoReleases {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let mut releases = BTreeMap::new();
        for GoRelease { version, sums } in stored.releases {
            if releases.insert(version, sums).is_some() {
                return Err(format!("Go {version} is listed twice"));
            }
        }
        Ok(Self {
            releases,
            checked: stored.checked,
        })
    }
}

impl From<GoReleases> for Stored {
    fn from(list: GoReleases) -> Self {
        Self {
            releases: list.all(),
            checked: list.checked,
        }
    }
}

impl GoReleases {
    /// All of them: the newest of each line, then the others; newer ones first.
    pub fn all(&self) -> Vec<GoRelease> {
        let versions = newest_of_lines_first(&self.releases.keys().copied().collect());
        let release = |version: GoVersion| GoRelease {
            version,
            sums: self.releases.get(&version).cloned().unwrap_or_default(),
        };
        versions.into_iter().map(release).collect()
    }

    /// Their versions, older ones first.
    pub fn versions(&self) -> impl Iterator<Item = GoVersion> {
        self.releases.keys().copied()
    }

    /// The checksum of a release for this platform, if it is known.
    pub fn sum(&self, version: GoVersion, platform: Platform) -> Option<&ModuleSum> {
        self.releases.get(&version)?.get(&platform)
    }

    /// The newest release of a line that can be fetched for this platform.
    pub fn newest_of(&self, line: GoLine, platform: Platform) -> Option<(GoVersion, &ModuleSum)> {
        let of_line = self.releases.iter().rev();
        of_line
            .filter(|(version, _)| version.line() == line)
            .find_map(|(version, sums)| Some((*version, sums.get(&platform)?)))
    }

    /// Adds a checksum. One that is known stays: a published release never changes.
    pub fn add(&mut self, version: GoVersion, platform: Platform, sum: ModuleSum) {
        let sums = self.releases.entry(version).or_default();
        sums.entry(platform).or_insert(sum);
    }

    /// Removes a release.
    pub fn remove(&mut self, version: GoVersion) {
        self.releases.remove(&version);
    }

    /// Adds everything that `other` knows in addition.
    pub fn add_all(&mut self, other: &Self) {
        for (version, sums) in &other.releases {
            for (platform, sum) in sums {
                self.add(*version, *platform, sum.clone());
            }
        }
        self.checked = self.checked.max(other.checked);
    }

    /// Whether both have the same releases.
    pub fn has_releases_of(&self, other: &Self) -> bool {
        self.releases == other.releases
    }

    /// When the module proxy was last asked for new releases.
    pub const fn checked(&self) -> Option<OffsetDateTime> {
        self.checked
    }

    /// The same, after the module proxy was asked at this time.
    #[must_use]
    pub fn checked_at(self, time: OffsetDateTime) -> Self {
        Self {
            checked: Some(time),
            ..self
        }
    }

    /// Go releases that all of these module releases can be built with: those that they are known to be built with, and
    /// those of this list that their `go.mod` allows. The first is the default: the newest of the newest line that all
    /// are known to be built with. The newest of each other line follows, then the others; newer ones first.
    pub fn offered(&self, releases: &[&Release]) -> Vec<GoVersion> {
        let sets = releases.iter().map(|release| self.allowed_by(release));
        let common = sets
            .reduce(|left, right| &left & &right)
            .unwrap_or_default();
        let Some(default) = default_among(&common, releases) else {
            return Vec::new();
        };
        let others = common.into_iter().filter(|version| *version != default);
        let mut offered = vec![default];
        offered.extend(others_behind(default, others.collect()));
        offered
    }

    fn allowed_by(&self, release: &Release) -> BTreeSet<GoVersion> {
        let known = release.go_versions.iter().copied();
        let Some(lowest) = release.lowest_go.or_else(|| known.clone().min()) else {
            return BTreeSet::new();
        };
        known
            .chain(self.versions().filter(|version| *version >= lowest))
            .collect()
    }
}

/// The newest of the newest line that all of these are known to be built with. If there is none, of the lowest line
/// that is allowed: it differs least from what is known.
fn default_among(allowed: &BTreeSet<GoVersion>, releases: &[&Release]) -> Option<GoVersion> {
    let is_known = |line: GoLine| {
        let knows = |release: &&Release| release.go_versions.iter().any(|it| it.line() == line);
        releases.iter().all(knows)
    };
    let lines = || allowed.iter().map(|version| version.line());
    let line = lines()
        .filter(|line| is_known(*line))
        .max()
        .or_else(|| lines().min())?;
    let of_line = allowed.iter().copied();
    of_line.filter(|version| version.line() == line).max()
}

/// Versions in the order in which they are offered, without the first of its line.
fn others_behind(first: GoVersion, versions: BTreeSet<GoVersion>) -> Vec<GoVersion> {
    let (of_line, of_others): (BTreeSet<_>, BTreeSet<_>) = versions
        .into_iter()
        .partition(|version| version.line() == first.line());
    let newest = newest_of_lines(&of_others);
    let rest = &(&of_others | &of_line) - &newest;
    newest
        .into_iter()
        .rev()
        .chain(rest.into_iter().rev())
        .collect()
}

fn newest_of_lines_first(versions: &BTreeSet<GoVersion>) -> Vec<GoVersion> {
    let newest = newest_of_lines(versions);
    let rest = versions - &newest;
    newest
        .into_iter()
        .rev()
        .chain(rest.into_iter().rev())
        .collect()
}

fn newest_of_lines(versions: &BTreeSet<GoVersion>) -> BTreeSet<GoVersion> {
    let newest: BTreeMap<GoLine, GoVersion> = versions
        .iter()
        .map(|version| (version.line(), *version))
        .collect();
    newest.into_values().collect()
}

#[cfg(test)]
mod tests;
