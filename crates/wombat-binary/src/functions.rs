//! The function table that Go's runtime unwinds stacks with: the start and the name of each function.
//!
//! Format: `runtime/symtab.go` of Go 1.20 and later: a header with the offsets of its parts, then for each function the
//! offsets of its code and of its record, and at the end the end of the code.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memrchr};

/// Little and big endian.
pub(super) const MAGICS: [[u8; 6]; 2] = [
    [0xf1, 0xff, 0xff, 0xff, 0, 0],
    [0xff, 0xff, 0xff, 0xf1, 0, 0],
];
/// Most functions of a binary. One of 700 MB has 550,000.
pub(super) const MOST: usize = 1_000_000;
/// The linker's names of generics can be longer; the package is at the front.
const LONGEST: usize = 1024;

/// Bytes of a function's record that are read: the offsets of its code and of its name.
const RECORD: u64 = 8;
/// Numbers in a header: of functions and of files, the start of the code, and where five parts begin.
const NUMBERS: usize = 8;

/// The header of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    is_big: bool,
    /// Number of functions.
    pub(super) count: usize,
    /// Where the names begin.
    names: usize,
    /// Where the functions begin.
    records: usize,
}

/// A table in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'bytes> {
    is_big: bool,
    count: usize,
    names: &'bytes [u8],
    records: &'bytes [u8],
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function<'bytes> {
    name: &'bytes str,
    /// Bytes of its code, including the padding before the next function.
    pub(super) size: u64,
}

impl Header {
    /// Parses bytes that begin with a magic.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let is_big = bytes.first() == Some(&0xff);
        let (quantum, pointer) = (*bytes.get(6)?, *bytes.get(7)?);
        if !matches!(quantum, 1 | 2 | 4) || !matches!(pointer, 4 | 8) {
            return None;
        }
        let pointer = usize::from(pointer);
        let words = bytes.get(8..8 + NUMBERS * pointer)?;
        let word = |n: usize| number(words.get(n * pointer..)?.get(..pointer)?, is_big);
        Some(Self {
            is_big,
            count: word(0)?,
            names: word(3)?,
            records: word(7)?,
        })
    }

    /// Whether a table of this many bytes can have this header.
    pub(super) fn fits(&self, size: u64) -> bool {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let end = self.needed().and_then(|it| it.checked_add(self.records));
        self.count > 0 && self.names <= size && end.is_some_and(|end| end <= size)
    }

    /// Bytes of the list of functions: two numbers for each, and the end.
    fn needed(&self) -> Option<usize> {
        self.count.checked_mul(8)?.checked_add(4)
    }

    /// Where the list of functions begins in the table, and its length in bytes.
    pub(super) fn list(&self) -> (u64, u64) {
        (self.records as u64, self.needed().unwrap_or(0) as u64)
    }

    /// Bytes of the table up to the record that is furthest in it, by the list of functions. What follows isn't read.
    pub(super) fn used(&self, list: &[u8]) -> u64 {
        let records = list.chunks_exact(8).filter_map(|function| {
            let record = number(&function[4..], self.is_big)?;
            u64::try_from(record).ok()
        });
        let furthest = records.max().unwrap_or(0);
        (self.records as u64)
            .saturating_add(furthest)
            .saturating_add(RECORD)
    }
}

impl<'bytes> Table<'bytes> {
    /// The table with this header, in the bytes that begin with it.
    pub(super) fn new(header: Header, bytes: &'bytes [u8]) -> Option<Self> {
        let Header {
            is_big,
            count,
            names,
            records,
        } = header;
        let records = bytes.get(records..)?;
        if header.needed()? > records.len() {
            return None;
        }
        Some(Self {
            is_big,
            count,
            names: bytes.get(names..)?,
            records,
        })
    }

    /// All functions with valid records.
    pub(super) fn functions(&self) -> impl Iterator<Item = Function<'bytes>> {
        let table = *self;
        (0..table.count).filter_map(move |n| table.function(n))
    }

    fn function(&self, n: usize) -> Option<Function<'bytes>> {
        let (start, record) = (self.at(n * 8)?, self.at(n * 8 + 4)?);
        let end = self.at(n * 8 + 8)?;
        let name = self.at(record.checked_add(4)?)?;
        let name = self.names.get(name..)?;
        let name = &name[..name.len().min(LONGEST)];
        let length = memchr(0, name)?;
        Some(Function {
            name: std::str::from_utf8(&name[..length]).ok()?,
            size: u64::try_from(end.checked_sub(start)?).ok()?,
        })
    }

    fn at(&self, place: usize) -> Option<usize> {
        number(self.records.get(place..)?.get(..4)?, self.is_big)
    }
}

impl<'bytes> Function<'bytes> {
    /// Bytes of its name.
    pub(super) fn name_len(&self) -> usize {
        self.name.len()
    }

    /// The import path of its package: everything before the first dot after the last slash; dots in the path are
    /// escaped.
    pub(super) fn package(&self) -> Cow<'bytes, str> {
        package(self.name)
    }
}

/// See [`Function::package`].
pub(super) fn package(mut name: &str) -> Cow<'_, str> {
    // The compiler generates these for a type of the package.
    for made in ["type:.eq.", "type:.hash.", "go:."] {
        name = name.strip_prefix(made).unwrap_or(name);
    }
    // Type parameters contain paths, too.
    let end = memchr2(b'[', b'(', name.as_bytes());
    let plain = end.map_or(name, |end| &name[..end]);
    let last = memrchr(b'/', plain.as_bytes()).map_or(0, |slash| slash + 1);
    let dot = memchr(b'.', &plain.as_bytes()[last..]);
    let end = dot.map_or(plain.len(), |dot| last + dot);
    unescaped(&plain[..end])
}

/// Decodes `%2e` and the like, which stand for characters with a meaning in names.
fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr(b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default();
    let mut plain = first.to_owned();
    for part in parts {
        match part.get(..2).map(|digits| u8::from_str_radix(digits, 16)) {
            Some(Ok(byte)) => {
                plain.push(char::from(byte));
                plain.push_str(&part[2..]);
            }
            Some(Err(_)) | None => plain.push_str(part),
        }
    }
    Cow::Owned(plain)
}

pub(super) fn number(bytes: &[u8], is_big: bool) -> Option<usize> {
    let fold = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
    let number = if is_big {
        bytes.iter().fold(0, fold)
    } else {
        bytes.iter().rev().fold(0, fold)
    };
    usize::try_from(number).ok()
}
