//! The end of a module's archive: whether it is there, and how many files it lists.
//!
//! `go` believes neither the number of files nor the size of their list, so the list itself is read.

use std::io;

use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _, BufReader, SeekFrom},
};

/// Most files in a module's archive. The largest modules that are known have a third of this; `go`, and whoever checks
/// a module, holds the names of all files in memory.
pub const MOST_FILES: usize = 200_000;

/// The end record, without a comment.
const END: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
/// The record that tells where the end record of large archives is; it comes right before the other one.
const LOCATOR: usize = 20;
/// The end record of large archives.
const LARGE_END: usize = 56;
/// An entry of the list, without its texts.
const ENTRY: usize = 46;

/// What an archive looks like from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArchiveEnd {
    /// It has an end.
    Whole,
    /// It ends too early.
    CutOff,
    /// It lists more than [`MOST_FILES`].
    TooManyFiles,
}

/// Reads the end of an archive.
pub(super) async fn end_of(file: &mut File) -> io::Result<ArchiveEnd> {
    let size = file.metadata().await?.len();
    let longest = (END + LONGEST_COMMENT + LOCATOR) as u64;
    let tail = read(file, size.saturating_sub(longest), longest).await?;
    let Some(at) = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06") else {
        return Ok(ArchiveEnd::CutOff);
    };
    let Some(mut start) = number(&tail, at + 16, 4) else {
        return Ok(ArchiveEnd::CutOff);
    };
    let locator = at.checked_sub(LOCATOR).and_then(|at| tail.get(at..));
    if let Some(locator) = locator.filter(|bytes| bytes.starts_with(b"PK\x06\x07")) {
        let place = number(locator, 8, 8).unwrap_or_default().min(size);
        let large = read(file, place, LARGE_END as u64).await?;
        start = number(&large, 48, 8).unwrap_or(start);
    }
    if lists_too_many(file, start.min(size)).await? {
        return Ok(ArchiveEnd::TooManyFiles);
    }
    Ok(ArchiveEnd::Whole)
}

/// Whether the list of files that begins here is too long. It ends where no entry follows.
async fn lists_too_many(file: &mut File, start: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(start)).await?;
    let mut list = BufReader::with_capacity(1 << 20, file);
    let mut entry = [0; ENTRY];
    for _ in 0..=MOST_FILES {
        match list.read_exact(&mut entry).await {
            Ok(_) if entry.starts_with(b"PK\x01\x02") => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        let texts = [28, 30, 32].map(|at| number(&entry, at, 2).unwrap_or_default());
        let texts = texts.iter().sum();
        tokio::io::copy_buf(&mut (&mut list).take(texts), &mut tokio::io::sink()).await?;
    }
    Ok(true)
}

/// Up to `most` bytes from `start`.
async fn read(file: &mut File, start: u64, most: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start)).await?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// A little-endian number.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.get(..width)?.iter().rev();
    Some(bytes.fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// An archive with this many empty files, of which its end tells another number.
    async fn archive(files: usize) -> File {
        let mut entry = b"PK\x01\x02".to_vec();
        entry.resize(ENTRY, 0);
        entry[28] = 5;
        entry.extend(b"a/b/c");
        let mut end = b"PK\x05\x06".to_vec();
        end.resize(END, 0);
        end[8..10].copy_from_slice(&7_u16.to_le_bytes());
        end[16] = 4;
        let mut file = File::from_std(tempfile::tempfile().unwrap());
        file.write_all(b"head").await.unwrap();
        file.write_all(&entry.repeat(files)).await.unwrap();
        file.write_all(&end).await.unwrap();
        file.flush().await.unwrap();
        file
    }

    #[tokio::test]
    async fn files_are_counted_whatever_the_end_says() {
        for (files, end) in [
            (0, ArchiveEnd::Whole),
            (3, ArchiveEnd::Whole),
            (MOST_FILES, ArchiveEnd::Whole),
            (MOST_FILES + 1, ArchiveEnd::TooManyFiles),
        ] {
            let found = end_of(&mut archive(files).await).await.unwrap();
            assert_eq!(found, end, "{files}");
        }
    }

    #[tokio::test]
    async fn an_archive_that_ends_too_early_is_told() {
        let file = archive(3).await;
        let size = file.metadata().await.unwrap().len();
        file.set_len(size - END as u64).await.unwrap();
        let mut file = file;
        assert_eq!(end_of(&mut file).await.unwrap(), ArchiveEnd::CutOff);
    }
}
