//! Strips this machine's paths from `go`'s output: clients don't need them and shouldn't see them.

use std::path::{Component, Path};

use wombat_model::plain_text::LocalNames;

/// The text with paths relative to these folders, and without the other names. `go` names files by absolute paths or, if
/// that is shorter, relative to `work_dir`.
pub(super) fn without<'a>(
    text: &str,
    work_dir: &Path,
    folders: impl IntoIterator<Item = &'a Path>,
    names: &LocalNames,
) -> String {
    let mut text = text.to_owned();
    for folder in folders {
        if folder.as_os_str().is_empty() {
            continue;
        }
        if let Some(rest) = beside(work_dir, folder) {
            take_climbs(&mut text, &format!("../{rest}/"));
        }
    }
    names.hidden_in(&text).into_owned()
}

/// The part of `folder` that isn't also above `work_dir`.
fn beside(work_dir: &Path, folder: &Path) -> Option<String> {
    let common = work_dir
        .components()
        .zip(folder.components())
        .take_while(|(one, other)| one == other)
        .count();
    let rest = folder.components().skip(common);
    let rest: std::path::PathBuf = rest.filter(|part| *part != Component::RootDir).collect();
    rest.to_str()
        .filter(|rest| !rest.is_empty())
        .map(str::to_owned)
}

/// Removes each `needle`, which begins with `../`, and all `../` before it.
fn take_climbs(text: &mut String, needle: &str) {
    while let Some(found) = text.find(needle) {
        let before = text[..found].trim_end_matches("../").len();
        text.replace_range(before..found + needle.len(), "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_however_they_are_written() {
        let without = |text: &str| {
            let folders = ["/s/state/jobs/1", "/s/modules", "/usr/go", ""].map(Path::new);
            let names = folders
                .into_iter()
                .fold(LocalNames::default(), |names, folder| {
                    names.root(folder, "$FOLDER")
                })
                .folder(Path::new("/s/state"), "$STATE");
            super::without(text, Path::new("/s/state/jobs/1"), folders, &names)
        };
        for (text, expected) in [
            ("/s/modules/m@v1/p.go:1: bad", "m@v1/p.go:1: bad"),
            (
                "../../../modules/m@v1/p.s:2: #include: open pkg/include/x",
                "m@v1/p.s:2: #include: open pkg/include/x",
            ),
            (
                "all files in /s/modules/m@v1/p, /s/modules/n@v1/q",
                "all files in m@v1/p, n@v1/q",
            ),
            (
                "../../../../usr/go/src/fmt/print.go:1:2",
                "src/fmt/print.go:1:2",
            ),
            ("/s/state/jobs/1/main.go:3", "main.go:3"),
            (
                "mkdir /s/state/jobs/1: no space in /s/state/tmp",
                "mkdir $FOLDER: no space in $STATE/tmp",
            ),
            (
                "pattern ../../secret: invalid pattern syntax",
                "pattern ../../secret: invalid pattern syntax",
            ),
        ] {
            assert_eq!(without(text), expected);
        }
    }
}
