//! A module whose archive is written piece by piece, so that it may be larger than memory when it is unpacked, and
//! whose names may be what no honest tool writes.

use std::io::{Cursor, Write as _};

use anyhow::ensure;
use wombat_testkit::ModuleProxy;
use zip::{ZipWriter, write::SimpleFileOptions};

/// The path of all of them.
pub(crate) const MODULE: &str = "evil.example/m";

/// A module that is being made.
pub(crate) struct EvilModule {
    version: String,
    go_mod: Vec<u8>,
    archive: ZipWriter<Cursor<Vec<u8>>>,
    /// Bytes of the archive's list that are replaced by others, as many, when it is finished.
    lies: Vec<(Vec<u8>, Vec<u8>)>,
}

impl EvilModule {
    /// An empty one, of version `v1.0.<n>`.
    pub(crate) fn new(n: usize) -> Self {
        Self {
            version: format!("v1.0.{n}"),
            go_mod: format!("module {MODULE}\n\ngo 1.26.0\n").into_bytes(),
            archive: ZipWriter::new(Cursor::new(Vec::new())),
            lies: Vec::new(),
        }
    }

    /// Its version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// With this `go.mod`.
    pub(crate) fn go_mod(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.go_mod = text.into();
        self
    }

    /// With one more file.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<Self> {
        self.repeated(name, content, 1)
    }

    /// With a file that has this content many times.
    pub(crate) fn repeated(
        mut self,
        name: &str,
        content: impl AsRef<[u8]>,
        times: usize,
    ) -> anyhow::Result<Self> {
        let name = format!("{MODULE}@{}/{name}", self.version);
        self.archive
            .start_file(name, SimpleFileOptions::default())?;
        for _ in 0..times {
            self.archive.write_all(content.as_ref())?;
        }
        Ok(self)
    }

    /// With a file of any name, also one that isn't text or leads elsewhere.
    pub(crate) fn named(self, name: &[u8], content: &str) -> anyhow::Result<Self> {
        let mut place = format!("raw{:04}", self.lies.len());
        ensure!(name.len() >= place.len(), "a longer name");
        place.push_str(&"x".repeat(name.len() - place.len()));
        self.file(&place, content)?.lie(place.as_bytes(), name)
    }

    /// With a symbolic link.
    pub(crate) fn link(mut self, name: &str, target: &str) -> anyhow::Result<Self> {
        let name = format!("{MODULE}@{}/{name}", self.version);
        self.archive
            .add_symlink(name, target, SimpleFileOptions::default())?;
        Ok(self)
    }

    /// With other bytes in the list of its finished archive, which `go` believes: as many.
    pub(crate) fn lie(mut self, truth: &[u8], lie: &[u8]) -> anyhow::Result<Self> {
        ensure!(truth.len() == lie.len(), "as many bytes");
        self.lies.push((truth.to_vec(), lie.to_vec()));
        Ok(self)
    }

    /// Serves it from now on.
    pub(crate) fn serve(self, proxy: &ModuleProxy) -> anyhow::Result<()> {
        let Self {
            version,
            go_mod,
            archive,
            lies,
        } = self;
        let mut zip = archive.finish()?.into_inner();
        let list = list_of(&zip);
        for (truth, lie) in lies {
            replace(&mut zip[list..], &truth, &lie);
        }
        let base = format!("{MODULE}/@v/{version}");
        let info = format!("{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\"}}");
        proxy.replace(&format!("{base}.info"), info);
        proxy.replace(&format!("{base}.mod"), go_mod);
        proxy.replace(&format!("{base}.zip"), zip);
        Ok(())
    }
}

/// Where the list of an archive's files begins.
fn list_of(zip: &[u8]) -> usize {
    let entries = zip.windows(4).rev();
    let mut places = (0..).zip(entries);
    let last = places.find(|(_, bytes)| bytes == b"PK\x05\x06");
    let end = last.map_or(0, |(from_end, _): (usize, _)| zip.len() - 4 - from_end);
    let place = zip
        .get(end + 16..end + 20)
        .and_then(|it| it.try_into().ok());
    place.map_or(0, |place| u32::from_le_bytes(place) as usize)
}

/// Replaces each of these texts by another one of the same length.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(old.len()).position(|it| it == old) {
        at += found;
        bytes[at..at + old.len()].copy_from_slice(new);
        at += old.len();
    }
}
