//! Unpacks results of the fleet into the local folder, as many at a time as there are processors.
//!
//! Thousands arrive at once, most of them small: a thread, a buffer and a decoder for each would cost more than the
//! work.
//!
//! Executables are refused. `go build` stores none, but it would take one for the result of the linker.

use std::{
    cell::RefCell,
    io::{self, Read as _},
    num::NonZeroUsize,
    sync::Arc,
    thread,
};

use bytes::Bytes;
use tokio::{sync::Semaphore, task::spawn_blocking};
use tracing::debug;

use super::{
    entry::Head,
    id::ActionId,
    local::{Found, LocalCache},
};

/// How executables begin: ELF, PE, and Mach-O in either byte order and width.
const EXECUTABLES: [&[u8]; 6] = [
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
];
/// Bytes of the longest of these.
const MAGIC: usize = 4;

/// Results up to this size are unpacked in a reused buffer, larger ones as a stream.
const SMALL: u64 = 1024 * 1024;

thread_local! {
    static UNPACKER: RefCell<Option<Unpacker>> = const { RefCell::new(None) };
}

/// All messages of a result.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) action: ActionId,
    pub(super) first: Bytes,
    pub(super) parts: Vec<Bytes>,
}

impl Arrived {
    /// A result that has one message.
    pub(super) fn whole(action: ActionId, first: Bytes) -> Self {
        Self {
            action,
            first,
            parts: Vec::new(),
        }
    }
}

/// Unpacks results on a limited number of threads.
#[derive(Clone, Debug)]
pub(super) struct Unpacking {
    shared: LocalCache,
    processors: Arc<Semaphore>,
}

impl Unpacking {
    /// Unpacks into this folder.
    pub(super) fn new(shared: LocalCache) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            shared,
            processors: Arc::new(Semaphore::new(processors)),
        }
    }

    /// Unpacks these; returns those that were intact.
    pub(super) async fn run(&self, results: Vec<Arrived>) -> Vec<(ActionId, Found)> {
        if results.is_empty() {
            return Vec::new();
        }
        let Ok(_permit) = self.processors.acquire().await else {
            return Vec::new();
        };
        let shared = self.shared.clone();
        let unpacked = spawn_blocking(move || {
            let unpack = |arrived: Arrived| {
                let action = arrived.action;
                // A damaged result counts as missing.
                UNPACKER
                    .with_borrow_mut(|unpacker| Unpacker::of(unpacker)?.unpack(&shared, &arrived))
                    .inspect_err(
                        |error| debug!(%action, %error, "can't unpack a result of the fleet"),
                    )
                    .ok()
                    .map(|found| (action, found))
            };
            results.into_iter().filter_map(unpack).collect()
        });
        unpacked.await.unwrap_or_default()
    }
}

/// Buffers that are reused for the next result.
struct Unpacker {
    decompressor: zstd::bulk::Decompressor<'static>,
    body: Vec<u8>,
}

impl Unpacker {
    fn of(slot: &mut Option<Self>) -> io::Result<&mut Self> {
        if slot.is_none() {
            *slot = Some(Self {
                decompressor: zstd::bulk::Decompressor::new()?,
                body: Vec::new(),
            });
        }
        slot.as_mut()
            .ok_or_else(|| io::Error::other("it was just made"))
    }

    fn unpack(&mut self, shared: &LocalCache, arrived: &Arrived) -> io::Result<Found> {
        let (head, inline) = Head::read(&arrived.first)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a cache entry"))?;
        let (action, output, size) = (&arrived.action, head.output, head.size);
        if size <= SMALL && arrived.parts.is_empty() {
            self.body.clear();
            self.body
                .reserve(usize::try_from(size).map_err(io::Error::other)?);
            self.decompressor
                .decompress_to_buffer(inline, &mut self.body)?;
            refuse_executable(&self.body)?;
            return shared.put(action, output, size, &mut &self.body[..]);
        }
        let whole: Box<dyn io::Read + Send + '_> = arrived.parts.iter().fold(
            Box::new(inline) as Box<dyn io::Read + Send>,
            |whole, part| Box::new(whole.chain(&part[..])),
        );
        // A result that is larger than it claims must not fill the disk.
        let mut body = zstd::stream::Decoder::new(whole)?.take(size.saturating_add(1));
        let mut head = Vec::with_capacity(MAGIC);
        body.by_ref().take(MAGIC as u64).read_to_end(&mut head)?;
        refuse_executable(&head)?;
        shared.put(action, output, size, &mut (&head[..]).chain(body))
    }
}

fn refuse_executable(body: &[u8]) -> io::Result<()> {
    if EXECUTABLES.iter().any(|magic| body.starts_with(magic)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "an executable isn't a compiler's result",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use sha2::Digest as _;

    use super::*;
    use crate::{
        entry::{Packed, pack},
        local::tests::{action, output_of},
    };

    fn arrived(n: u8, body: &[u8], largest: usize) -> Arrived {
        let Packed { parts, first } = pack(output_of(body), body, largest).unwrap();
        Arrived {
            action: action(n),
            first: first.into(),
            parts: parts.into_iter().map(|(_, part)| part.into()).collect(),
        }
    }

    #[tokio::test]
    async fn results_of_all_sizes_come_out_as_they_were_and_damaged_ones_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let unpacking = Unpacking::new(LocalCache::new(folder.path()));
        // Not compressible.
        let noise = |count: u32| -> Vec<u8> {
            let numbers = (0..count).flat_map(|n| sha2::Sha256::digest(n.to_le_bytes()));
            numbers.collect()
        };
        let bodies = [vec![], b"small".to_vec(), noise(1000), noise(40_000)];
        let mut results: Vec<Arrived> = (0..)
            .zip(&bodies)
            .map(|(n, body)| arrived(n, body, 1 << 20))
            .collect();
        assert!(!results[3].parts.is_empty(), "the last one has parts");
        let mut damaged = arrived(8, b"damaged", 1 << 20);
        let mut first = damaged.first.to_vec();
        *first.last_mut().unwrap() ^= 1;
        damaged.first = first.into();
        let mut other = arrived(9, b"other", 1 << 20);
        // As if it were the result of something else.
        other.first = [&other.first[..1], &[7; 32], &other.first[33..]]
            .concat()
            .into();
        results.insert(1, damaged);
        results.push(other);
        let found = unpacking.run(results).await;
        assert_eq!(found.len(), bodies.len());
        for ((n, body), (named, found)) in (0..).zip(&bodies).zip(&found) {
            assert_eq!(*named, action(n));
            assert_eq!(std::fs::read(&found.path).unwrap(), *body);
        }
    }

    #[tokio::test]
    async fn what_claims_another_size_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path());
        let unpacking = Unpacking::new(cache.clone());
        let body = vec![0; 100_000];
        for size in [1_u64, 99_999, 100_001, SMALL + 1, u64::MAX] {
            let mut arrived = arrived(1, &body, 1 << 20);
            let mut first = arrived.first.to_vec();
            first[33..41].copy_from_slice(&size.to_le_bytes());
            arrived.first = first.into();
            assert!(unpacking.run(vec![arrived]).await.is_empty(), "{size}");
            assert_eq!(cache.find(&action(1)), None);
        }
    }

    #[tokio::test]
    async fn no_executable_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path());
        let unpacking = Unpacking::new(cache.clone());
        let long = usize::try_from(SMALL).unwrap() + 1;
        for magic in EXECUTABLES {
            for length in [magic.len(), 100, long] {
                let mut body = magic.to_vec();
                body.resize(length, b'x');
                let found = unpacking.run(vec![arrived(1, &body, 1 << 20)]).await;
                assert!(found.is_empty(), "{magic:?} {length}");
            }
        }
        let text = unpacking.run(vec![arrived(1, b"!<arch>\n", 1 << 20)]).await;
        assert_eq!(text.len(), 1);
    }
}
