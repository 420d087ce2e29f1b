//! The gateway's disk isn't trusted: files of its cache that are changed, cut or removed.

use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256 as Hasher};
use wombat_model::BuildKey;
use wombat_store::{Connection, Store};
use wombat_testkit::{NatsServer, a_spec};

use crate::support::{Api, Options, artifact_path, finished, header, some_bytes};

/// What happens to a file of the cache.
type Change = dyn Fn(&Path) -> anyhow::Result<()>;

/// More than sockets hold, so that a client can be served half of it.
const LARGE: usize = 24_000_000;

pub(crate) struct Bed {
    _server: NatsServer,
    pub(crate) connection: Connection,
    pub(crate) store: Store,
    pub(crate) api: Api,
}

impl Bed {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> anyhow::Result<Self> {
        let server = NatsServer::start()?;
        let (connection, store) = Box::pin(server.store()).await?;
        let api = Box::pin(Api::with(&server.url(), options)).await?;
        Ok(Self {
            _server: server,
            connection,
            store,
            api,
        })
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.api.directory.join("artifact-cache")
    }

    /// The only file of the cache.
    pub(crate) fn file(&self) -> anyhow::Result<PathBuf> {
        let mut files = fs::read_dir(self.folder())?;
        let file = files.next().context("a file")??.path();
        anyhow::ensure!(files.next().is_none(), "one file");
        Ok(file)
    }

    /// Downloads whole, by HEAD and in a part; all is as it should be.
    pub(crate) async fn is_right(&self, key: &BuildKey, bytes: &[u8]) -> anyhow::Result<()> {
        let path = artifact_path(key);
        let digest = format!("\"{}\"", hex::encode(Hasher::digest(bytes)));
        let whole = self.api.get(&path).send().await?;
        assert_eq!(whole.status(), StatusCode::OK);
        assert_eq!(header(&whole, "etag"), digest);
        assert!(whole.bytes().await? == bytes, "other bytes");
        let head = self.api.request(Method::HEAD, &path).send().await?;
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(header(&head, "etag"), digest);
        assert_eq!(header(&head, "content-length"), bytes.len().to_string());
        let (first, last) = (bytes.len() / 3, bytes.len() / 2);
        let range = format!("bytes={first}-{last}");
        let part = self.api.get(&path).header("Range", range).send().await?;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(header(&part, "etag"), digest);
        assert!(part.bytes().await? == bytes[first..=last], "another part");
        Ok(())
    }
}

fn flip(path: &Path, at: u64) -> anyhow::Result<()> {
    let mut file = fs::File::options().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    byte[0] ^= 1;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&byte)?;
    Ok(())
}

fn cut(path: &Path, size: u64) -> anyhow::Result<()> {
    fs::File::options().write(true).open(path)?.set_len(size)?;
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_changed_is_fetched_anew() -> anyhow::Result<()> {
    let bed = Bed::start().await?;
    let bytes = some_bytes(1_500_000, 1);
    let key = finished(&bed.store, &a_spec().build(), &bytes).await?;
    bed.is_right(&key, &bytes).await?;
    let changes: [&Change; 6] = [
        &|path| flip(path, 700_000),
        &|path| cut(path, 700_000),
        &|path| cut(path, 0),
        &|path| Ok(fs::remove_file(path)?),
        &|path| {
            // The size is right again, and the end is zeros.
            cut(path, 700_000)?;
            cut(path, 1_500_000)
        },
        &|path| {
            // The time is right, too.
            let times = fs::FileTimes::new().set_modified(path.metadata()?.modified()?);
            flip(path, 1_499_999)?;
            Ok(fs::File::options()
                .write(true)
                .open(path)?
                .set_times(times)?)
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        change(&bed.file()?)?;
        bed.is_right(&key, &bytes)
            .await
            .with_context(|| format!("change {n}"))?;
        assert!(fs::read(bed.file()?)? == bytes, "the file is right again");
    }
    Ok(())
}

#[tokio::test]
async fn a_part_of_a_file_that_was_changed_is_right() -> anyhow::Result<()> {
    let bed = Bed::start().await?;
    let bytes = some_bytes(1_500_000, 1);
    let key = finished(&bed.store, &a_spec().build(), &bytes).await?;
    bed.is_right(&key, &bytes).await?;
    for at in [1000, 1_400_000] {
        flip(&bed.file()?, at)?;
        let request = bed.api.get(&artifact_path(&key));
        let part = request.header("Range", "bytes=1000-1999").send().await?;
        assert!(part.bytes().await? == bytes[1000..2000]);
        assert!(fs::read(bed.file()?)? == bytes, "the file is right again");
    }
    Ok(())
}

/// A file that is cut or changed behind what was sent breaks the transfer; after that it is fetched again.
#[tokio::test]
async fn a_file_that_is_changed_while_it_is_served_breaks_the_transfer() -> anyhow::Result<()> {
    const NEAR_THE_END: u64 = LARGE as u64 - 10;
    let bed = Bed::start().await?;
    let bytes = some_bytes(LARGE, 2);
    let key = finished(&bed.store, &a_spec().build(), &bytes).await?;
    bed.is_right(&key, &bytes).await?;
    let changes: [&Change; 2] = [&|path| cut(path, NEAR_THE_END), &|path| {
        flip(path, NEAR_THE_END)
    }];
    for change in changes {
        let mut answer = bed.api.get(&artifact_path(&key)).send().await?;
        assert_eq!(answer.status(), StatusCode::OK);
        let mut received = answer.chunk().await?.context("a chunk")?.to_vec();
        change(&bed.file()?)?;
        let broken = loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => received.extend_from_slice(&chunk),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(broken, "it ended well with {} bytes", received.len());
        assert!(received.len() < LARGE && bytes.starts_with(&received));
        bed.is_right(&key, &bytes).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_that_was_deleted_is_made_again() -> anyhow::Result<()> {
    let bed = Bed::start().await?;
    let bytes = some_bytes(1_500_000, 3);
    let key = finished(&bed.store, &a_spec().build(), &bytes).await?;
    bed.is_right(&key, &bytes).await?;
    fs::remove_dir_all(bed.folder())?;
    bed.is_right(&key, &bytes).await?;
    assert!(fs::read(bed.file()?)? == bytes);
    Ok(())
}
