//! A small ELF file with Go's build information, as a stand-in for a binary that Go linked: `go version -m` reads it.
//!
//! It has a section `.go.buildinfo` and nothing else; what follows the build information doesn't matter.

/// Where the build information begins; the linker aligns it to 16 bytes.
const PLACE: usize = 4096;
/// Size that the headers claim: room for every build information, also where the file is shorter.
const ROOM: u64 = 1 << 20;
/// Where the headers say that it is loaded.
const ADDRESS: u64 = 0x40_0000;
const NAMES: &[u8] = b"\0.shstrtab\0.go.buildinfo\0";
/// Bytes of the headers: of the file, of a segment, and of three sections.
const FILE: usize = 64;
const SEGMENT: usize = 56;
const SECTION: usize = 64;

/// The magic, the size of pointers, and the flag of strings that follow directly.
const MAGIC: &[u8; 16] = b"\xff Go buildinf:\x08\x02";
/// Bytes around the lines: Go's own.
pub(crate) const BEGIN: [u8; 16] =
    *b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";
pub(crate) const END: [u8; 16] =
    *b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";

/// A binary for linux/amd64 that this Go release, such as `go1.26.8`, linked with these lines of build information.
#[must_use]
pub fn go_binary(go: &str, lines: &str) -> Vec<u8> {
    [head(), info(go, lines)].concat()
}

/// Everything before the build information.
pub(crate) fn head() -> Vec<u8> {
    let sections = FILE + SEGMENT;
    let names = sections + 3 * SECTION;
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    // An executable for amd64.
    for half in [2_u16, 62] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(1_u32.to_le_bytes());
    for word in [ADDRESS, FILE as u64, sections as u64] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    // Sizes and counts of the headers, and the section with the names.
    for half in [FILE, SEGMENT, 1, SECTION, 3, 1] {
        bytes.extend(u16::try_from(half).unwrap_or_default().to_le_bytes());
    }
    // A segment that can be read and written.
    for half in [1_u32, 6] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [PLACE as u64, ADDRESS, ADDRESS, ROOM, ROOM, 4096] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.resize(sections + SECTION, 0);
    let mut section = |name: u32, kind: u32, flags: u64, address: u64, start: u64, size: u64| {
        bytes.extend(name.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        for word in [flags, address, start, size, 0, 16, 0] {
            bytes.extend(word.to_le_bytes());
        }
    };
    section(1, 3, 0, 0, names as u64, NAMES.len() as u64);
    section(11, 1, 3, ADDRESS, PLACE as u64, ROOM);
    bytes.extend(NAMES);
    bytes.resize(PLACE, 0);
    bytes
}

/// The part of build information before its strings.
pub(crate) fn info_head() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.resize(32, 0);
    bytes
}

fn info(go: &str, lines: &str) -> Vec<u8> {
    let mut bytes = info_head();
    let framed = [&BEGIN[..], lines.as_bytes(), &END].concat();
    for text in [go.as_bytes(), &framed] {
        // A varint of three bytes, as the shell script writes it.
        let length = text.len();
        let digit = |at: u32| u8::try_from((length >> (7 * at)) & 0x7f).unwrap_or_default();
        bytes.extend([digit(0) | 0x80, digit(1) | 0x80, digit(2)]);
        bytes.extend(text);
    }
    bytes
}

/// Where a program for this machine that Go linked has its build information, and how many bytes that has.
pub(crate) fn place_in(program: &[u8]) -> Option<(usize, usize)> {
    let mut starts = (0..program.len()).step_by(16);
    // Both strings have their lengths in front; that of the Go release takes one byte.
    let start = starts.find(|at| {
        let bytes = &program[*at..];
        bytes.starts_with(MAGIC) && bytes.len() > 33 && bytes[33..].starts_with(b"go")
    })?;
    let go = usize::from(*program.get(start + 32)?);
    let at = start + 33 + go;
    let mut length = 0;
    for digit in 0..3 {
        let byte = *program.get(at + digit)?;
        length |= usize::from(byte & 0x7f) << (7 * digit);
        if byte & 0x80 == 0 {
            return Some((start, at + digit + 1 + length - start));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn go_reads_it() {
        let lines = "path\twombat/binary\nmod\twombat/binary\t(devel)\t\n\
                     dep\ta.example/m\tv1.2.3\th1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
                     build\t-trimpath=true\nbuild\tGOOS=linux\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binary");
        std::fs::write(&path, go_binary("go1.26.8", lines)).unwrap();
        let mut go = Command::new("go");
        let said = go.args(["version", "-m"]).arg(&path).output().unwrap();
        let text = String::from_utf8(said.stdout).unwrap();
        let told: Vec<&str> = text
            .lines()
            .skip(1)
            .map(|line| line.trim_start_matches('\t'))
            .collect();
        let expected: Vec<&str> = lines.lines().collect();
        assert_eq!(told, expected, "{}", String::from_utf8_lossy(&said.stderr));
        assert!(text.contains(": go1.26.8\n"), "{text}");
    }
}
