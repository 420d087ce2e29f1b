//! A `go.sum` as a set of checksums, so that two can be put together without contradiction.

use std::{collections::BTreeMap, fmt::Write as _};

/// Checksums by module and version; `<version>/go.mod` stands for the module's `go.mod` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GoSum(BTreeMap<(String, String), String>);

impl GoSum {
    /// Reads a file; lines that aren't of the known form are left out.
    pub(super) fn from_file(text: &str) -> Self {
        let mut sums = Self::default();
        for line in text.lines() {
            if let [module, version, sum] = line.split_ascii_whitespace().collect::<Vec<_>>()[..] {
                sums.add(module, version, sum);
            }
        }
        sums
    }

    /// Adds a checksum that isn't known yet. One that is known stays: `go` checks every download against it.
    pub(super) fn add(&mut self, module: &str, version: &str, sum: &str) {
        if sum.starts_with("h1:") {
            self.0
                .entry((module.to_owned(), version.to_owned()))
                .or_insert_with(|| sum.to_owned());
        }
    }

    /// Adds what `other` knows besides.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, sum) in other.0 {
            self.0.entry(key).or_insert(sum);
        }
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
