//! The `builds` bucket: every step of a build's life, each one revision-checked write.

use time::OffsetDateTime;
use tracing::debug;
use wombat_model::{
    Artifact, Build, BuildKey, BuildState, BuilderId, ClaimId, Failure, Holder, IllegalTransition,
    Timings, names::BUILDS_BUCKET, wire::BuildOutline,
};

use crate::{
    Changes, Claim, ClaimOutcome, Connection, FinishOutcome, Publications, Revision, StoreError,
    Versioned, Watcher, Written,
    follow::{Start, Tail},
    open,
    record::{Bucket, Slot},
};

/// How often a write is retried when it loses a race on its key.
pub(crate) const MAX_RACES: u32 = 16;
/// The keys of records.
pub(crate) const RECORDS: &str = "build.>";

/// Records of builds.
#[derive(Clone, Debug)]
pub struct Builds {
    pub(crate) bucket: Bucket,
    /// A build is granted before its record opens it.
    pub(crate) publications: Publications,
}

impl Builds {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            bucket: Bucket::open(connection, BUILDS_BUCKET).await?,
            publications: Publications::open(connection).await?,
        })
    }

    /// The record, from the leader.
    pub async fn get(&self, key: &BuildKey) -> Result<Option<Versioned<Build>>, StoreError> {
        match self.bucket.read(key.as_str()).await? {
            Slot::Held(entry) => Ok(Some(entry)),
            Slot::Vacant | Slot::Deleted(_) => Ok(None),
            Slot::Unreadable { problem, .. } => Err(problem),
        }
    }

    /// Tries to claim a waiting build. Exactly one of all builders that try wins.
    pub async fn claim(
        &self,
        seen: Versioned<Build>,
        builder: &BuilderId,
    ) -> Result<ClaimOutcome, StoreError> {
        let key = seen.value.key();
        let holder = Holder {
            builder: builder.clone(),
            claim: new_claim_id(),
        };
        let Ok(next) = seen.value.claim(holder.clone()) else {
            return Ok(ClaimOutcome::Lost);
        };
        Ok(match self.change(&key, next, seen.revision).await? {
            Written::Won(record) => ClaimOutcome::Won(Box::new(Claim::won(key, record, holder))),
            Written::Lost => ClaimOutcome::Lost,
        })
    }

    /// Adopts a claim whose acknowledgement was lost: the record names this builder, but no worker has the claim.
    pub fn adopt(&self, seen: Versioned<Build>, builder: &BuilderId) -> ClaimOutcome {
        match seen.value.state() {
            BuildState::Building { by, .. } if by.builder == *builder => {
                let (key, holder) = (seen.value.key(), by.clone());
                ClaimOutcome::Won(Box::new(Claim::won(key, seen, holder)))
            }
            BuildState::New { .. }
            | BuildState::Building { .. }
            | BuildState::Success { .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => ClaimOutcome::Lost,
        }
    }

    /// Ends a claim with its binary, which must be in the object store already.
    pub async fn succeed(
        &self,
        claim: Claim,
        artifact: Artifact,
        timings: Timings,
    ) -> Result<FinishOutcome, StoreError> {
        self.end(claim, |build| build.succeed(artifact, timings))
            .await
    }

    /// Ends a claim without a binary.
    pub async fn fail(&self, claim: Claim, failure: Failure) -> Result<FinishOutcome, StoreError> {
        self.end(claim, |build| build.fail(failure)).await
    }

    /// Gives a claim back; the attempt doesn't count.
    pub async fn release(&self, claim: Claim) -> Result<FinishOutcome, StoreError> {
        self.end(claim, Build::release).await
    }

    async fn end(
        &self,
        claim: Claim,
        step: impl FnOnce(Build) -> Result<Build, IllegalTransition>,
    ) -> Result<FinishOutcome, StoreError> {
        let (key, seen) = claim.into_seen();
        let next = step(seen.value).map_err(|error| StoreError::corrupt(key.as_str(), &error))?;
        Ok(match self.change(&key, next, seen.revision).await? {
            Written::Won(record) => FinishOutcome::Done(Box::new(record)),
            Written::Lost => FinishOutcome::Fenced,
        })
    }

    /// Cancels a build that isn't finished. `None`: there is no such build; the inner error: it is finished.
    pub async fn cancel(
        &self,
        key: &BuildKey,
    ) -> Result<Option<Result<Versioned<Build>, IllegalTransition>>, StoreError> {
        for _ in 0..MAX_RACES {
            let Some(seen) = self.get(key).await? else {
                return Ok(None);
            };
            let next = match seen.value.cancel() {
                Ok(next) => next,
                Err(illegal) => return Ok(Some(Err(illegal))),
            };
            if let Written::Won(record) = self.change(key, next, seen.revision).await? {
                return Ok(Some(Ok(record)));
            }
        }
        Err(contended(key))
    }

    /// Takes a build from a dead holder, and queues it again or fails it. The caller has made sure that the holder is
    /// dead; if it isn't, its later writes are refused.
    pub async fn recover(&self, seen: Versioned<Build>) -> Result<Written<Build>, StoreError> {
        self.replace(seen, Build::recover).await
    }

    /// Releases the claim of a holder that is known to be gone, such as the previous process with the same state
    /// directory. The attempt doesn't count.
    pub async fn give_back(&self, seen: Versioned<Build>) -> Result<Written<Build>, StoreError> {
        self.replace(seen, Build::release).await
    }

    /// Marks a success as removed by retention.
    pub async fn expire(&self, seen: Versioned<Build>) -> Result<Written<Build>, StoreError> {
        self.replace(seen, Build::expire).await
    }

    async fn replace(
        &self,
        seen: Versioned<Build>,
        step: impl FnOnce(Build) -> Result<Build, IllegalTransition>,
    ) -> Result<Written<Build>, StoreError> {
        let key = seen.value.key();
        match step(seen.value) {
            Ok(next) => self.change(&key, next, seen.revision).await,
            Err(IllegalTransition { .. }) => Ok(Written::Lost),
        }
    }

    /// Writes a build's next state. If that ends the build, its hint is removed in the background: the caller needn't
    /// wait for that, and the janitor removes hints that a crash leaves.
    pub(crate) async fn change(
        &self,
        key: &BuildKey,
        next: Build,
        seen: Revision,
    ) -> Result<Written<Build>, StoreError> {
        let written = self.bucket.write(key.as_str(), next, Some(seen)).await?;
        if let Written::Won(record) = &written
            && !open::is_open(&record.value)
        {
            let (bucket, key, end) = (self.bucket.clone(), key.clone(), record.revision);
            self.bucket.connection().spawn(async move {
                if let Err(error) = open::clear(&bucket, &key, end, open::HintAge::Never).await {
                    debug!(%key, %error, "a finished build's hint is left to the janitor");
                }
            });
        }
        Ok(written)
    }

    /// Watches all records: first as they are, then every change. States may be skipped.
    pub fn watch(&self) -> Watcher<Build> {
        Watcher::start(&self.bucket, RECORDS, Start::LastPerSubject)
    }

    /// Watches changes after `after` only.
    pub fn watch_after(&self, after: Revision) -> Watcher<Build> {
        Watcher::start(&self.bucket, RECORDS, Start::After(after))
    }

    /// Watches the outlines of all records, or of those that changed after `after`.
    pub fn watch_outlines(&self, after: Revision) -> Watcher<BuildOutline> {
        let start = if after == Revision::ZERO {
            Start::LastPerSubject
        } else {
            Start::After(after)
        };
        Watcher::start(&self.bucket, RECORDS, start)
    }

    /// Watches open builds: first their records and the last `recent` writes of any record, then every change of any
    /// record. Some finished builds may be among the first. The cost doesn't depend on their number.
    pub fn watch_open(&self, recent: u64) -> Watcher<Build> {
        self.watch_open_from(Tail::Recent(recent))
    }

    /// The same for a watcher that has seen everything up to `after`: open builds, and every change since.
    pub fn watch_open_after(&self, after: Revision) -> Watcher<Build> {
        self.watch_open_from(Tail::After(after))
    }

    fn watch_open_from(&self, tail: Tail) -> Watcher<Build> {
        Watcher::start(&self.bucket, RECORDS, Start::Open(tail))
    }

    /// Follows which records change from now on.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        let bucket = &self.bucket;
        let filter = bucket.subject(RECORDS);
        Changes::start(bucket.connection(), &bucket.stream, filter, |subject| {
            let key = subject.strip_prefix("$KV.")?.split_once('.')?.1;
            Some(key.to_owned())
        })
        .await
    }

    /// The time of the server that leads the records, within a round trip, without a request to it.
    pub fn server_time(&self) -> OffsetDateTime {
        self.bucket.connection().server_time()
    }

    /// The time of the server that leads the records, from the server: the clock of their times.
    pub async fn now(&self) -> Result<OffsetDateTime, StoreError> {
        self.bucket.info().await?;
        Ok(self.bucket.connection().server_time())
    }

    /// Bytes that the bucket uses, its limit if it has one, and the number of its messages.
    pub async fn usage(&self) -> Result<(u64, Option<u64>, u64), StoreError> {
        let info = self.bucket.info().await?;
        let (used, limit) = info.usage();
        Ok((used, limit, info.messages()))
    }

    /// When the bucket was created, in nanoseconds since 1970, and its last revision: they tell whether a cache still
    /// fits.
    pub async fn identity(&self) -> Result<(i128, Revision), StoreError> {
        let info = self.bucket.info().await?;
        Ok((info.created.unix_timestamp_nanos(), info.last()))
    }
}

pub(crate) fn contended(key: &BuildKey) -> StoreError {
    StoreError::Unavailable(format!("too many processes write `{key}` at the same time"))
}

fn new_claim_id() -> ClaimId {
    uuid::Uuid::new_v4()
        .simple()
        .to_string()
        .parse()
        .expect("hex digits are an identifier")
}
