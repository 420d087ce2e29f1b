//! What is remembered, and what of it goes when it becomes too much.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use lru::LruCache;
use serde::Deserialize;
use wombat_model::{Blocklist, BuildKey, ModulePath, ModuleVersion};

use crate::catalog::Snapshot;

/// Bytes of questions and answers that are remembered, about.
const LIMIT: usize = 32 * 1024 * 1024;
/// What an entry takes beside its bytes.
const ENTRY: usize = 256;
/// Longer questions aren't remembered: few repeat them, and many of them would displace everything else.
const LONGEST_QUESTION: usize = 8 * 1024;

/// The right to remember an answer, handed out before the record is read. It is void once the record changed.
#[derive(Debug)]
pub(crate) struct Ticket(u64);

/// What is known of a record: nothing while it is being read.
struct Known {
    ticket: u64,
    answer: Option<Bytes>,
}

/// The build that a question names.
struct Named {
    key: BuildKey,
    /// The blocklist that blocks none of the build's modules.
    permitted_by: Arc<Blocklist>,
}

/// Questions and the builds that they name, and the answers for these builds.
pub(super) struct Memory {
    questions: LruCache<Box<[u8]>, Named>,
    /// The questions were resolved with its releases and Go releases.
    catalog: Arc<Snapshot>,
    records: LruCache<BuildKey, Known>,
    bytes: usize,
    tickets: u64,
    /// Whether every change is heard of.
    open: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            questions: LruCache::unbounded(),
            catalog: Arc::default(),
            records: LruCache::unbounded(),
            bytes: 0,
            tickets: 0,
            open: false,
        }
    }
}

impl Memory {
    pub(super) fn repeated(&mut self, question: &[u8], catalog: &Arc<Snapshot>) -> Option<Bytes> {
        if !self.open || !self.catalog.resolves_like(catalog) {
            return None;
        }
        let named = self.questions.get_mut(question)?;
        let answer = self.records.get(&named.key)?.answer.clone()?;
        if !Arc::ptr_eq(&named.permitted_by, catalog.blocklist()) {
            if !permits(catalog.blocklist(), &answer) {
                return None;
            }
            named.permitted_by = Arc::clone(catalog.blocklist());
        }
        Some(answer)
    }

    pub(super) fn known(&mut self, key: &BuildKey) -> Option<Bytes> {
        self.records.get(key)?.answer.clone()
    }

    pub(super) fn expect(&mut self, key: &BuildKey) -> Option<Ticket> {
        if !self.open {
            return None;
        }
        if let Some(known) = self.records.get(key) {
            return Some(Ticket(known.ticket));
        }
        self.tickets += 1;
        let known = Known {
            ticket: self.tickets,
            answer: None,
        };
        self.bytes += ENTRY;
        self.records.put(key.clone(), known);
        self.make_room();
        Some(Ticket(self.tickets))
    }

    pub(super) fn remember_answer(&mut self, key: &BuildKey, ticket: &Ticket, answer: Bytes) {
        if let Some(known) = self.records.peek_mut(key)
            && known.ticket == ticket.0
            && known.answer.is_none()
        {
            self.bytes += answer.len();
            known.answer = Some(answer);
            self.make_room();
        }
    }

    pub(super) fn remember_question(
        &mut self,
        question: &[u8],
        catalog: &Arc<Snapshot>,
        key: &BuildKey,
    ) {
        if question.len() > LONGEST_QUESTION {
            return;
        }
        if !self.catalog.resolves_like(catalog) {
            let known = self.questions.iter().map(|(question, _)| question.len());
            self.bytes -= known.map(|length| length + ENTRY).sum::<usize>();
            self.questions.clear();
            self.catalog = Arc::clone(catalog);
        }
        let named = Named {
            key: key.clone(),
            permitted_by: Arc::clone(catalog.blocklist()),
        };
        if self.questions.put(question.into(), named).is_none() {
            self.bytes += question.len() + ENTRY;
        }
        self.make_room();
    }

    /// The record, or its binary, isn't what it was.
    pub(super) fn forget(&mut self, key: &BuildKey) {
        if let Some(known) = self.records.pop(key) {
            self.bytes -= size(&known);
        }
    }

    /// From here on every change is heard of.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// Changes may be missed: nothing that was known holds any more.
    pub(super) fn close(&mut self) {
        // Tickets go on being counted, so that none from before is taken for one from after.
        *self = Self {
            tickets: self.tickets,
            ..Self::default()
        };
    }

    fn make_room(&mut self) {
        while self.bytes > LIMIT {
            // Of the two the question is what is cheaper to find again.
            if let Some((question, _)) = self.questions.pop_lru() {
                self.bytes -= question.len() + ENTRY;
            }
            if let Some((_, known)) = self.records.pop_lru() {
                self.bytes -= size(&known);
            }
        }
    }
}

/// Whether none of the modules that an answer names is blocked.
fn permits(blocklist: &Blocklist, answer: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Modules {
        modules: BTreeMap<ModulePath, ModuleVersion>,
    }
    serde_json::from_slice::<Modules>(answer).is_ok_and(|answer| {
        let mut modules = answer.modules.iter();
        !modules.any(|(module, version)| blocklist.find(module, version).is_some())
    })
}

fn size(known: &Known) -> usize {
    ENTRY + known.answer.as_ref().map_or(0, Bytes::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn key(n: usize) -> BuildKey {
        format!("build.linux.amd64.1_26_8.{n:064x}")
            .parse()
            .unwrap()
    }

    fn open() -> (Memory, Arc<Snapshot>) {
        let mut memory = Memory::default();
        memory.open();
        (memory, Arc::new(fixture::catalog()))
    }

    #[test]
    fn a_repeat_is_answered_until_the_record_changes() {
        let (mut memory, catalog) = open();
        let ticket = memory.expect(&key(1)).unwrap();
        assert_eq!(memory.known(&key(1)), None, "not read yet");
        memory.remember_answer(&key(1), &ticket, "one".into());
        memory.remember_question(b"q", &catalog, &key(1));
        assert_eq!(memory.repeated(b"q", &catalog), Some("one".into()));
        assert_eq!(memory.repeated(b"r", &catalog), None);
        memory.forget(&key(1));
        assert_eq!(memory.repeated(b"q", &catalog), None);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (mut memory, _) = open();
        let early = memory.expect(&key(1)).unwrap();
        memory.forget(&key(1));
        memory.remember_answer(&key(1), &early, "old".into());
        assert_eq!(memory.known(&key(1)), None);
        let late = memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &early, "old".into());
        assert_eq!(memory.known(&key(1)), None);
        memory.close();
        memory.open();
        memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &late, "old".into());
        assert_eq!(
            memory.known(&key(1)),
            None,
            "changes were missed in between"
        );
    }

    #[test]
    fn another_catalog_may_mean_another_build() {
        let (mut memory, catalog) = open();
        let ticket = memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &ticket, "one".into());
        memory.remember_question(b"q", &catalog, &key(1));
        let newer = Arc::new(fixture::catalog());
        assert_eq!(memory.repeated(b"q", &newer), None);
        memory.remember_question(b"other", &newer, &key(1));
        assert_eq!(memory.repeated(b"q", &newer), None);
        assert_eq!(memory.repeated(b"other", &newer), Some("one".into()));
        let go = Arc::new(Snapshot::clone(&newer).with_go(Arc::default(), None));
        assert_eq!(memory.repeated(b"other", &go), None, "other Go releases");
        memory.remember_question(b"other", &go, &key(1));
        assert_eq!(memory.repeated(b"other", &go), Some("one".into()));
    }

    #[test]
    fn a_blocklist_voids_only_what_it_blocks() {
        let (mut memory, catalog) = open();
        for (n, module) in [(1, "a.b/c"), (2, "d.e/f")] {
            let ticket = memory.expect(&key(n)).unwrap();
            let answer = format!(r#"{{"modules":{{"{module}":"v1.2.3"}}}}"#);
            memory.remember_answer(&key(n), &ticket, answer.into());
            memory.remember_question(module.as_bytes(), &catalog, &key(n));
        }
        let with = |list: &str| {
            let list = Arc::new(serde_json::from_str(list).unwrap());
            Arc::new(Snapshot::clone(&catalog).blocking(list, 9))
        };
        let blocking = with(r#"[{"module": "a.b/*"}]"#);
        assert_eq!(memory.repeated(b"a.b/c", &blocking), None);
        assert!(memory.repeated(b"d.e/f", &blocking).is_some());
        assert!(memory.repeated(b"a.b/c", &with("[]")).is_some());
    }

    #[test]
    fn what_is_learned_of_a_release_voids_nothing() {
        let (mut memory, catalog) = open();
        let ticket = memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &ticket, r#"{"modules":{}}"#.into());
        memory.remember_question(b"q", &catalog, &key(1));
        let learned = Arc::new(Snapshot::clone(&catalog).documented(Arc::default()));
        assert!(memory.repeated(b"q", &learned).is_some());
    }

    #[test]
    fn nothing_is_remembered_while_changes_are_not_heard_of() {
        let mut memory = Memory::default();
        assert!(memory.expect(&key(1)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_counted_to_the_byte() {
        let (mut memory, catalog) = open();
        for n in 0..20_000 {
            let ticket = memory.expect(&key(n)).unwrap();
            memory.remember_answer(&key(n), &ticket, vec![0; 4000].into());
            memory.remember_question(format!("question {n}").as_bytes(), &catalog, &key(n));
        }
        assert!(memory.bytes <= LIMIT);
        assert!(memory.known(&key(19_999)).is_some() && memory.known(&key(0)).is_none());
        for n in 0..20_000 {
            memory.forget(&key(n));
        }
        memory.remember_question(b"", &Arc::default(), &key(0));
        assert_eq!(memory.bytes, ENTRY);
    }
}
