//! Caches the contents of binaries that [`wombat_binary`] read.

use std::{io, num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use wombat_binary::{Contents, ReadError};
use wombat_model::Sha256;

use crate::cache::CachedFile;

/// Binaries whose contents are cached.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

type ContentsCache = Arc<Mutex<LruCache<Sha256, Arc<Contents>>>>;

/// Reads the contents of binaries, one at a time, and caches them.
pub(crate) struct ContentsReader {
    cache: ContentsCache,
    turn: Arc<Semaphore>,
}

impl ContentsReader {
    pub(crate) fn new() -> Self {
        Self {
            cache: Arc::new(Mutex::new(LruCache::new(CAPACITY))),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// The contents of the binary with this digest, if they were read before.
    pub(crate) fn cached(&self, digest: &Sha256) -> Option<Arc<Contents>> {
        let mut cache = self.cache.lock();
        cache.get(digest).cloned()
    }

    /// Reads the file, which is the binary with this digest. If the client leaves, it is read to the end nevertheless; until
    /// then the file isn't evicted, and no other is read.
    pub(crate) async fn read(
        &self,
        digest: Sha256,
        file: CachedFile,
    ) -> Result<Arc<Contents>, ReadError> {
        let turn = self.turn.clone().acquire_owned().await;
        if let Some(contents) = self.cached(&digest) {
            return Ok(contents);
        }
        let cache = self.cache.clone();
        let (mut file, hold) = file.into_std().await;
        let reading = tokio::task::spawn_blocking(move || {
            let _held = (turn, hold);
            let contents = Arc::new(wombat_binary::read(&mut file)?);
            let mut cache = cache.lock();
            cache.put(digest, contents.clone());
            Ok(contents)
        });
        reading.await.map_err(io::Error::other)?
    }
}
