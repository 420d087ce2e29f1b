//! Tells what changes in a bucket from now on, by name alone: for caches, which forget what changed.

use async_nats::jetstream::stream::Stream;

use crate::{
    Connection, Revision, StoreError,
    follow::{Followed, Follower, Start, last},
};

/// What [`Changes`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something was written, changed or removed.
    Of {
        /// Its name; `None` where it isn't one of ours.
        name: Option<String>,
        /// The revision of the change.
        revision: Revision,
    },
    /// The bucket is another one: everything changed.
    Reset,
}

/// A running follower of changes; dropping it ends it.
pub struct Changes {
    follower: Follower,
    stream: Stream,
    filter: String,
    name: fn(&str) -> Option<String>,
    told: Revision,
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

impl Changes {
    /// Follows what is written below `filter` from now on. `name` reads a name out of a subject.
    pub(crate) async fn start(
        connection: &Connection,
        stream: &Stream,
        filter: String,
        name: fn(&str) -> Option<String>,
    ) -> Result<Self, StoreError> {
        let told = last(stream, &filter).await?;
        Ok(Self {
            follower: Follower::start(connection, stream, filter.clone(), Start::After(told)),
            stream: stream.clone(),
            filter,
            name,
            told,
        })
    }

    /// The next change. Never ends; safe to drop between polls.
    pub async fn next(&mut self) -> Change {
        loop {
            match self.follower.next().await {
                Some(Followed::Message(message)) => {
                    self.told = message.sequence;
                    return Change::Of {
                        name: (self.name)(&message.subject),
                        revision: message.sequence,
                    };
                }
                Some(Followed::CaughtUp | Followed::CompleteAfter(_)) => {}
                Some(Followed::Reset) => {
                    self.told = Revision::ZERO;
                    return Change::Reset;
                }
                // The follower only ends when its runtime does.
                None => std::future::pending().await,
            }
        }
    }

    /// The revision of the last change that was told.
    pub fn told(&self) -> Revision {
        self.told
    }

    /// Asks the leader for the revision of the last change that there was.
    pub fn last(&self) -> impl Future<Output = Result<Revision, StoreError>> + use<> {
        let (stream, filter) = (self.stream.clone(), self.filter.clone());
        async move { last(&stream, &filter).await }
    }
}
