//! The releases that come with the program and seed the catalog at its first start.

use anyhow::Context;
use wombat_model::catalog::Release;

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/catalog"]
#[exclude = "sources/*"]
#[exclude = "components/*"]
#[exclude = "go-releases.json"]
struct Files;

/// Every embedded release.
pub(crate) fn releases() -> anyhow::Result<Vec<Release>> {
    Files::iter()
        .map(|name| {
            let file = Files::get(&name).with_context(|| format!("embedded catalog {name}"))?;
            serde_json::from_slice(&file.data).with_context(|| format!("embedded catalog {name}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalog::BENTHOS;

    #[test]
    fn every_file_is_a_release_that_holds_together() {
        let releases = releases().unwrap();
        assert!(
            releases
                .iter()
                .any(|release| release.module.as_str() == BENTHOS)
        );
        for release in releases {
            let name = format!("{}@{}", release.module, release.version);
            release.version.check_for(&release.module).expect(&name);
            assert!(
                release.go_versions.is_sorted_by(|left, right| left > right),
                "{name}: newest Go first"
            );
            assert!(!release.go_versions.is_empty(), "{name}");
            for package in &release.packages {
                assert!(release.lists(&package.path), "{name}: {}", package.path);
            }
            for driver in &release.drivers {
                let path = &driver.package.path;
                driver.version.check_for(&driver.module).expect(&name);
                assert!(driver.module.contains(path), "{name}: {path}");
                assert!(!release.module.contains(path), "{name}: {path}");
            }
            let names: BTreeSet<&str> = release
                .offers()
                .map(|offer| release.name_of(&offer.package.path))
                .collect();
            for shared in &release.shared {
                let known = |name: &String| names.contains(name.as_str());
                assert!(shared.packages.iter().all(known), "{name}: {shared:?}");
            }
        }
    }
}
