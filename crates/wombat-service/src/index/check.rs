//! Compares the index with the bucket once it has caught up: it must have as many documents as the leader has records,
//! or it is rebuilt. Whatever made it wrong, a build listed twice or not at all doesn't outlive the next start.

use tracing::{debug, error, warn};
use wombat_store::{Builds, Revision, StoreError};

use super::absent::Absent;

/// Most comparisons.
const LOOKS: u32 = 8;
/// Comparisons that must find a difference before a rebuild: a marker may expire between two requests.
const DIFFERENCES: u32 = 3;

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Diff {
    /// As many documents as records.
    Equal,
    /// Records changed meanwhile; the numbers may agree.
    Moved,
    Different {
        documents: u64,
        records: u64,
    },
}

/// What to do after a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The index may answer; `again`: compare again soon nevertheless.
    Answer { again: bool },
    /// The index may not answer before another comparison.
    LookAgain,
    /// The index is wrong and must be rebuilt.
    StartOver,
}

/// Progress of the check of an index.
#[derive(Debug, Default)]
pub(super) struct Check {
    looks: u32,
    differences: u32,
    /// Whether the index was already rebuilt because of a difference.
    made_anew: bool,
    done: bool,
}

impl Check {
    /// Check of an index that is rebuilt because it was wrong.
    pub(super) fn made_anew() -> Self {
        Self {
            made_anew: true,
            ..Self::default()
        }
    }

    /// Whether the check is complete.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Compares once: the index has so many documents, and holds everything up to `revision`.
    pub(super) async fn look(
        &mut self,
        builds: &Builds,
        documents: u64,
        revision: Revision,
        absent: &mut Absent,
    ) -> Next {
        let look = compare(builds, documents, revision, absent).await;
        if matches!(look, Ok(Diff::Different { .. })) {
            absent.doubt();
        }
        self.weigh(look)
    }

    fn weigh(&mut self, look: Result<Diff, StoreError>) -> Next {
        self.looks += 1;
        let is_last = self.looks >= LOOKS;
        match look {
            Ok(Diff::Equal) => self.done = true,
            // An index with a document too many never gets here: later changes only add keys.
            Ok(Diff::Moved) if !is_last => return Next::Answer { again: true },
            Ok(Diff::Moved) => {
                debug!("records change too fast to be counted exactly");
                self.done = true;
            }
            Ok(Diff::Different { .. }) if self.differences + 1 < DIFFERENCES => {
                self.differences += 1;
                return Next::LookAgain;
            }
            Ok(Diff::Different { documents, records }) if self.made_anew => {
                error!(
                    documents,
                    records,
                    "the index of builds still differs from the bucket after a rebuild; lists may be wrong. Please report this"
                );
                self.done = true;
            }
            Ok(Diff::Different { documents, records }) => {
                error!(
                    documents,
                    records, "the index of builds differs from the bucket and is rebuilt"
                );
                return Next::StartOver;
            }
            Err(error) => {
                warn!(%error, "the index of builds can't be compared with the bucket now");
                self.done = is_last;
            }
        }
        Next::Answer { again: false }
    }
}

async fn compare(
    builds: &Builds,
    documents: u64,
    revision: Revision,
    absent: &mut Absent,
) -> Result<Diff, StoreError> {
    let absent = absent.count(builds).await?;
    let count = builds.count_keys().await?;
    let newest = count.before.max(count.after);
    // Each change may have added a key, and none takes one away.
    let moved = newest.get().saturating_sub(revision.get());
    let expected = documents + absent;
    Ok(if !(expected..=expected + moved).contains(&count.keys) {
        Diff::Different {
            documents,
            records: count.keys.saturating_sub(absent),
        }
    } else if moved == 0 {
        Diff::Equal
    } else {
        Diff::Moved
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFFERENT: Diff = Diff::Different {
        documents: 3,
        records: 2,
    };

    #[test]
    fn an_index_that_is_wrong_is_made_anew_once() {
        let mut check = Check::default();
        for _ in 1..DIFFERENCES {
            assert_eq!(check.weigh(Ok(DIFFERENT)), Next::LookAgain);
        }
        assert_eq!(check.weigh(Ok(DIFFERENT)), Next::StartOver);
        let mut check = Check::made_anew();
        let mut looks = 1;
        while check.weigh(Ok(DIFFERENT)) == Next::LookAgain {
            looks += 1;
        }
        assert!(check.is_done());
        assert_eq!(looks, DIFFERENCES);
    }

    #[test]
    fn neither_traffic_nor_silence_keeps_an_index_from_answering() {
        let mut check = Check::default();
        let mut looks = 1;
        while check.weigh(Ok(Diff::Moved)) == (Next::Answer { again: true }) {
            looks += 1;
        }
        assert!(check.is_done());
        assert_eq!(looks, LOOKS);
        let mut check = Check::default();
        let silence = || Err(StoreError::Unavailable("no answer".to_owned()));
        assert_eq!(check.weigh(silence()), Next::Answer { again: false });
        assert!(!check.is_done());
        assert_eq!(check.weigh(Ok(Diff::Equal)), Next::Answer { again: false });
        assert!(check.is_done());
    }
}
