//! How much packages add to a binary: bytes of their own, and parts that they share with others, which count once.
//!
//! Sizes are measured package by package. A release says which parts several of its packages share; of a release that
//! doesn't, a package is taken for part of another one that brings all of its components and more.

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::{
    ImportPath,
    catalog::{CatalogPackage, Release},
};

/// Bytes for each component of a package that wasn't measured.
const BYTES_PER_COMPONENT: u64 = 1 << 20;

/// What a package adds to a binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Bytes that no other package adds.
    pub(super) own: u64,
    /// Shared parts, by their place in [`Sizes::parts`].
    pub(super) parts: Vec<usize>,
    /// Whether it was measured. The bytes of the others are guessed from the number of their components.
    pub(super) is_measured: bool,
}

/// The sizes of all packages of some releases.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    packages: BTreeMap<ImportPath, Size>,
    parts: Vec<u64>,
}

impl Sizes {
    pub(super) fn of<'a>(releases: impl IntoIterator<Item = &'a Release>) -> Self {
        let mut sizes = Self::default();
        for release in releases {
            sizes.add(release);
        }
        sizes
    }

    fn add(&mut self, release: &Release) {
        let packages: Vec<&CatalogPackage> = release.offers().map(|offer| offer.package).collect();
        let mut of: Vec<Size> = packages.iter().map(|package| alone(package)).collect();
        for (bytes, members) in parts(release, &packages) {
            let part = self.parts.len();
            self.parts.push(bytes);
            for member in members {
                of[member].own = of[member].own.saturating_sub(bytes);
                of[member].parts.push(part);
            }
        }
        let paths = packages.into_iter().map(|package| package.path.clone());
        self.packages.extend(paths.zip(of));
    }

    pub(super) fn of_package(&self, path: &ImportPath) -> Option<&Size> {
        self.packages.get(path)
    }

    pub(super) fn is_measured(&self, path: &ImportPath) -> bool {
        let size = self.packages.get(path);
        size.is_some_and(|size| size.is_measured)
    }

    /// The bytes of the shared parts.
    pub(super) fn parts(&self) -> &[u64] {
        &self.parts
    }

    /// What these packages add together; unknown ones add nothing.
    pub(super) fn total<'a>(&self, paths: impl IntoIterator<Item = &'a ImportPath>) -> u64 {
        let known = paths.into_iter().filter_map(|path| self.packages.get(path));
        let (mut own, mut parts) = (0, BTreeSet::<usize>::new());
        for size in known {
            own += size.own;
            parts.extend(&size.parts);
        }
        own + parts.into_iter().map(|part| self.parts[part]).sum::<u64>()
    }
}

/// As people write a size.
pub(super) fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_add(50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn alone(package: &CatalogPackage) -> Size {
    let guess = || BYTES_PER_COMPONENT.saturating_mul(package.components.len() as u64);
    Size {
        own: package.added_bytes.unwrap_or_else(guess),
        parts: Vec::new(),
        is_measured: package.added_bytes.is_some(),
    }
}

/// The shared parts of a release: bytes, and the places of the packages.
fn parts(release: &Release, packages: &[&CatalogPackage]) -> Vec<(u64, Vec<usize>)> {
    if release.shared.is_empty() {
        return contained(packages);
    }
    let names = packages.iter().map(|it| release.name_of(&it.path));
    let places: BTreeMap<&str, usize> = names.zip(0..).collect();
    let parts = release.shared.iter().map(|shared| {
        let names = shared.packages.iter();
        let members = names.filter_map(|name| places.get(name.as_str()).copied());
        (shared.bytes, members.collect())
    });
    parts.collect()
}

/// A part for each package that is contained in others: they bring all of its components and more.
fn contained(packages: &[&CatalogPackage]) -> Vec<(u64, Vec<usize>)> {
    let measured = packages.iter().enumerate();
    let measured = measured.filter_map(|(place, package)| Some((package.added_bytes?, place)));
    let mut measured: Vec<(u64, usize)> = measured.collect();
    measured.sort_unstable();
    let mut parts: Vec<(u64, Vec<usize>)> = Vec::new();
    for (at, (bytes, place)) in measured.iter().enumerate() {
        let inner = packages[*place];
        let is_around = |outer: &CatalogPackage| {
            !inner.components.is_empty()
                && outer.components.len() > inner.components.len()
                && (inner.components.iter()).all(|it| outer.components.contains(it))
        };
        let larger = measured[at + 1..].iter().map(|(_, outer)| *outer);
        let mut members: Vec<usize> = larger.filter(|it| is_around(packages[*it])).collect();
        if !members.is_empty() {
            members.push(*place);
            let within = parts.iter().filter(|(_, of)| of.contains(place));
            let within: u64 = within.map(|(bytes, _)| bytes).sum();
            parts.push((bytes.saturating_sub(within), members));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use wombat_model::catalog::SharedBytes;

    use super::*;
    use crate::fixture::{self, CONNECT};

    fn release(added: &[(&str, u64)], shared: &[(u64, &[&str])]) -> Release {
        let catalog = fixture::catalog();
        let newest = catalog.default_of(&CONNECT.parse().unwrap()).unwrap();
        let mut release = Release::clone(newest);
        for (name, bytes) in added {
            let path = path(name);
            let mut packages = release.packages.iter_mut();
            let package = packages.find(|package| package.path == path).unwrap();
            package.added_bytes = Some(*bytes);
        }
        let parts = shared.iter().map(|(bytes, packages)| SharedBytes {
            bytes: *bytes,
            packages: packages.iter().map(|name| (*name).to_owned()).collect(),
        });
        release.shared = parts.collect();
        release
    }

    fn path(name: &str) -> ImportPath {
        format!("{CONNECT}/public/components/{name}")
            .parse()
            .unwrap()
    }

    fn total(sizes: &Sizes, names: &[&str]) -> u64 {
        let paths: Vec<ImportPath> = names.iter().map(|name| path(name)).collect();
        sizes.total(&paths)
    }

    #[test]
    fn shared_parts_count_once() {
        let release = release(
            &[("aws", 57), ("kafka", 8), ("confluent", 10)],
            &[(5, &["aws", "kafka"]), (3, &["aws", "kafka", "confluent"])],
        );
        let sizes = Sizes::of([&release]);
        for (names, expected) in [
            (&["aws"][..], 57),
            (&["confluent"], 10),
            (&["confluent", "aws"], 64),
            (&["aws", "kafka"], 57),
            (&["nats", "redis"], 34),
            (&["nats", "absent"], 30),
        ] {
            assert_eq!(total(&sizes, names), expected, "{names:?}");
        }
    }

    #[test]
    fn a_package_whose_components_another_one_brings_is_part_of_it() {
        let sizes = Sizes::of([&release(
            &[("aws", 57), ("kafka", 8), ("confluent", 3)],
            &[],
        )]);
        assert_eq!(total(&sizes, &["kafka"]), 8);
        assert_eq!(total(&sizes, &["aws", "kafka"]), 57);
        assert_eq!(total(&sizes, &["aws", "kafka", "confluent", "nats"]), 87);
    }

    #[test]
    fn what_was_not_measured_is_guessed_by_its_components() {
        let sizes = Sizes::of([&release(&[], &[])]);
        let size = sizes.of_package(&path("couchbase")).unwrap();
        assert_eq!((size.own, size.is_measured), (BYTES_PER_COMPONENT, false));
    }
}
