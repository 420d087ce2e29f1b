//! Finds the two tables in a file of any size without loading all of it. Searching for their magics works for every
//! executable format.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use memchr::memmem::Finder;

use super::{
    format,
    functions::{self, Header},
    module_list::ModuleList,
};

/// Bytes to search at once.
const CHUNK: usize = 1 << 20;
/// A table's beginning may cross the border of two chunks.
const OVERLAP: usize = 128;
/// Size limit of the function table: more than the largest binary that can be built here needs, where it is a third of
/// the size.
const TABLE: u64 = 128 << 20;
/// Most lists of modules to try; a binary may contain the magic as data.
const TRIES: usize = 16;

/// The tables of a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) size: u64,
    pub(super) modules: Option<ModuleList>,
    /// Where the function table begins, and its header.
    pub(super) functions: Option<(u64, Header)>,
    /// Whether there is a function table with too many functions, as its header says.
    pub(super) too_many_functions: bool,
}

/// Searches a file.
pub(super) fn find(file: &mut File) -> io::Result<Found> {
    let mut found = Found {
        size: file.metadata()?.len(),
        ..Found::default()
    };
    let magics = [format::MAGIC, &functions::MAGICS[0], &functions::MAGICS[1]].map(Finder::new);
    let (mut chunk, mut bytes) = (Vec::new(), Vec::new());
    let (mut start, mut tries) = (0, 0);
    loop {
        read(file, start, CHUNK as u64, &mut chunk)?;
        for (place, magic) in magics.iter().enumerate() {
            for at in magic.find_iter(&chunk) {
                let begin = start + at as u64;
                // The linker aligns both.
                if place > 0 {
                    if begin.is_multiple_of(8) {
                        found.consider(begin, &chunk[at..]);
                    }
                } else if found.modules.is_none()
                    && begin.is_multiple_of(format::ALIGNMENT as u64)
                    && tries < TRIES
                {
                    tries += 1;
                    read(file, begin, format::LARGEST, &mut bytes)?;
                    found.modules = ModuleList::read(&bytes);
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

impl Found {
    /// Takes the function table that begins here, if it is larger than the one so far: a forged one is smaller than the
    /// runtime's own. A header that crosses the end of a chunk is whole in the next one.
    fn consider(&mut self, begin: u64, bytes: &[u8]) {
        let Some(header) = Header::read(bytes) else {
            return;
        };
        if !header.fits(TABLE.min(self.size.saturating_sub(begin))) {
            return;
        }
        if header.count > functions::MOST {
            self.too_many_functions = true;
            return;
        }
        let best = self.functions.as_ref().map_or(0, |(_, best)| best.count);
        if header.count > best {
            self.functions = Some((begin, header));
        }
    }

    /// The bytes of the function table that was found, as far as they are needed.
    pub(super) fn table(
        &self,
        file: &mut File,
        (begin, header): (u64, &Header),
    ) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let (list, length) = header.list();
        read(file, begin.saturating_add(list), length, &mut bytes)?;
        let size = TABLE
            .min(self.size.saturating_sub(begin))
            .min(header.used(&bytes).max(list.saturating_add(length)));
        // Known beforehand: growing would take twice as much.
        bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        read(file, begin, size, &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads up to `most` bytes from `start`.
pub(super) fn read(file: &mut File, start: u64, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    file.seek(SeekFrom::Start(start))?;
    file.by_ref().take(most).read_to_end(bytes)?;
    Ok(())
}
