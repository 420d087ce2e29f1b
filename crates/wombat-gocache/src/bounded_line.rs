//! Lines of bounded length, in the cache program.

use std::io::{self, BufRead, Read as _};

/// Longest line of `go` or the builder, in bytes. Paths are the longest part of one.
const LONGEST: u64 = 64 << 10;

/// Reads a line with its end. Returns its length in bytes; 0 is the end of the stream. Fails with
/// [`io::ErrorKind::InvalidData`] if it is too long.
pub(super) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    let length = input.take(LONGEST + 1).read_until(b'\n', line)?;
    if length as u64 > LONGEST {
        let problem = format!("a line has more than {LONGEST} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn a_line_without_end_is_no_line() {
        let mut line = Vec::new();
        let mut endless = BufReader::new(io::repeat(b'x'));
        assert!(read_line(&mut endless, &mut line).is_err());
        let mut two = &b"one\ntwo"[..];
        for length in [4, 3, 0] {
            assert_eq!(read_line(&mut two, &mut line).unwrap(), length);
        }
    }
}
