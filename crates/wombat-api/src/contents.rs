//! Caches the contents of binaries that [`wombat_binary`] read.

use std::{
    collections::HashMap,
    fs::File,
    io,
    num::NonZeroUsize,
    sync::{Arc, Weak},
};

use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use wombat_binary::{Contents, ReadError};
use wombat_model::Sha256;

use crate::cache::CachedFile;

/// Binaries whose contents are cached. A list of as many modules as are read has 2 MiB; one of Redpanda Connect has
/// 100 KiB.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// Most binaries that are read at a time. A made-up one may take 130 MiB of memory, and a processor for a second.
const READERS: usize = 2;

/// What a binary was found to contain.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// Its contents.
    Contents(Arc<Contents>),
    /// Why it has none that can be read; that never changes.
    Unreadable(Arc<str>),
}

/// Reads the contents of binaries, each once, and caches them.
pub(crate) struct ContentsReader {
    cache: Arc<Mutex<LruCache<Sha256, Known>>>,
    /// Binaries that are being read; further requests for one wait for its result.
    reading: Mutex<HashMap<Sha256, Weak<AsyncMutex<()>>>>,
    readers: Arc<Semaphore>,
}

impl ContentsReader {
    pub(crate) fn new() -> Self {
        Self {
            cache: Arc::new(Mutex::new(LruCache::new(CAPACITY))),
            reading: Mutex::default(),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// What is known about the binary with this digest, if it was read before.
    pub(crate) fn known(&self, digest: &Sha256) -> Option<Known> {
        let mut cache = self.cache.lock();
        cache.get(digest).cloned()
    }

    /// Reads the file, which is the binary with this digest. If the client leaves, it is read to the end nevertheless;
    /// until then the file isn't evicted.
    pub(crate) async fn read(&self, digest: Sha256, file: CachedFile) -> io::Result<Known> {
        let (mut file, hold) = file.into_std().await;
        let read = move || read(&mut file);
        self.once(digest, hold, read).await
    }

    /// Calls `read` off the runtime's threads, unless a call before gave a result. `hold` is kept until it ends.
    async fn once(
        &self,
        digest: Sha256,
        hold: impl Send + 'static,
        read: impl FnOnce() -> io::Result<Known> + Send + 'static,
    ) -> io::Result<Known> {
        let turn = self.turn(&digest).lock_owned().await;
        if let Some(known) = self.known(&digest) {
            return Ok(known);
        }
        let permit = self.readers.clone().acquire_owned().await;
        let cache = self.cache.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _held = (turn, permit, hold);
            let known = read()?;
            cache.lock().put(digest, known.clone());
            Ok(known)
        });
        reading.await.map_err(io::Error::other)?
    }

    /// A lock for this binary.
    fn turn(&self, digest: &Sha256) -> Arc<AsyncMutex<()>> {
        let mut reading = self.reading.lock();
        if let Some(turn) = reading.get(digest).and_then(Weak::upgrade) {
            return turn;
        }
        reading.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        reading.insert(digest.clone(), Arc::downgrade(&turn));
        turn
    }
}

fn read(file: &mut File) -> io::Result<Known> {
    match wombat_binary::read(file) {
        Ok(contents) => Ok(Known::Contents(Arc::new(contents))),
        Err(ReadError::Read(error)) => Err(error),
        Err(error @ (ReadError::Unknown(_) | ReadError::TooLarge { .. })) => {
            Ok(Known::Unreadable(format!("{error}.").into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use futures::poll;

    use super::*;

    fn digest(n: u8) -> Sha256 {
        Sha256::from_bytes([n; 32])
    }

    fn unreadable() -> Known {
        Known::Unreadable("no list of modules".into())
    }

    #[tokio::test]
    async fn a_binary_is_read_once_and_holds_up_no_other() {
        let reader = ContentsReader::new();
        let calls = Arc::new(AtomicUsize::new(0));
        let (go_on, wait) = mpsc::channel();
        let count = calls.clone();
        let first = reader.once(digest(1), (), move || {
            count.fetch_add(1, Ordering::Relaxed);
            wait.recv().map_err(io::Error::other)?;
            Ok(unreadable())
        });
        let count = calls.clone();
        let second = reader.once(digest(1), (), move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(unreadable())
        });
        tokio::pin!(first, second);
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        let other = reader.once(digest(2), (), || Ok(unreadable()));
        other.await.unwrap();
        assert!(poll!(&mut second).is_pending());
        go_on.send(()).unwrap();
        for read in [first.await, second.await] {
            assert!(matches!(read, Ok(Known::Unreadable(_))), "{read:?}");
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert!(reader.known(&digest(1)).is_some());
    }

    #[tokio::test]
    async fn a_client_that_leaves_ends_no_reading() {
        let reader = ContentsReader::new();
        let (go_on, wait) = mpsc::channel();
        {
            let first = reader.once(digest(1), (), move || {
                wait.recv().map_err(io::Error::other)?;
                Ok(unreadable())
            });
            tokio::pin!(first);
            assert!(poll!(&mut first).is_pending());
        }
        let second = reader.once(digest(1), (), || Err(io::Error::other("read again")));
        tokio::pin!(second);
        assert!(poll!(&mut second).is_pending());
        go_on.send(()).unwrap();
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn a_disk_that_fails_is_asked_again() {
        let reader = ContentsReader::new();
        let broken = || Err(io::Error::other("a broken disk"));
        assert!(reader.once(digest(1), (), broken).await.is_err());
        let works = || Ok(unreadable());
        assert!(reader.once(digest(1), (), works).await.is_ok());
    }
}
