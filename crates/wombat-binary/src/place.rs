//! Where the linker puts build information: in a section of its own in ELF and Mach-O files, at the start of the data
//! in PE files. `go version -m` looks nowhere else.

use std::{fs::File, io};

use memchr::memmem::Finder;

use super::{file, format, functions::number};

/// Bytes at the beginning of a file with the headers of PE and Mach-O files.
const HEAD: u64 = 64 << 10;
/// Size limit of the table of sections and of their names.
const TABLE: u64 = 4 << 20;
/// Bytes to search; the linker puts build information before other data.
const SEARCHED: u64 = 16 << 20;

const ELF_SECTION: &[u8] = b".go.buildinfo\0";
const MACH_O_SECTION: &[u8] = b"__go_buildinfo\0\0";
/// The command of a Mach-O file that describes a segment.
const SEGMENT: usize = 0x19;
const SEGMENT_HEAD: usize = 72;
const MACH_O_ENTRY: usize = 80;
const PE_ENTRY: usize = 40;
/// Flags of a PE section with data that can be written, and those that only say how it is aligned.
const WRITABLE_DATA: usize = 0xc000_0040;
const ALIGNED: usize = 0x0060_0000;

/// A part of a file.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u64,
    size: u64,
}

/// The bytes from the beginning of the build information. `None` if the file has none in a known place.
pub(super) fn read(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    file::read(file, 0, HEAD, &mut head)?;
    let part = match head.get(..4) {
        Some(b"\x7fELF") => elf(file, &head)?,
        Some([b'M', b'Z', ..]) => pe(&head),
        Some(_) | None => mach_o(&head),
    };
    let Some(part) = part else { return Ok(None) };
    let mut bytes = Vec::new();
    file::read(file, part.start, part.size.min(SEARCHED), &mut bytes)?;
    let finder = Finder::new(format::MAGIC);
    let begin = finder
        .find_iter(&bytes)
        .find(|at| at.is_multiple_of(format::ALIGNMENT));
    let Some(begin) = begin else { return Ok(None) };
    bytes.drain(..begin);
    bytes.truncate(usize::try_from(format::LARGEST).unwrap_or(usize::MAX));
    Ok(Some(bytes))
}

/// A field of this width.
fn field(bytes: &[u8], at: usize, width: usize, is_big: bool) -> Option<usize> {
    number(bytes.get(at..)?.get(..width)?, is_big)
}

/// The places of fields, which depend on the width of addresses.
struct ElfLayout {
    word: usize,
    table: usize,
    entry_size: usize,
    start: usize,
    size: usize,
}

const ELF_64: ElfLayout = ElfLayout {
    word: 8,
    table: 40,
    entry_size: 58,
    start: 24,
    size: 32,
};
const ELF_32: ElfLayout = ElfLayout {
    word: 4,
    table: 32,
    entry_size: 46,
    start: 16,
    size: 20,
};

fn elf(file: &mut File, head: &[u8]) -> io::Result<Option<Part>> {
    let (layout, is_big) = match head.get(4..6) {
        Some([2, order]) => (ELF_64, *order == 2),
        Some([1, order]) => (ELF_32, *order == 2),
        Some(_) | None => return Ok(None),
    };
    let short = |at| field(head, at, 2, is_big);
    let counts = || {
        let at = layout.entry_size;
        Some((short(at)?, short(at + 2)?, short(at + 4)?))
    };
    let start = field(head, layout.table, layout.word, is_big);
    let (Some(start), Some((entry, count, names))) = (start, counts()) else {
        return Ok(None);
    };
    let mut table = Vec::new();
    let size = (entry * count) as u64;
    file::read(file, start as u64, size.min(TABLE), &mut table)?;
    let part = |index: usize| {
        let header = table.get(index * entry..)?;
        let word = |at| field(header, at, layout.word, is_big);
        Some(Part {
            start: word(layout.start)? as u64,
            size: word(layout.size)? as u64,
        })
    };
    let Some(texts) = part(names) else {
        return Ok(None);
    };
    let mut names = Vec::new();
    file::read(file, texts.start, texts.size.min(TABLE), &mut names)?;
    let is_it = |index: &usize| {
        let name = field(&table, index * entry, 4, is_big);
        let name = name.and_then(|name| names.get(name..));
        name.is_some_and(|name| name.starts_with(ELF_SECTION))
    };
    Ok((0..count).find(is_it).and_then(part))
}

fn mach_o(head: &[u8]) -> Option<Part> {
    let word = |at| field(head, at, 4, false);
    if word(0)? != 0xfeed_facf {
        return None;
    }
    let mut at = 32;
    for _ in 0..word(16)? {
        if word(at)? == SEGMENT {
            let first = at + SEGMENT_HEAD;
            for section in 0..word(at + SEGMENT_HEAD - 8)? {
                let section = section.checked_mul(MACH_O_ENTRY)?.checked_add(first)?;
                if head.get(section..)?.starts_with(MACH_O_SECTION) {
                    return Some(Part {
                        start: word(section + 48)? as u64,
                        size: field(head, section + 40, 8, false)? as u64,
                    });
                }
            }
        }
        at = at.checked_add(word(at + 4)?.max(1))?;
    }
    None
}

fn pe(head: &[u8]) -> Option<Part> {
    let word = |at| field(head, at, 4, false);
    let header = word(0x3c)?;
    if !head.get(header..)?.starts_with(b"PE\0\0") {
        return None;
    }
    let table = header + 24 + field(head, header + 20, 2, false)?;
    (0..field(head, header + 6, 2, false)?).find_map(|section| {
        let at = table + section * PE_ENTRY;
        let (virtual_size, address) = (word(at + 8)?, word(at + 12)?);
        let (size, start) = (word(at + 16)?, word(at + 20)?);
        let is_it = word(at + 36)? & !ALIGNED == WRITABLE_DATA && address != 0 && size != 0;
        is_it.then_some(Part {
            start: start as u64,
            size: virtual_size.min(size) as u64,
        })
    })
}
