//! Stores the index in a folder of this instance, or in memory if the folder can't be used.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term, Warmer,
    indexer::UserOperation,
};
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};
use wombat_store::Revision;

use super::{schema, values::Values};

/// Memory of the writer, in bytes. More makes fewer segments while all records are read.
const WRITER_MEMORY: usize = 128 * 1024 * 1024;
/// Age at which an index is rebuilt: the bucket may have dropped markers of removals, which live for seven days.
const LONGEST_ABSENCE: Duration = Duration::days(6);

/// How far an index got, stored with each of its commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    schema: u32,
    /// Creation time of the bucket.
    pub(super) created: i128,
    /// Last revision of the bucket that is in the index.
    pub(super) revision: u64,
    /// Revision of the catalog that components were taken from.
    pub(super) catalog: u64,
    /// Time of the commit by the server's clock, in seconds since 1970.
    written: i64,
    /// Keys of the bucket without a document; `None`: too many to store, or an index of another version.
    #[serde(default)]
    pub(super) absent: Option<Vec<String>>,
}

impl Checkpoint {
    pub(super) fn new(
        created: i128,
        revision: u64,
        catalog: u64,
        absent: Option<Vec<String>>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            schema: schema::VERSION,
            created,
            revision,
            catalog,
            written: now.unix_timestamp(),
            absent,
        }
    }

    /// Why the index can't be continued from here.
    pub(super) fn obstacle(
        &self,
        created: i128,
        last: Revision,
        catalog: u64,
        now: OffsetDateTime,
    ) -> Option<&'static str> {
        let absence = now.unix_timestamp() - self.written;
        if self.schema != schema::VERSION {
            Some("another version of the program wrote it")
        } else if self.created != created || self.revision > last.get() {
            Some("it belongs to another bucket")
        } else if self.catalog != catalog {
            Some("the catalog changed")
        } else if !(-LONGEST_ABSENCE.whole_seconds()..LONGEST_ABSENCE.whole_seconds())
            .contains(&absence)
        {
            Some("it is too old: it may lack removals")
        } else {
            None
        }
    }
}

/// An index that can be written and read.
pub(super) struct Storage {
    writer: Arc<Mutex<IndexWriter>>,
    pub(super) reader: IndexReader,
    /// Values of the segments that the reader uses.
    pub(super) values: Arc<Values>,
    /// `None`: it is empty.
    pub(super) checkpoint: Option<Checkpoint>,
    /// Held while this instance uses the folder. `None`: the index is in memory.
    folder_lock: Option<File>,
}

/// Where to open the index, after earlier failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StorageMode {
    /// In the folder: continue its index, or rebuild a damaged one.
    Folder,
    /// In the folder, rebuilt after a failed write, which also frees room.
    FolderAnew,
    /// In memory: the folder can't be written.
    Memory,
}

/// Opens the index of this folder, or one in memory if the folder can't be used. Blocks.
pub(super) fn open(state_dir: &Path, mode: StorageMode) -> Result<Storage, TantivyError> {
    let problem = match lock(state_dir) {
        _ if mode == StorageMode::Memory => "the folder can't be written".to_owned(),
        Ok((folder, lock)) => match open_or_create(&folder, mode) {
            Ok(storage) => return Ok(storage.locked_by(lock)),
            Err(error) => error.to_string(),
        },
        Err(problem) => problem,
    };
    warn!(problem, "the index of builds is kept in memory");
    Storage::of(&Index::create_in_ram(schema::schema()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn open_or_create(folder: &Path, mode: StorageMode) -> Result<Storage, TantivyError> {
    let is_first = std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_none());
    if mode == StorageMode::Folder && !is_first {
        match std::panic::catch_unwind(|| open_folder(folder)) {
            Ok(Ok(storage)) => return Ok(storage),
            Ok(Err(error)) => warn!(%error, "the index of builds can't be used and is rebuilt"),
            Err(_) => warn!("the index of builds is damaged and is rebuilt"),
        }
    }
    create_in_folder(folder)
}

/// Creates the folder and locks it for this instance.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
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
            "its schema is of another version".to_owned(),
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

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn create_in_folder(folder: &Path) -> Result<Storage, TantivyError> {
    std::fs::remove_dir_all(folder)?;
    std::fs::create_dir_all(folder)?;
    info!(folder = %folder.display(), "creating the index of builds");
    Storage::of(&Index::create_in_dir(folder, schema::schema())?)
}

impl Storage {
    fn of(index: &Index) -> Result<Self, TantivyError> {
        schema::register_tokenizers(index);
        let checkpoint = index
            .load_metas()?
            .payload
            .and_then(|payload| serde_json::from_str(&payload).ok());
        let writer = index.writer_with_num_threads(1, WRITER_MEMORY)?;
        use_up_first_stamp(&writer)?;
        // An interrupted commit leaves files whose names the next one may need.
        writer.garbage_collect_files().wait()?;
        let values = Arc::new(Values::default());
        let warmer: Weak<dyn Warmer> = Arc::<Values>::downgrade(&values);
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            reader: index
                .reader_builder()
                .reload_policy(ReloadPolicy::Manual)
                .warmers(vec![warmer])
                .try_into()?,
            values,
            checkpoint,
            folder_lock: None,
        })
    }

    fn locked_by(self, lock: File) -> Self {
        Self {
            folder_lock: Some(lock),
            ..self
        }
    }

    /// Whether the index is in memory because the folder can't be used.
    pub(super) fn is_in_memory(&self) -> bool {
        self.folder_lock.is_none()
    }

    /// Adds a document that isn't in the index yet.
    pub(super) fn add(&self, document: TantivyDocument) -> Result<(), TantivyError> {
        self.writer.lock().add_document(document).map(drop)
    }

    /// Replaces the document that `id` identifies.
    pub(super) fn replace(&self, id: Term, document: TantivyDocument) -> Result<(), TantivyError> {
        let writer = self.writer.lock();
        writer.delete_term(id);
        writer.add_document(document)?;
        Ok(())
    }

    /// Removes the document that `id` identifies.
    pub(super) fn remove(&self, id: Term) {
        self.writer.lock().delete_term(id);
    }

    /// Removes all documents, also uncommitted ones. After an error the index is unusable.
    pub(super) async fn clear(&self) -> anyhow::Result<()> {
        let writer = Arc::clone(&self.writer);
        let cleared = tokio::task::spawn_blocking(move || {
            let mut writer = writer.lock();
            // Deleting all documents alone would leave those on their way into a segment, and would reset the stamps
            // that later deletions need.
            writer.rollback()?;
            writer.delete_all_documents()?;
            use_up_first_stamp(&writer)
        });
        Ok(cleared.await??)
    }

    /// Makes all changes durable and searchable.
    pub(super) async fn commit(&self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let payload = serde_json::to_string(checkpoint)?;
        let (writer, reader) = (Arc::clone(&self.writer), self.reader.clone());
        let committed = tokio::task::spawn_blocking(move || {
            let mut writer = writer.lock();
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&payload);
            commit.commit()?;
            reader.reload()
        });
        Ok(committed.await??)
    }
}

/// A new or cleared writer would give its first operation the stamp of the last commit. A merge of committed segments
/// would then take that operation for already applied, and the document of a first deletion would stay for ever (see
/// `docs/decisions/0028-index-stamps.md`). An empty group takes a stamp and does nothing.
fn use_up_first_stamp(writer: &IndexWriter) -> Result<(), TantivyError> {
    writer.run(Vec::<UserOperation>::new()).map(drop)
}

#[cfg(test)]
mod tests;
