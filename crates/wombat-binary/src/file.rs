//! Finds the two tables in a file of any size without loading all of it. Searching for their magics works for every
//! executable format.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use memchr::memmem::Finder;

use super::{
    format,
    functions::{self, Table},
    module_list::ModuleList,
};

/// Bytes to search at once.
const CHUNK: usize = 1 << 20;
/// A table's beginning may cross the border of two chunks.
const OVERLAP: usize = 64;
/// Size limit of the function table: more than the largest binary that can be built here needs, where it is a third of
/// the size.
const TABLE: u64 = 128 << 20;
/// Most beginnings to try; a binary may contain the magics as data.
const TRIES: usize = 16;

/// The tables of a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) size: u64,
    pub(super) modules: Option<ModuleList>,
    /// The bytes from the start of the function table.
    pub(super) functions: Option<Vec<u8>>,
}

/// Searches a file.
pub(super) fn find(file: &mut File) -> io::Result<Found> {
    let mut found = Found {
        size: file.metadata()?.len(),
        ..Found::default()
    };
    let magics = [format::MAGIC, &functions::MAGICS[0], &functions::MAGICS[1]].map(Finder::new);
    let (mut chunk, mut start, mut tries) = (Vec::with_capacity(CHUNK), 0, 0);
    loop {
        read(file, start, CHUNK as u64, &mut chunk)?;
        for (place, magic) in magics.iter().enumerate() {
            for at in magic.find_iter(&chunk) {
                let (is_list, begin) = (place == 0, start + at as u64);
                // The linker aligns both.
                let fits = if is_list {
                    found.modules.is_none() && begin.is_multiple_of(format::ALIGNMENT as u64)
                } else {
                    begin.is_multiple_of(8) && chunk.get(at..at + 8).is_some_and(Table::can_begin)
                };
                if !fits || tries == TRIES {
                    continue;
                }
                tries += 1;
                let mut bytes = Vec::new();
                read(
                    file,
                    begin,
                    if is_list { format::LARGEST } else { TABLE },
                    &mut bytes,
                )?;
                if is_list {
                    found.modules = ModuleList::read(&bytes);
                } else {
                    // The largest table wins: a forged one is smaller than the runtime's own.
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

/// Reads up to `most` bytes from `start`.
pub(super) fn read(file: &mut File, start: u64, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    file.seek(SeekFrom::Start(start))?;
    file.by_ref().take(most).read_to_end(bytes)?;
    Ok(())
}
