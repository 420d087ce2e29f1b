//! Where the index lies: in a folder of this instance, or in memory where the folder can't be used.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use serde::{Deserialize, Serialize};
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term, Warmer,
};
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};
use wombat_store::Revision;

use super::{schema, values::Values};

/// Memory of the writer, in bytes. More makes fewer segments while everything is read anew.
const WRITER_MEMORY: usize = 128 * 1024 * 1024;
/// After this deletions may have been forgotten by the bucket, whose markers live for seven days.
const LONGEST_ABSENCE: Duration = Duration::days(6);

/// How far an index got, kept with each of its commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stand {
    schema: u32,
    /// The bucket: when it was made.
    pub(super) created: i128,
    /// Its last revision that is in the index.
    pub(super) revision: u64,
    /// The catalog that components were taken from.
    pub(super) catalog: u64,
    /// Seconds since 1970.
    written: i64,
}

impl Stand {
    pub(super) fn now(created: i128, revision: u64, catalog: u64) -> Self {
        Self {
            schema: schema::VERSION,
            created,
            revision,
            catalog,
            written: OffsetDateTime::now_utc().unix_timestamp(),
        }
    }

    /// Whether the index can go on from here.
    pub(super) fn fits(&self, created: i128, last: Revision, catalog: u64) -> bool {
        let absence = OffsetDateTime::now_utc().unix_timestamp() - self.written;
        self.schema == schema::VERSION
            && self.created == created
            && self.revision <= last.get()
            && self.catalog == catalog
            && (0..LONGEST_ABSENCE.whole_seconds()).contains(&absence)
    }
}

/// An index that can be written and read.
pub(super) struct Storage {
    writer: Arc<Mutex<IndexWriter>>,
    pub(super) reader: IndexReader,
    /// Of the segments that the reader reads.
    pub(super) values: Arc<Values>,
    /// `None`: it is empty.
    pub(super) stand: Option<Stand>,
    /// Held for as long as the folder is ours.
    _lock: Option<File>,
}

/// Opens the index of this folder, made anew where it is damaged; in memory where the folder can't be used. Blocks.
pub(super) fn open(state_dir: &Path) -> Result<Storage, TantivyError> {
    match lock(state_dir) {
        Ok((folder, lock)) => {
            let is_first = std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_none());
            let found = std::panic::catch_unwind(|| open_folder(&folder));
            match found {
                Ok(Ok(storage)) => return Ok(storage.locked_by(lock)),
                Ok(Err(_)) if is_first => {}
                Ok(Err(error)) => {
                    warn!(%error, "the index of builds can't be used and is made anew");
                }
                Err(_) => warn!("the index of builds is damaged and is made anew"),
            }
            match create_in_folder(&folder) {
                Ok(storage) => return Ok(storage.locked_by(lock)),
                Err(error) => warn!(%error, "the index of builds is kept in memory"),
            }
        }
        Err(problem) => warn!(problem, "the index of builds is kept in memory"),
    }
    Storage::of(&Index::create_in_ram(schema::schema()))
}

/// The folder, ours alone.
fn lock(state_dir: &Path) -> Result<(PathBuf, File), String> {
    let folder = state_dir.join("index");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = state_dir.join("index.lock");
    let file = File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok((folder, file)),
        Err(TryLockError::WouldBlock) => Err(format!("another instance uses {}", folder.display())),
        Err(TryLockError::Error(error)) => Err(format!("{}: {error}", path.display())),
    }
}

fn open_folder(folder: &Path) -> Result<Storage, TantivyError> {
    let index = Index::open_in_dir(folder)?;
    if index.schema() != schema::schema() {
        return Err(TantivyError::SchemaError(
            "it is of another version".to_owned(),
        ));
    }
    let damaged = index.validate_checksum()?;
    if !damaged.is_empty() {
        return Err(TantivyError::InternalError(format!(
            "damaged files: {damaged:?}"
        )));
    }
    Storage::of(&index)
}

fn create_in_folder(folder: &Path) -> Result<Storage, TantivyError> {
    std::fs::remove_dir_all(folder)?;
    std::fs::create_dir_all(folder)?;
    info!(folder = %folder.display(), "making the index of builds");
    Storage::of(&Index::create_in_dir(folder, schema::schema())?)
}

impl Storage {
    fn of(index: &Index) -> Result<Self, TantivyError> {
        schema::register_tokenizers(index);
        let stand = index
            .load_metas()?
            .payload
            .and_then(|payload| serde_json::from_str(&payload).ok());
        let values = Arc::new(Values::default());
        let warmer: Weak<dyn Warmer> = Arc::<Values>::downgrade(&values);
        Ok(Self {
            writer: Arc::new(Mutex::new(index.writer_with_num_threads(1, WRITER_MEMORY)?)),
            reader: index
                .reader_builder()
                .reload_policy(ReloadPolicy::Manual)
                .warmers(vec![warmer])
                .try_into()?,
            values,
            stand,
            _lock: None,
        })
    }

    fn locked_by(self, lock: File) -> Self {
        Self {
            _lock: Some(lock),
            ..self
        }
    }

    /// Adds a document that isn't there yet.
    pub(super) fn add(&self, document: TantivyDocument) -> Result<(), TantivyError> {
        lock_writer(&self.writer).add_document(document).map(drop)
    }

    /// Puts a document in place of the one that `id` names.
    pub(super) fn replace(&self, id: Term, document: TantivyDocument) -> Result<(), TantivyError> {
        let writer = lock_writer(&self.writer);
        writer.delete_term(id);
        writer.add_document(document)?;
        Ok(())
    }

    /// Removes the document that `id` names.
    pub(super) fn remove(&self, id: Term) {
        lock_writer(&self.writer).delete_term(id);
    }

    /// Removes everything.
    pub(super) fn clear(&self) -> Result<(), TantivyError> {
        lock_writer(&self.writer).delete_all_documents()?;
        Ok(())
    }

    /// Makes everything written so far durable and searchable.
    pub(super) async fn commit(&self, stand: &Stand) -> anyhow::Result<()> {
        let payload = serde_json::to_string(stand)?;
        let (writer, reader) = (Arc::clone(&self.writer), self.reader.clone());
        let committed = tokio::task::spawn_blocking(move || {
            let mut writer = lock_writer(&writer);
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&payload);
            commit.commit()?;
            reader.reload()
        });
        Ok(committed.await??)
    }
}

/// A panic while it was held ends in another start with a new writer; until then its state doesn't matter.
fn lock_writer(writer: &Mutex<IndexWriter>) -> MutexGuard<'_, IndexWriter> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}
