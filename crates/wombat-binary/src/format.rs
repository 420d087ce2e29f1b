//! The format of build information: `debug/buildinfo` of Go 1.18 and later.
//!
//! 16 bytes of magic, pointer size and flags, 16 unused bytes, then two strings with their lengths in front: the Go
//! release, and lines of words between tabs with 16 bytes around them.

pub(super) const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The linker aligns it.
pub(super) const ALIGNMENT: usize = 16;
/// Size limit; none is as large.
pub(super) const LARGEST: u64 = 1 << 20;
/// Where the strings begin.
const STRINGS: usize = 32;
/// Set if the strings follow directly, as in every release that is built here.
const INLINE: u8 = 2;
/// Bytes before and after the lines.
const SENTINEL: usize = 16;

/// The Go release, such as `go1.26.8`, and the lines, in bytes that begin with the magic.
pub(super) fn strings(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let flags = *bytes.get(MAGIC.len() + 1)?;
    if !bytes.starts_with(MAGIC) || flags & INLINE == 0 {
        return None;
    }
    let (go, rest) = text(bytes.get(STRINGS..)?)?;
    let (lines, _) = text(rest)?;
    let lines = lines.get(SENTINEL..lines.len().checked_sub(SENTINEL)?)?;
    Some((std::str::from_utf8(go).ok()?, lines))
}

/// A string after its length (a varint), and the bytes that follow.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length: usize = 0;
    for (place, byte) in bytes.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let rest = &bytes[place + 1..];
            return Some((rest.get(..length)?, &rest[length..]));
        }
    }
    None
}
