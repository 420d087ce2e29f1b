//! How a result is stored for the fleet: compressed, in one message, or in several if it is large.
//!
//! The first message is `<version> <output> <size> <parts> <digest>` and as many compressed bytes as fit. The keys of
//! the other parts contain the digest of all compressed bytes, so that equal uploads have equal parts and different
//! ones never mix.

use std::io;

use sha2::Digest as _;

use super::id::{ActionId, OutputId};

/// To be raised when entries of today can't be read any more.
const VERSION: u8 = 1;
const HEAD: usize = 1 + 32 + 8 + 4 + 16;
/// Most further messages of a result, and its largest size in bytes. The largest results of compilers have a fifth of
/// this; an entry that claims more would only take memory and disk.
const MOST_PARTS: u32 = 4096;
pub(super) const LARGEST: u64 = 256 << 20;
/// zstd level. Results are compressed once and decompressed often, so a little more than the minimum pays off.
const EFFORT: i32 = 3;

/// The key of an action's first message.
pub(super) fn key(action: &ActionId) -> String {
    format!("entry.{action}")
}

/// The key of another part.
pub(super) fn part_key(digest: &[u8; 16], part: u32) -> String {
    format!("part.{}.{part}", hex::encode(digest))
}

/// A result, ready to be stored.
#[derive(Debug)]
pub(super) struct Packed {
    /// Key and content of each message but the first.
    pub(super) parts: Vec<(String, Vec<u8>)>,
    /// The first message. Stored last, so that all parts exist once it does.
    pub(super) first: Vec<u8>,
}

impl Packed {
    pub(super) fn bytes(&self) -> usize {
        self.first.len() + self.parts.iter().map(|(_, part)| part.len()).sum::<usize>()
    }
}

/// Compresses a result into messages of at most `largest` bytes.
pub(super) fn pack(output: OutputId, body: &[u8], largest: usize) -> io::Result<Packed> {
    let packed = zstd::bulk::compress(body, EFFORT)?;
    let digest = digest(&packed);
    let (inline, rest) = packed.split_at(packed.len().min(largest.saturating_sub(HEAD)));
    let parts: Vec<&[u8]> = rest.chunks(largest.max(1)).collect();
    let count = u32::try_from(parts.len()).map_err(io::Error::other)?;
    let mut first = Vec::with_capacity(HEAD + inline.len());
    first.push(VERSION);
    first.extend(output.as_bytes());
    first.extend((body.len() as u64).to_le_bytes());
    first.extend(count.to_le_bytes());
    first.extend(digest);
    first.extend(inline);
    Ok(Packed {
        parts: (0..count)
            .zip(parts)
            .map(|(number, part)| (part_key(&digest, number), part.to_vec()))
            .collect(),
        first,
    })
}

fn digest(packed: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&sha2::Sha256::digest(packed)[..16]);
    short
}

/// The fields of the first message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) output: OutputId,
    pub(super) size: u64,
    pub(super) parts: u32,
    pub(super) digest: [u8; 16],
}

impl Head {
    /// Parses the first message into its fields and the compressed bytes in it. `None` if it isn't an entry.
    pub(super) fn read(first: &[u8]) -> Option<(Self, &[u8])> {
        let (version, rest) = first.split_first()?;
        let (output, rest) = rest.split_first_chunk::<32>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (parts, rest) = rest.split_first_chunk::<4>()?;
        let (digest, rest) = rest.split_first_chunk::<16>()?;
        let head = Self {
            output: OutputId::from_bytes(*output),
            size: u64::from_le_bytes(*size),
            parts: u32::from_le_bytes(*parts),
            digest: *digest,
        };
        let fits = head.parts <= MOST_PARTS && head.size <= LARGEST;
        (*version == VERSION && fits).then_some((head, rest))
    }

    /// Most bytes of all parts together: what can't be compressed grows a little.
    pub(super) fn most_packed(&self) -> u64 {
        self.size + self.size / 128 + 1024
    }

    /// The keys of the other parts, in order.
    pub(super) fn part_keys(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.parts).map(|part| part_key(&self.digest, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::output_of;

    #[test]
    fn large_results_are_parted_and_come_together_again() {
        // Not compressible, so that it needs more than one part.
        let body: Vec<u8> = (0..4000_u32)
            .flat_map(|n| sha2::Sha256::digest(n.to_le_bytes()))
            .collect();
        let packed = pack(output_of(&body), &body, 50_000).unwrap();
        assert_eq!(packed.parts.len(), 2);
        assert!(packed.bytes() > body.len());
        let (head, inline) = Head::read(&packed.first).unwrap();
        assert_eq!(
            (head.output, head.size),
            (output_of(&body), body.len() as u64)
        );
        assert!(
            head.part_keys()
                .eq(packed.parts.iter().map(|(key, _)| key.clone()))
        );
        let mut whole = inline.to_vec();
        whole.extend(packed.parts.iter().flat_map(|(_, part)| part.clone()));
        assert_eq!(zstd::stream::decode_all(&whole[..]).unwrap(), body);
    }

    #[test]
    fn what_is_no_entry_is_told() {
        assert_eq!(Head::read(b""), None);
        assert_eq!(Head::read(&[VERSION; HEAD - 1]), None);
        let mut other = pack(output_of(b"x"), b"x", 1000).unwrap().first;
        other[0] = 9;
        assert_eq!(Head::read(&other), None);
    }

    #[test]
    fn what_claims_to_be_enormous_is_no_entry() {
        let first = pack(output_of(b"x"), b"x", 1000).unwrap().first;
        for (place, number) in [(33, LARGEST + 1), (41, u64::from(MOST_PARTS) + 1)] {
            let mut other = first.clone();
            let width = if place == 33 { 8 } else { 4 };
            other[place..place + width].copy_from_slice(&number.to_le_bytes()[..width]);
            assert_eq!(Head::read(&other), None, "{place}");
        }
    }
}
