//! Limits of files that modules bring. Their authors decide how large they are, and the builder reads some of them into
//! its memory.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use wombat_goproxy::{LARGEST_INFO, LARGEST_MOD};
use wombat_model::{Failure, FailureClass, units};

use super::{blocking::blocking, limit::Limit};

/// A `go.mod`, of one module or of all modules of a build.
pub(super) const GO_MOD: SizeLimit = SizeLimit::new("go.mod", LARGEST_MOD);
/// A `go.sum`, of one module or of all modules of a build. That of Redpanda Connect, one of the largest, has 300 KB.
pub(super) const GO_SUM: SizeLimit = SizeLimit::new("go.sum", 4 << 20);
/// Lines of a `go.sum`. With those of real modules, it has fewer at its largest size.
pub(super) const GO_SUM_LINES: SizeLimit = SizeLimit {
    unit: "lines",
    ..SizeLimit::new("go.sum", 1 << 16)
};
/// A module graph on this builder's disk: both files, as JSON.
pub(super) const GRAPH: SizeLimit = SizeLimit::new("module graph", 2 * (GO_MOD.most + GO_SUM.most));
/// What a module proxy says about a version.
pub(super) const INFO: SizeLimit = SizeLimit::new(".info", LARGEST_INFO);
/// The checksum of a module.
pub(super) const ZIP_HASH: SizeLimit = SizeLimit::new(".ziphash", 4 << 10);
/// A record of a checksum database.
pub(super) const SUM_RECORD: SizeLimit = SizeLimit::new("checksum record", 1 << 20);
/// A file of source. The largest in the modules of Redpanda Connect are generated tables of 5 MB.
pub(super) const SOURCE: SizeLimit = SizeLimit::new("source file", 16 << 20);
/// The files of source of one package together.
pub(super) const PACKAGE_SOURCE: SizeLimit = SizeLimit::new("source of a package", 64 << 20);
/// A table that a module has as a file.
pub(super) const TABLE: SizeLimit = SizeLimit::new("table", 1 << 20);

/// Part of every message about something that is too large.
pub(super) const MORE_THAN: &str = "more than the limit of";

/// Whether a build failed because something is too large: it would be as large again.
pub(super) fn is_of_size(failure: &Failure) -> bool {
    failure.message.contains(MORE_THAN)
}

/// Fails if a binary of this size, in bytes, is too large: with class `input` if modules from outside the catalog may
/// be why.
pub(super) fn check_binary(size: u64, limit: Limit<u64>) -> Result<(), Failure> {
    if size <= limit.most() {
        return Ok(());
    }
    let has = format!("The binary has {} MiB,", size.div_ceil(units::MIB));
    Err(too_large_binary(&has, limit))
}

/// The failure of a build whose linker or compiler was stopped as it wrote a larger file. Its size isn't known.
pub(super) fn too_large_to_write(limit: Limit<u64>) -> Failure {
    too_large_binary("The binary, or a compiled package of it, has", limit)
}

fn too_large_binary(what: &str, limit: Limit<u64>) -> Failure {
    let class = if limit.is_of_uncatalogued() {
        FailureClass::Input
    } else {
        FailureClass::Resource
    };
    let (most, whose) = (limit.most() / units::MIB, limit.whose());
    Failure::new(class, format!("{what} {MORE_THAN} {most} MiB{whose}."))
}

/// A kind of file, and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SizeLimit {
    file: &'static str,
    most: u64,
    unit: &'static str,
}

/// A file is larger than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {} has {size} {}, {} {}", .limit.file, .limit.unit, MORE_THAN, .limit.most)]
pub(super) struct TooLarge {
    size: u64,
    limit: SizeLimit,
}

/// Why a file isn't read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// It is missing, or can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl TooLarge {
    /// The failure of a build with this file of `whom`, such as a module and its version.
    pub(super) fn of(self, whom: impl fmt::Display) -> Failure {
        let Self { size, limit } = self;
        let message = format!(
            "The {} of {whom} has {size} {}, {MORE_THAN} {}.",
            limit.file, limit.unit, limit.most
        );
        Failure::new(FailureClass::Input, message)
    }
}

impl SizeLimit {
    const fn new(file: &'static str, most: u64) -> Self {
        Self {
            file,
            most,
            unit: "bytes",
        }
    }

    /// Fails if a file of this size is too large.
    pub(super) fn check(self, size: u64) -> Result<(), TooLarge> {
        if size > self.most {
            return Err(TooLarge { size, limit: self });
        }
        Ok(())
    }

    /// The content of a file. Blocks.
    pub(super) fn read(self, path: &Path) -> Result<Vec<u8>, FileError> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        self.check(size)?;
        let mut bytes = Vec::new();
        // It may grow meanwhile.
        file.take(self.most + 1).read_to_end(&mut bytes)?;
        self.check(bytes.len() as u64)?;
        Ok(bytes)
    }

    /// The same as text, whose bytes that aren't UTF-8 are replaced. Blocks.
    pub(super) fn read_text(self, path: &Path) -> Result<String, FileError> {
        let bytes = self.read(path)?;
        let text = String::from_utf8(bytes);
        Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// The same, in a thread that may block.
    pub(super) async fn read_text_of(self, path: &Path) -> Result<String, FileError> {
        let path = path.to_owned();
        blocking(move || self.read_text(&path)).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_named_above_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("v1.0.0.ziphash");
        fs::write(&file, [b'x'; 4096]).unwrap();
        assert_eq!(ZIP_HASH.read(&file).unwrap().len(), 4096);
        fs::write(&file, [b'x'; 4097]).unwrap();
        let Err(FileError::TooLarge(error)) = ZIP_HASH.read(&file) else {
            panic!("it was read");
        };
        let said = "the .ziphash has 4097 bytes, more than the limit of 4096";
        assert_eq!(error.to_string(), said);
        let failure = error.of("a.example/m v1.0.0");
        assert_eq!(failure.class, FailureClass::Input);
        assert_eq!(
            failure.message,
            "The .ziphash of a.example/m v1.0.0 has 4097 bytes, more than the limit of 4096."
        );
        let missing = ZIP_HASH.read(&folder.path().join("other"));
        assert!(matches!(missing, Err(FileError::Io(_))), "{missing:?}");
    }

    #[test]
    fn an_endless_file_is_read_up_to_its_limit() {
        let endless = ZIP_HASH.read(Path::new("/dev/zero"));
        assert!(matches!(endless, Err(FileError::TooLarge(_))));
    }
}
