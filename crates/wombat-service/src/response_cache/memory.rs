//! What is remembered, and what of it goes when it becomes too much.

use std::sync::Arc;

use bytes::Bytes;
use lru::LruCache;
use wombat_model::{Blocklist, BuildKey};

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
    answer: Option<Answer>,
}

/// An answer, which says what this blocklist blocks of the build.
struct Answer {
    bytes: Bytes,
    compared_with: Arc<Blocklist>,
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
        let named = self.questions.get(question)?;
        if !Arc::ptr_eq(&named.permitted_by, catalog.blocklist()) {
            return None;
        }
        let key = named.key.clone();
        self.known(&key, catalog.blocklist())
    }

    pub(super) fn known(&mut self, key: &BuildKey, blocklist: &Arc<Blocklist>) -> Option<Bytes> {
        let answer = self.records.get(key)?.answer.as_ref()?;
        Arc::ptr_eq(&answer.compared_with, blocklist).then(|| answer.bytes.clone())
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

    pub(super) fn remember_answer(
        &mut self,
        key: &BuildKey,
        ticket: &Ticket,
        bytes: Bytes,
        compared_with: &Arc<Blocklist>,
    ) {
        if let Some(known) = self.records.peek_mut(key)
            && known.ticket == ticket.0
        {
            self.bytes -= size(known);
            known.answer = Some(Answer {
                bytes,
                compared_with: Arc::clone(compared_with),
            });
            self.bytes += size(known);
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

fn size(known: &Known) -> usize {
    ENTRY + known.answer.as_ref().map_or(0, |answer| answer.bytes.len())
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
        assert_eq!(
            memory.known(&key(1), catalog.blocklist()),
            None,
            "not read yet"
        );
        memory.remember_answer(&key(1), &ticket, "one".into(), catalog.blocklist());
        memory.remember_question(b"q", &catalog, &key(1));
        assert_eq!(memory.repeated(b"q", &catalog), Some("one".into()));
        assert_eq!(memory.repeated(b"r", &catalog), None);
        memory.forget(&key(1));
        assert_eq!(memory.repeated(b"q", &catalog), None);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (mut memory, catalog) = open();
        let early = memory.expect(&key(1)).unwrap();
        memory.forget(&key(1));
        memory.remember_answer(&key(1), &early, "old".into(), catalog.blocklist());
        assert_eq!(memory.known(&key(1), catalog.blocklist()), None);
        let late = memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &early, "old".into(), catalog.blocklist());
        assert_eq!(memory.known(&key(1), catalog.blocklist()), None);
        memory.close();
        memory.open();
        memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &late, "old".into(), catalog.blocklist());
        assert_eq!(
            memory.known(&key(1), catalog.blocklist()),
            None,
            "changes were missed in between"
        );
    }

    #[test]
    fn another_catalog_may_mean_another_build() {
        let (mut memory, catalog) = open();
        let ticket = memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &ticket, "one".into(), catalog.blocklist());
        memory.remember_question(b"q", &catalog, &key(1));
        let list = Arc::clone(catalog.blocklist());
        let newer = Arc::new(fixture::catalog().blocking(list, 0));
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
    fn another_blocklist_has_answers_compared_again() {
        let (mut memory, catalog) = open();
        let ticket = memory.expect(&key(1)).unwrap();
        memory.remember_answer(&key(1), &ticket, "one".into(), catalog.blocklist());
        memory.remember_question(b"q", &catalog, &key(1));
        let list = serde_json::from_str(r#"[{"module": "a.b/*"}]"#).unwrap();
        let other = Arc::new(Snapshot::clone(&catalog).blocking(Arc::new(list), 9));
        assert_eq!(memory.repeated(b"q", &other), None);
        assert_eq!(memory.known(&key(1), other.blocklist()), None);
        assert!(memory.known(&key(1), catalog.blocklist()).is_some());
        // The record is the same, and what the list blocks of it is told with it.
        memory.remember_answer(&key(1), &ticket, "blocked".into(), other.blocklist());
        assert_eq!(memory.repeated(b"q", &other), None, "not resolved again");
        memory.remember_question(b"q", &other, &key(1));
        assert_eq!(memory.repeated(b"q", &other), Some("blocked".into()));
        memory.forget(&key(1));
        assert_eq!(memory.bytes, ENTRY + 1);
    }

    #[test]
    fn what_is_learned_of_a_release_voids_nothing() {
        let (mut memory, catalog) = open();
        let ticket = memory.expect(&key(1)).unwrap();
        memory.remember_answer(
            &key(1),
            &ticket,
            r#"{"modules":{}}"#.into(),
            catalog.blocklist(),
        );
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
            memory.remember_answer(&key(n), &ticket, vec![0; 4000].into(), catalog.blocklist());
            memory.remember_question(format!("question {n}").as_bytes(), &catalog, &key(n));
        }
        assert!(memory.bytes <= LIMIT);
        assert!(
            memory.known(&key(19_999), catalog.blocklist()).is_some()
                && memory.known(&key(0), catalog.blocklist()).is_none()
        );
        for n in 0..20_000 {
            memory.forget(&key(n));
        }
        memory.remember_question(b"", &Arc::default(), &key(0));
        assert_eq!(memory.bytes, ENTRY);
    }
}
