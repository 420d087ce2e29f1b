//! A `go.sum` as a set of checksums, so that two can be merged without contradiction.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::module_cache::CachedModule;

/// Checksums by module and version; `<version>/go.mod` stands for the module's `go.mod` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GoSum(BTreeMap<(String, String), String>);

impl GoSum {
    /// Parses a file; ignores malformed lines.
    pub(super) fn from_file(text: &str) -> Self {
        let mut sums = Self::default();
        for line in text.lines() {
            if let [module, version, sum] = line.split_ascii_whitespace().collect::<Vec<_>>()[..] {
                sums.add(module, version, sum);
            }
        }
        sums
    }

    /// Adds a checksum, unless there is one already: `go` checks every download against it.
    pub(super) fn add(&mut self, module: &str, version: &str, sum: &str) {
        if sum.starts_with("h1:") {
            self.0
                .entry((module.to_owned(), version.to_owned()))
                .or_insert_with(|| sum.to_owned());
        }
    }

    /// Adds the checksums of `other` that are missing here.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, sum) in other.0 {
            self.0.entry(key).or_insert(sum);
        }
    }

    /// The checksum of a module version.
    pub(super) fn get(&self, module: &str, version: &str) -> Option<&str> {
        let key = (module.to_owned(), version.to_owned());
        self.0.get(&key).map(String::as_str)
    }

    /// All module versions with a checksum, if only that of their `go.mod`.
    pub(super) fn modules(&self) -> BTreeSet<CachedModule> {
        let module = |(path, version): &(String, String)| {
            CachedModule::new(path, version.strip_suffix("/go.mod").unwrap_or(version))
        };
        self.0.keys().map(module).collect()
    }

    /// The file, sorted.
    pub(super) fn to_file(&self) -> String {
        self.0
            .iter()
            .fold(String::new(), |mut text, ((module, version), sum)| {
                let _ = writeln!(text, "{module} {version} {sum}");
                text
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_without_contradiction() {
        let mut sums =
            GoSum::from_file("b.c/d v1.0.0 h1:one=\nb.c/d v1.0.0/go.mod h1:two=\nbroken line\n");
        sums.merge(GoSum::from_file(
            "b.c/d v1.0.0 h1:other=\na.b/c v1.0.0 h1:three=\n",
        ));
        assert_eq!(
            sums.to_file(),
            "a.b/c v1.0.0 h1:three=\nb.c/d v1.0.0 h1:one=\nb.c/d v1.0.0/go.mod h1:two=\n"
        );
    }
}
