//! Names of files, and which file is meant by a path. Benthos looks for it from its working folder, or from the folder of the mapping that
//! names it; neither is known here, so the end of a path counts, too.

/// The files of a question.
pub(super) struct Folder {
    /// Their paths, in order.
    files: Vec<String>,
}

impl Folder {
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            files: paths.into_iter().map(normal).collect(),
        }
    }

    /// The index of the file that is meant. The file `from` names it.
    pub(super) fn find(&self, path: &str, from: &str) -> Option<usize> {
        let files = &self.files;
        let wanted = normal(path);
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = normal(&format!("{folder}/{path}"));
        let exact = |name: &str| files.iter().position(|file| file == name);
        exact(&beside)
            .or_else(|| exact(&wanted))
            .or_else(|| {
                only(files, |file| {
                    ends_with(file, &wanted) || ends_with(&wanted, file)
                })
            })
            .or_else(|| only(files, |file| base(file) == base(&wanted)))
    }
}

/// Whether a path is called as a mapping.
pub(super) fn is_mapping(path: &str) -> bool {
    ends_as(path, &["blobl", "bloblang"])
}

/// Whether a path is called as a configuration, or says nothing.
pub(super) fn may_be_yaml(path: &str) -> bool {
    !base(path).contains('.') || ends_as(path, &["yaml", "yml", "json"])
}

fn ends_as(path: &str, endings: &[&str]) -> bool {
    let ending = base(path).rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| endings.iter().any(|it| ending.eq_ignore_ascii_case(it)))
}

/// A path without `.`, `..` and double slashes.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|it| *it != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn ends_with(path: &str, end: &str) -> bool {
    let before = path.strip_suffix(end);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The only file that fits.
fn only(files: &[String], fits: impl Fn(&str) -> bool) -> Option<usize> {
    let mut found = files.iter().enumerate().filter(|(_, file)| fits(file));
    let first = found.next()?;
    found.next().is_none().then_some(first.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_beside_the_file_and_by_their_ends() {
        let files = ["conf/a.yaml", "conf/lib/b.blobl", "lib/b.blobl", "c.blobl"];
        for (path, from, expected) in [
            ("lib/b.blobl", "conf/a.yaml", Some(1)),
            ("./lib/../lib/b.blobl", "a.yaml", Some(2)),
            ("b.blobl", "conf/lib/x.blobl", Some(1)),
            ("b.blobl", "x.blobl", None),
            ("/etc/conf/c.blobl", "x.blobl", Some(3)),
            ("mappings/c.blobl", "conf/a.yaml", Some(3)),
            ("../c.blobl", "conf/a.yaml", Some(3)),
            ("d.blobl", "conf/a.yaml", None),
        ] {
            let found = Folder::of(files).find(path, from);
            assert_eq!(found, expected, "{path} from {from}");
        }
    }

    #[test]
    fn names_tell_mappings_from_configurations() {
        for (path, mapping, yaml) in [
            ("a/b.blobl", true, false),
            ("b.Bloblang", true, false),
            ("a.blobl/b.yaml", false, true),
            ("B.YML", false, true),
            ("a.d/pipeline", false, true),
            ("-", false, true),
            ("", false, true),
            ("README.md", false, false),
        ] {
            assert_eq!(
                (is_mapping(path), may_be_yaml(path)),
                (mapping, yaml),
                "{path}"
            );
        }
    }
}
