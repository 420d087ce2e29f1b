//! Requirements and replacements in the text of a `go.mod`.

use std::collections::BTreeMap;

/// Requirements and replacements; lines of other kinds are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GoModText<'a> {
    /// Versions by module path.
    pub(crate) requires: BTreeMap<&'a str, &'a str>,
    replaces: Vec<ReplaceLine<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
struct ReplaceLine<'a> {
    path: &'a str,
    /// If set, only this version is replaced.
    version: Option<&'a str>,
    other: (&'a str, &'a str),
}

impl<'a> GoModText<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut file = Self::default();
        let mut block = None;
        for line in text.lines() {
            let line = line.split("//").next().unwrap_or_default();
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            match (block, &words[..]) {
                (_, []) => {}
                (Some(_), [")"]) => block = None,
                (Some(kind), words) => file.add(kind, words),
                (None, [kind, "("]) => block = Some(*kind),
                (None, [kind, words @ ..]) => file.add(kind, words),
            }
        }
        file
    }

    fn add(&mut self, kind: &str, words: &[&'a str]) {
        match (kind, words) {
            ("require", [path, version]) => drop(self.requires.insert(path, version)),
            ("replace", [path, "=>", other, version]) => self.replaces.push(ReplaceLine {
                path,
                version: None,
                other: (other, version),
            }),
            ("replace", [path, only, "=>", other, version]) => self.replaces.push(ReplaceLine {
                path,
                version: Some(only),
                other: (other, version),
            }),
            _ => {}
        }
    }

    /// Path and version of what replaces a module. A line for this version comes before one for all versions.
    pub(crate) fn replacement(&self, path: &str, version: &str) -> Option<(&'a str, &'a str)> {
        let of = |only: Option<&str>| {
            let mut lines = self.replaces.iter();
            lines.find(|line| line.path == path && line.version == only)
        };
        let line = of(Some(version)).or_else(|| of(None))?;
        Some(line.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_and_replacements_are_found_in_every_form() {
        let text = "module x // y v9.0.0\n\ngo 1.26.5\n\nrequire (\n\ta.b/c v1.0.0\n\ta.b/d v1.1.0 // indirect\n)\n\n\
                    require a.b/e v1.2.0\n\nreplace (\n\ta.b/f => a.b/g v9.0.0\n\ta.b/f v1.0.0 => a.b/h v2.0.0\n)\n\
                    replace a.b/c v1.0.1 => a.b/i v3.0.0\nexclude a.b/e v1.1.0\n";
        let file = GoModText::parse(text);
        let requires = [
            ("a.b/c", "v1.0.0"),
            ("a.b/d", "v1.1.0"),
            ("a.b/e", "v1.2.0"),
        ];
        assert_eq!(file.requires, requires.into());
        for (path, version, other) in [
            ("a.b/f", "v1.0.0", Some(("a.b/h", "v2.0.0"))),
            ("a.b/f", "v1.0.1", Some(("a.b/g", "v9.0.0"))),
            ("a.b/c", "v1.0.1", Some(("a.b/i", "v3.0.0"))),
            ("a.b/c", "v1.0.0", None),
        ] {
            assert_eq!(file.replacement(path, version), other, "{path} {version}");
        }
    }
}
