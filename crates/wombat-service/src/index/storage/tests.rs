#![expect(clippy::disallowed_methods, reason = "tests may block")]

use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use tantivy::{indexer::NoMergePolicy, schema::Value as _};
use time::OffsetDateTime;
use wombat_model::{Build, wire::BuildView};
use wombat_testkit::a_spec;

use super::*;
use crate::catalog::Snapshot;

/// The record of a numbered build, at a revision.
fn view(number: usize, revision: u64) -> BuildView {
    let spec = a_spec().package(&format!("p{number}")).build();
    BuildView::of(Build::new(spec, 1, OffsetDateTime::UNIX_EPOCH), revision)
}

fn document(number: usize, revision: u64) -> (Term, TantivyDocument) {
    let (view, fields) = (view(number, revision), schema::fields());
    let document = fields.document(&view, &Snapshot::default()).unwrap();
    (fields.id(&view.id), document)
}

fn checkpoint(revision: u64) -> Checkpoint {
    Checkpoint::new(1, revision, 1, None, OffsetDateTime::now_utc())
}

/// The revisions of each build that a search finds.
fn listed(index: &Index) -> BTreeMap<String, Vec<u64>> {
    let field = index.schema().get_field("_open").unwrap();
    let searcher = index.reader().unwrap().searcher();
    let mut listed: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for reader in searcher.segment_readers() {
        let store = reader.get_store_reader(1).unwrap();
        for document in store.iter::<TantivyDocument>(reader.alive_bitset()) {
            let document = document.unwrap();
            let text = document.get_first(field).and_then(|value| value.as_str());
            let view: BuildView = serde_json::from_str(text.unwrap()).unwrap();
            let revisions = listed.entry(view.id.to_string()).or_default();
            revisions.push(view.revision);
        }
    }
    listed
}

/// Ends the storage after all merges that are due.
fn merged(storage: Storage) -> Index {
    let writer = Arc::into_inner(storage.writer).unwrap();
    let writer = writer.into_inner();
    let index = writer.index().clone();
    writer.wait_merging_threads().unwrap();
    index
}

const SEGMENTS: usize = 8;
/// Builds per segment.
const BUILDS: usize = 4;

/// An index whose segments are due for a merge, because a shutdown interrupted it.
fn unmerged() -> Index {
    let index = Index::create_in_ram(schema::schema());
    schema::register_tokenizers(&index);
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 20_000_000).unwrap();
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for segment in 0..SEGMENTS {
        for number in segment * BUILDS..(segment + 1) * BUILDS {
            writer.add_document(document(number, 1).1).unwrap();
        }
        writer.commit().unwrap();
    }
    // The last commit deleted from a segment.
    let (id, _) = document(0, 1);
    writer.delete_term(id);
    writer.commit().unwrap();
    index
}

/// Merges order segments arbitrarily: without the fix, only an order that begins with the segment of the deletion
/// passes.
#[tokio::test]
async fn what_is_replaced_first_after_a_restart_is_listed_once() {
    for round in 0..6 {
        let index = unmerged();
        let storage = Storage::of(&index).unwrap();
        let (id, replacement) = document(1, 2);
        storage.replace(id, replacement).unwrap();
        storage.commit(&checkpoint(2)).await.unwrap();
        let listed = listed(&merged(storage));
        let id = view(1, 2).id.to_string();
        assert_eq!(listed[&id], [2], "round {round}");
        assert_eq!(listed.len(), SEGMENTS * BUILDS - 1, "round {round}");
    }
}

#[tokio::test]
async fn what_waits_to_be_written_is_cleared_as_well() {
    let index = Index::create_in_ram(schema::schema());
    let storage = Storage::of(&index).unwrap();
    for number in 0..100 {
        storage.add(document(number, 1).1).unwrap();
    }
    storage.clear().await.unwrap();
    for number in 0..3 {
        let (id, document) = document(number, 2);
        storage.replace(id, document).unwrap();
    }
    storage.commit(&checkpoint(2)).await.unwrap();
    let listed = listed(&merged(storage));
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(listed.values().all(|revisions| *revisions == [2]));
}

/// Files of a folder and what they hold.
fn files(folder: &Path) -> HashMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Repeated changes take the same stamps, and so the same file names as those from before the interruption.
#[tokio::test]
async fn a_commit_that_was_cut_off_can_be_made_again() {
    let state = tempfile::tempdir().unwrap();
    let change = async || {
        let storage = open(state.path(), StorageMode::Folder).unwrap();
        let (id, replacement) = document(1, 2);
        storage.replace(id, replacement).unwrap();
        storage.commit(&checkpoint(2)).await.unwrap();
        merged(storage)
    };
    let storage = open(state.path(), StorageMode::Folder).unwrap();
    for number in 0..3 {
        storage.add(document(number, 1).1).unwrap();
    }
    storage.commit(&checkpoint(1)).await.unwrap();
    drop(merged(storage));
    let before = files(&state.path().join("index"));
    drop(change().await);
    // As if the process had ended after the last file but before the commit's own.
    let meta = state.path().join("index/meta.json");
    fs::write(&meta, &before[&meta]).unwrap();
    for (path, content) in &before {
        if !path.exists() {
            fs::write(path, content).unwrap();
        }
    }
    let listed = listed(&change().await);
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[&view(1, 2).id.to_string()], [2]);
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Remove(usize),
    Commit,
    Look,
    /// `true`: with merges; `false`: as if the shutdown interrupted them all.
    Reopen(bool),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..SEGMENTS * BUILDS + 4;
    prop_oneof![
        12 => number.clone().prop_map(Step::Write),
        3 => number.prop_map(Step::Remove),
        6 => Just(Step::Commit),
        1 => Just(Step::Look),
        6 => any::<bool>().prop_map(Step::Reopen),
        1 => Just(Step::Clear),
    ]
}

/// What should be listed: of each build, the newest revision.
type Model = BTreeMap<String, u64>;

async fn holds(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let index = unmerged();
    let mut storage = Storage::of(&index).unwrap();
    let mut written: Model = (1..SEGMENTS * BUILDS)
        .map(|number| (view(number, 1).id.to_string(), 1))
        .collect();
    let mut committed = written.clone();
    for (revision, step) in (2..).zip(steps) {
        match step {
            Step::Write(number) => {
                let (id, document) = document(number, revision);
                storage.replace(id, document).unwrap();
                written.insert(view(number, revision).id.to_string(), revision);
            }
            Step::Remove(number) => {
                storage.remove(document(number, revision).0);
                written.remove(view(number, revision).id.as_str());
            }
            Step::Commit => {
                storage.commit(&checkpoint(revision)).await.unwrap();
                committed.clone_from(&written);
            }
            Step::Look => agree(&index, &committed)?,
            Step::Reopen(merges) => {
                drop(storage);
                storage = Storage::of(&index).unwrap();
                if !merges {
                    let writer = storage.writer.lock();
                    writer.set_merge_policy(Box::new(NoMergePolicy));
                }
                written.clone_from(&committed);
            }
            Step::Clear => {
                storage.clear().await.unwrap();
                written.clear();
            }
        }
    }
    storage.commit(&checkpoint(1000)).await.unwrap();
    agree(&merged(storage), &written)
}

fn agree(index: &Index, model: &Model) -> Result<(), TestCaseError> {
    let expected = model
        .iter()
        .map(|(id, revision)| (id.clone(), vec![*revision]));
    prop_assert_eq!(listed(index), expected.collect());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_build_is_listed_once_at_its_newest_revision(steps in vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(holds(steps))?;
    }
}
