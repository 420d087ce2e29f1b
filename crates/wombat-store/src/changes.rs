//! Follows which names change in a bucket from now on: for caches, which then evict those entries.

use async_nats::jetstream::stream::Stream;

use crate::{
    Connection, Revision, StoreError,
    expiring::Expiring,
    follow::{FollowEvent, Follower, Start, last},
};

/// What [`Changes`] delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something was written, changed or removed.
    Of {
        /// Its name; `None` where it isn't one of ours.
        name: Option<String>,
        /// The revision of the change; of a value that expired, its own.
        revision: Revision,
    },
    /// The bucket is another one: everything changed.
    Reset,
}

/// A running follower of changes; dropping it ends it.
pub struct Changes {
    follower: Follower,
    expiring: Expiring,
    stream: Stream,
    filter: String,
    name: fn(&str) -> Option<String>,
    delivered: Revision,
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
        let delivered = last(stream, &filter).await?;
        Ok(Self {
            follower: Follower::start(connection, stream, filter.clone(), Start::After(delivered)),
            expiring: Expiring::of(stream),
            stream: stream.clone(),
            filter,
            name,
            delivered,
        })
    }

    /// The next change. Never ends; safe to drop between polls.
    pub async fn next(&mut self) -> Change {
        loop {
            let event = tokio::select! {
                event = self.follower.next() => event,
                expired = self.expiring.next() => {
                    return Change::Of {
                        name: (self.name)(&expired.subject),
                        revision: expired.revision,
                    };
                }
            };
            match event {
                Some(FollowEvent::Message(message)) => {
                    self.expiring.note(&message, None);
                    self.delivered = message.sequence;
                    return Change::Of {
                        name: (self.name)(&message.subject),
                        revision: message.sequence,
                    };
                }
                Some(FollowEvent::CaughtUp | FollowEvent::CompleteAfter(_)) => {}
                Some(FollowEvent::Reset) => {
                    self.delivered = Revision::ZERO;
                    self.expiring.clear();
                    return Change::Reset;
                }
                // The follower only ends when its runtime does.
                None => std::future::pending().await,
            }
        }
    }

    /// The revision of the last change that was delivered.
    pub fn delivered(&self) -> Revision {
        self.delivered
    }

    /// The revision of the bucket's last change, from the leader.
    pub fn last(&self) -> impl Future<Output = Result<Revision, StoreError>> + use<> {
        let (stream, filter) = (self.stream.clone(), self.filter.clone());
        async move { last(&stream, &filter).await }
    }
}
