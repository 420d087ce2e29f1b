//! A `go.sum` as a set of checksums, so that two can be merged without contradiction.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    module_cache::CachedModule,
    size_limit::{GO_SUM, GO_SUM_LINES, TooLarge},
};

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

    /// The same, but fails if the file is too large.
    pub(super) fn from_stranger(text: &str) -> Result<Self, TooLarge> {
        GO_SUM.check(text.len() as u64)?;
        // Each of them takes memory beside its text.
        GO_SUM_LINES.check(text.lines().count() as u64)?;
        Ok(Self::from_file(text))
    }

    /// Fails if [`Self::to_file`] would be too large.
    pub(super) fn check_size(&self) -> Result<(), TooLarge> {
        let lines = self.0.iter();
        let line = |((module, version), sum): (&(String, String), &String)| {
            module.len() + version.len() + sum.len() + 3
        };
        GO_SUM.check(lines.map(line).sum::<usize>() as u64)
    }

    /// Adds a checksum, unless there is one already: `go` checks every download against it.
    pub(super) fn add(&mut self, module: &str, version: &str, sum: &str) {
        let is_plain = |word: &str| {
            let mut bytes = word.bytes();
            bytes.all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        if sum.starts_with("h1:") && [module, version, sum].into_iter().all(is_plain) {
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
    fn a_file_of_a_stranger_has_limits() {
        let line = "a.example/m v1.0.0 h1:one=\n";
        assert!(GoSum::from_stranger(&line.repeat(1 << 16)).is_ok());
        let refused = GoSum::from_stranger(&line.repeat((1 << 16) + 1));
        let said = "the go.sum has 65537 lines, more than the limit of 65536";
        assert_eq!(refused.unwrap_err().to_string(), said);
        let refused = GoSum::from_stranger(&"x".repeat((4 << 20) + 1));
        let said = "the go.sum has 4194305 bytes, more than the limit of 4194304";
        assert_eq!(refused.unwrap_err().to_string(), said);

        let mut all = GoSum::from_file("a.example/\u{1b}m v1.0.0 h1:one=\n");
        assert_eq!(all, GoSum::default(), "no control characters");
        let name = "m".repeat(1000);
        for n in 0..4180 {
            all.add(&format!("{name}{n}"), "v1.0.0", "h1:one=");
        }
        let size = all.to_file().len() as u64;
        assert_eq!(all.check_size(), GO_SUM.check(size));
        assert!(all.check_size().is_err(), "{size}");
    }

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
