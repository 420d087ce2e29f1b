//! Names of the builder's machine in texts for its clients.

use std::{borrow::Cow, path::Path};

/// Names of a machine that its clients have no use for: its folders and its host name. Paths of files below a folder stay
/// readable, as `m@v1.0.0/file.go` or `$HOME/file`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalNames {
    /// The longest path first, so that a folder goes before the one that it is in.
    folders: Vec<Folder>,
    hosts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    path: String,
    /// What a text says in its place.
    name: &'static str,
    /// Whether paths of files in it begin after it.
    is_root: bool,
}

impl LocalNames {
    /// The same, without this folder: paths of files in it begin after it, and `name` stands for the folder itself.
    #[must_use]
    pub fn root(self, path: &Path, name: &'static str) -> Self {
        self.add(path, name, true)
    }

    /// The same, without this folder: `name` stands for it, also in paths of files.
    #[must_use]
    pub fn folder(self, path: &Path, name: &'static str) -> Self {
        self.add(path, name, false)
    }

    /// The same, without this host name, with its domain or without. A name such as `builder` stays, since it can't be
    /// told from other words.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        let first = name.split('.').next().unwrap_or(name);
        if first == "localhost" {
            return self;
        }
        let is_its_own = |name: &str| {
            let other = |it: char| it.is_ascii_digit() || "-.".contains(it);
            name.contains(other) && name.len() > 3
        };
        for name in [name, first] {
            if is_its_own(name) && !self.hosts.iter().any(|known| known == name) {
                self.hosts.push(name.to_owned());
            }
        }
        self
    }

    fn add(mut self, path: &Path, name: &'static str, is_root: bool) -> Self {
        let Some(path) = path.to_str().map(|path| path.trim_end_matches('/')) else {
            return self;
        };
        if path.starts_with('/') && !self.folders.iter().any(|known| known.path == path) {
            let longer = |known: &Folder| known.path.len() >= path.len();
            let at = self.folders.partition_point(longer);
            let path = path.to_owned();
            self.folders.insert(
                at,
                Folder {
                    path,
                    name,
                    is_root,
                },
            );
        }
        self
    }

    /// The text without these names.
    pub fn hidden_in<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for folder in &self.folders {
            if text.contains(&folder.path) {
                text = Cow::Owned(folder.hidden_in(&text));
            }
        }
        for host in &self.hosts {
            if text.contains(host) {
                text = Cow::Owned(without_host(&text, host));
            }
        }
        text
    }
}

impl Folder {
    fn hidden_in(&self, text: &str) -> String {
        // `/root` is a part of other paths, `/home/me` hardly.
        let is_short = self.path.matches('/').count() == 1;
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&self.path) {
            let (before, found) = rest.split_at(at);
            let after = &found[self.path.len()..];
            shown.push_str(before);
            let begins = !is_short || !shown.ends_with(is_in_name);
            if !begins || goes_on(after) {
                shown.push_str(&self.path);
                rest = after;
                continue;
            }
            rest = match after.strip_prefix('/') {
                Some(file) if self.is_root && file.starts_with(is_in_name) => file,
                Some(_) | None => {
                    shown.push_str(self.name);
                    after
                }
            };
        }
        shown.push_str(rest);
        shown
    }
}

fn without_host(text: &str, host: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(host) {
        let (before, found) = rest.split_at(at);
        let after = &found[host.len()..];
        shown.push_str(before);
        // A part of a longer name is another name; a domain may follow, or the end of a sentence.
        let is_whole = !shown.ends_with(is_in_name) && !after.starts_with(is_in_host);
        shown.push_str(if is_whole { "$HOST" } else { host });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Whether this continues the name of a file before it; a dot may also end a sentence.
fn goes_on(after: &str) -> bool {
    let rest = after.trim_start_matches('.');
    let is_dotted = rest.len() < after.len();
    rest.starts_with(is_in_name) && (!is_dotted || rest.starts_with(char::is_alphanumeric))
}

/// Whether names of files have it.
fn is_in_name(character: char) -> bool {
    character.is_alphanumeric() || "._-~@+!".contains(character)
}

fn is_in_host(character: char) -> bool {
    character.is_alphanumeric() || "_-".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_the_host_are_not_named() {
        let names = LocalNames::default()
            .folder(Path::new("/root"), "$HOME")
            .folder(Path::new("/root/state/"), "$STATE")
            .root(Path::new("/root/state/modules"), "$GOMODCACHE")
            .folder(Path::new("/"), "$NEVER")
            .folder(Path::new(""), "$NEVER")
            .folder(Path::new("relative"), "$NEVER")
            .host("ip-10-0-0-7.eu.example");
        for (text, expected) in [
            ("/root/state/modules/m@v1/p.go:1: bad", "m@v1/p.go:1: bad"),
            ("open /root/state/modules: no", "open $GOMODCACHE: no"),
            ("open /root/state/modules.", "open $GOMODCACHE."),
            ("open /root.bak and /root...", "open /root.bak and $HOME..."),
            ("open /root/state/modules/: no", "open $GOMODCACHE/: no"),
            (
                "at path \"/root/state/jobs/1\"",
                "at path \"$STATE/jobs/1\"",
            ),
            ("/root/state/modules2/x", "$STATE/modules2/x"),
            ("/root/stately", "$HOME/stately"),
            (
                "HOME=/root, and file:///root/x",
                "HOME=$HOME, and file://$HOME/x",
            ),
            (
                "/x/root/y and /rooted and a/root",
                "/x/root/y and /rooted and a/root",
            ),
            ("(/root)", "($HOME)"),
            (
                "lookup ip-10-0-0-7: no such host",
                "lookup $HOST: no such host",
            ),
            ("at ip-10-0-0-7.eu.example.", "at $HOST."),
            (
                "at ip-10-0-0-70 and zip-10-0-0-7",
                "at ip-10-0-0-70 and zip-10-0-0-7",
            ),
            ("nothing", "nothing"),
        ] {
            assert_eq!(names.hidden_in(text), expected);
        }
    }

    #[test]
    fn a_host_name_that_is_a_word_stays() {
        for host in [
            "nats",
            "builder",
            "localhost",
            "localhost.localdomain",
            "vm1",
            "",
        ] {
            let names = LocalNames::default().host(host);
            let text = format!("can't find {host}");
            assert_eq!(names.hidden_in(&text), text);
        }
    }
}
