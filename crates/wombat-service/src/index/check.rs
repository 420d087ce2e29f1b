//! Holds the index against the bucket once it has caught up: it has as many documents as its leader has records, or it is
//! made anew. Whatever makes it wrong, a build listed twice or not at all doesn't outlive the next start.

use tracing::{debug, error, warn};
use wombat_store::{Builds, Revision, StoreError};

use super::absent::Absent;

/// Looks at most.
const LOOKS: u32 = 8;
/// Looks that have to find a difference: a marker may go away between two questions.
const DIFFERENCES: u32 = 3;

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// As many documents as records.
    Equal,
    /// Records changed meanwhile; as far as can be told the numbers agree.
    Moved,
    Different {
        documents: u64,
        records: u64,
    },
}

/// What is to be done after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The index may answer; whether to look again soon nevertheless.
    Answer { again: bool },
    /// It may not answer before another look.
    LookAgain,
    /// It is wrong.
    StartOver,
}

/// How far the check of an index got.
#[derive(Debug, Default)]
pub(super) struct Check {
    looks: u32,
    differences: u32,
    /// Whether the index was made anew for a difference already.
    made_anew: bool,
    done: bool,
}

impl Check {
    /// Of an index that is made anew because it was wrong.
    pub(super) fn made_anew() -> Self {
        Self {
            made_anew: true,
            ..Self::default()
        }
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Looks once: at an index with so many documents, in which everything up to `revision` is.
    pub(super) async fn look(
        &mut self,
        builds: &Builds,
        documents: u64,
        revision: Revision,
        absent: &mut Absent,
    ) -> Next {
        let look = compare(builds, documents, revision, absent).await;
        if matches!(look, Ok(Look::Different { .. })) {
            absent.doubt();
        }
        self.weigh(look)
    }

    fn weigh(&mut self, look: Result<Look, StoreError>) -> Next {
        self.looks += 1;
        let is_last = self.looks >= LOOKS;
        match look {
            Ok(Look::Equal) => self.done = true,
            // No index with a document too many gets here: what moved only adds keys.
            Ok(Look::Moved) if !is_last => return Next::Answer { again: true },
            Ok(Look::Moved) => {
                debug!("records change too fast to be counted exactly");
                self.done = true;
            }
            Ok(Look::Different { .. }) if self.differences + 1 < DIFFERENCES => {
                self.differences += 1;
                return Next::LookAgain;
            }
            Ok(Look::Different { documents, records }) if self.made_anew => {
                error!(
                    documents,
                    records,
                    "the index of builds still differs from the bucket after it was made anew; lists may be wrong. Please report it"
                );
                self.done = true;
            }
            Ok(Look::Different { documents, records }) => {
                error!(
                    documents,
                    records, "the index of builds differs from the bucket and is made anew"
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
) -> Result<Look, StoreError> {
    let absent = absent.count(builds).await?;
    let count = builds.count_keys().await?;
    let newest = count.before.max(count.after);
    // Each change may have added a key, and none takes one away.
    let moved = newest.get().saturating_sub(revision.get());
    let expected = documents + absent;
    Ok(if !(expected..=expected + moved).contains(&count.keys) {
        Look::Different {
            documents,
            records: count.keys.saturating_sub(absent),
        }
    } else if moved == 0 {
        Look::Equal
    } else {
        Look::Moved
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFFERENT: Look = Look::Different {
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
        while check.weigh(Ok(Look::Moved)) == (Next::Answer { again: true }) {
            looks += 1;
        }
        assert!(check.is_done());
        assert_eq!(looks, LOOKS);
        let mut check = Check::default();
        let silence = || Err(StoreError::Unavailable("no answer".to_owned()));
        assert_eq!(check.weigh(silence()), Next::Answer { again: false });
        assert!(!check.is_done());
        assert_eq!(check.weigh(Ok(Look::Equal)), Next::Answer { again: false });
        assert!(check.is_done());
    }
}
