//! The function table that Go's runtime unwinds stacks with: the start and the name of each function.
//!
//! Format: `runtime/symtab.go` of Go 1.20 and later: a header with the offsets of its parts, then for each function the
//! offsets of its code and of its record, and at the end the end of the code.

use std::borrow::Cow;

/// Little and big endian.
pub(super) const MAGICS: [[u8; 6]; 2] = [
    [0xf1, 0xff, 0xff, 0xff, 0, 0],
    [0xff, 0xff, 0xff, 0xf1, 0, 0],
];
/// The largest binaries have a few hundred thousand.
const MOST: usize = 4_000_000;
/// The linker's names of generics can be longer; the package is at the front.
const LONGEST: usize = 1024;

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

impl<'bytes> Table<'bytes> {
    /// Whether a table can begin with these bytes.
    pub(super) fn can_begin(bytes: &[u8]) -> bool {
        matches!(bytes, [.., quantum, pointer] if bytes.len() == 8
            && matches!(quantum, 1 | 2 | 4) && matches!(pointer, 4 | 8))
    }

    /// Parses bytes that begin with a magic.
    pub(super) fn read(bytes: &'bytes [u8]) -> Option<Self> {
        let is_big = bytes.first() == Some(&0xff);
        if !Self::can_begin(bytes.get(..8)?) {
            return None;
        }
        let pointer = usize::from(bytes[7]);
        let word = |n: usize| number(bytes.get(8 + n * pointer..)?.get(..pointer)?, is_big);
        let (count, names, records) = (word(0)?, word(3)?, word(7)?);
        let records = bytes.get(records..)?;
        if count > MOST {
            return None;
        }
        // Two numbers per function, and the end.
        let needed = count.checked_mul(8)?.checked_add(4)?;
        if count == 0 || needed > records.len() {
            return None;
        }
        Some(Self {
            is_big,
            count,
            names: bytes.get(names..)?,
            records,
        })
    }

    /// Number of functions.
    pub(super) fn len(&self) -> usize {
        self.count
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
        let length = memchr::memchr(0, name)?;
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
    let plain = name.find(['[', '(']).map_or(name, |end| &name[..end]);
    let last = plain.rfind('/').map_or(0, |slash| slash + 1);
    let end = plain[last..]
        .find('.')
        .map_or(plain.len(), |dot| last + dot);
    unescaped(&plain[..end])
}

/// Decodes `%2e` and the like, which stand for characters with a meaning in names.
fn unescaped(text: &str) -> Cow<'_, str> {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
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
