//! The Go releases that come with the program. `make catalog` renews them.

use anyhow::Context;
use wombat_model::{
    GoLine,
    catalog::{GoReleases, Release},
};

use super::embedded;

const FILE: &str = include_str!("../../catalog/go-releases.json");

/// The Go releases that come with the program.
pub fn go_releases() -> anyhow::Result<GoReleases> {
    serde_json::from_str(FILE).context("embedded catalog go-releases.json")
}

/// The line of Go releases that most requests get: the default of the newest embedded releases.
pub fn default_go_line() -> anyhow::Result<GoLine> {
    let (list, releases) = (go_releases()?, embedded::releases()?);
    let newest = |release: &&Release| {
        let mut same = releases.iter().filter(|it| it.module == release.module);
        same.all(|other| other.version <= release.version)
    };
    let newest: Vec<&Release> = releases.iter().filter(newest).collect();
    let default = list.offered(&newest).first().copied();
    Ok(default
        .context("the embedded releases support no common Go version")?
        .line())
}

#[cfg(test)]
mod tests {
    use wombat_model::{GoVersion, Platform};

    use super::*;

    #[test]
    fn the_file_is_as_the_command_writes_it() {
        let list = go_releases().unwrap();
        let text = serde_json::to_string_pretty(&list).unwrap() + "\n";
        assert!(
            text == FILE,
            "`wombat catalog make-go-releases` writes it anew"
        );
    }

    #[test]
    fn every_line_can_be_fetched_where_builders_run() {
        let list = go_releases().unwrap();
        let default = default_go_line().unwrap();
        let newest: Vec<GoVersion> = list.versions().collect();
        assert!(newest.iter().any(|version| version.line() > default));
        for platform in ["linux/amd64", "linux/arm64"] {
            let platform: Platform = platform.parse().unwrap();
            for version in &newest {
                let found = list.newest_of(version.line(), platform);
                assert!(found.is_some(), "{version} {platform}");
            }
        }
    }

    #[test]
    fn every_embedded_release_gets_the_newest_of_a_line_that_it_is_known_to_build_with() {
        let list = go_releases().unwrap();
        for release in embedded::releases().unwrap() {
            let offered = list.offered(&[&release]);
            let name = format!("{}@{}", release.module, release.version);
            let known = |line| release.go_versions.iter().any(|it| it.line() == line);
            assert!(known(offered[0].line()), "{name}: {offered:?}");
            let (newest, _) = list
                .newest_of(offered[0].line(), "linux/amd64".parse().unwrap())
                .unwrap();
            assert_eq!(offered[0], newest, "{name}");
            for version in &release.go_versions {
                assert!(offered.contains(version), "{name}: Go {version}");
            }
        }
    }
}
