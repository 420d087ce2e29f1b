//! Finds the two tables in a file of any size without holding all of it: formats of executables differ, the tables don't.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use memchr::memmem::Finder;

use super::{
    build_info::{self, BuildInfo},
    functions::{self, Table},
};

/// Bytes that are looked through at once.
const CHUNK: usize = 1 << 20;
/// A beginning may lie across the border of two chunks.
const OVERLAP: usize = 64;
/// More than any list of modules takes.
const LIST: u64 = 1 << 20;
/// More than the table of the largest binary that can be built here takes: a third of its bytes.
const TABLE: u64 = 128 << 20;
/// Beginnings that turn out to be none; a binary can hold the magics as data.
const TRIES: usize = 16;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) size: u64,
    pub(super) build_info: Option<BuildInfo>,
    /// From the table's first byte on.
    pub(super) functions: Option<Vec<u8>>,
}

/// Looks through a file.
pub(super) fn find(file: &mut File) -> io::Result<Found> {
    let mut found = Found {
        size: file.metadata()?.len(),
        ..Found::default()
    };
    let magics = [
        build_info::MAGIC,
        &functions::MAGICS[0],
        &functions::MAGICS[1],
    ]
    .map(Finder::new);
    let (mut chunk, mut start, mut tries) = (Vec::with_capacity(CHUNK), 0, 0);
    loop {
        read(file, start, CHUNK as u64, &mut chunk)?;
        for (place, magic) in magics.iter().enumerate() {
            for at in magic.find_iter(&chunk) {
                let (is_list, begin) = (place == 0, start + at as u64);
                // The linker puts both where numbers can be read.
                let fits = if is_list {
                    found.build_info.is_none() && begin.is_multiple_of(16)
                } else {
                    begin.is_multiple_of(8) && chunk.get(at..at + 8).is_some_and(Table::can_begin)
                };
                if !fits || tries == TRIES {
                    continue;
                }
                tries += 1;
                let mut bytes = Vec::new();
                read(file, begin, if is_list { LIST } else { TABLE }, &mut bytes)?;
                if is_list {
                    found.build_info = BuildInfo::read(&bytes);
                } else {
                    // What somebody made up is smaller than what the runtime needs.
                    let functions =
                        |bytes: &[u8]| Table::read(bytes).map_or(0, |table| table.len());
                    let best = found.functions.as_deref().map_or(0, functions);
                    if functions(&bytes) > best {
                        found.functions = Some(bytes);
                    }
                }
            }
        }
        if chunk.len() < CHUNK {
            break;
        }
        start += (CHUNK - OVERLAP) as u64;
    }
    Ok(found)
}

/// Up to so many bytes from a place on.
fn read(file: &mut File, start: u64, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    file.seek(SeekFrom::Start(start))?;
    file.by_ref().take(most).read_to_end(bytes)?;
    Ok(())
}
