//! Makes records and results agree: the first success under a grant becomes its result, and a record that names another
//! binary than the newest result is put back.

use std::time::Duration;

use time::OffsetDateTime;
use tracing::{debug, error};
use wombat_model::{
    Agreement, Artifact, Build, BuildKey, BuildPublications, BuilderId, Failure, GrantResult,
    TamperSign, TamperedRecord, TamperedRecords,
};

use crate::{
    Artifacts, Builds, Revision, Store, StoreError, Versioned, Written,
    builds::{MAX_RACES, contended},
};

/// The key of the list of signs of stolen keys.
const TAMPERED: &str = "tampered";
/// Pause before a record that differs is looked at again: a service may be about to end its result, and a server that
/// led the bucket until a moment ago may have answered with what it had then.
const SECOND_LOOK: Duration = Duration::from_secs(2);
/// How long a sign is reported.
const ALARM: Duration = Duration::from_hours(24 * 7);

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It agrees with what is published.
    Agrees,
    /// Its grant has its result now.
    Concluded,
    /// It was changed without permission, and is this now.
    PutBack(Box<Versioned<Build>>),
    /// It was changed by another process meanwhile, or there is none that can be read.
    Changed,
}

impl Store {
    /// Makes a build's record agree with what is published of it.
    pub async fn settle(&self, key: &BuildKey) -> Result<Settled, StoreError> {
        match read(&self.builds, key).await? {
            Some(record) => settle(&self.builds, &self.artifacts, record).await,
            None => Ok(Settled::Changed),
        }
    }

    /// Ends a grant from before `old` whose build was never opened, because its service was interrupted. Returns whether
    /// it did.
    pub async fn end_unused_grant(
        &self,
        key: &BuildKey,
        old: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let record = read(&self.builds, key).await?;
        let published = self.publications.of(key).await?;
        let Some(newest) = published.newest.as_ref().filter(|newest| newest.is_open()) else {
            return Ok(false);
        };
        let is_used = record
            .as_ref()
            .is_some_and(|record| record.revision.get() > newest.grant.after);
        if is_used || newest.granted >= old {
            return Ok(false);
        }
        // The record, which is from before the grant, still agrees afterwards.
        let has_binary = record.is_some_and(|record| record.value.artifact().is_some());
        let result = GrantResult {
            binary: published.binary().filter(|_| has_binary).cloned(),
            finished: None,
        };
        self.publications.conclude(key, newest.number, result).await
    }

    /// As [`Self::settle`], for a record that was just seen.
    pub async fn settle_seen(&self, record: Versioned<Build>) -> Result<Settled, StoreError> {
        settle(&self.builds, &self.artifacts, record).await
    }
}

pub(crate) async fn settle(
    builds: &Builds,
    artifacts: &Artifacts,
    mut seen: Versioned<Build>,
) -> Result<Settled, StoreError> {
    let key = seen.value.key();
    let mut differed = false;
    for _ in 0..MAX_RACES {
        let published = builds.publications.of(&key).await?;
        let result = match published.agreement(&seen.value, seen.revision.get()) {
            Agreement::Agrees if differed => return Ok(Settled::Changed),
            Agreement::Agrees => return Ok(Settled::Agrees),
            Agreement::First(binary) => Some(binary),
            Agreement::Ended => None,
            Agreement::Differs if differed => {
                if let Some(settled) = put_back(builds, artifacts, seen, &published).await? {
                    return Ok(settled);
                }
                match read(builds, &key).await? {
                    Some(record) => seen = record,
                    None => return Ok(Settled::Changed),
                }
                continue;
            }
            Agreement::Differs => {
                differed = true;
                tokio::time::sleep(SECOND_LOOK).await;
                match read(builds, &key).await? {
                    Some(record) => seen = record,
                    None => return Ok(Settled::Changed),
                }
                continue;
            }
        };
        let result = GrantResult::of(&seen.value, result);
        let concluding = builds
            .publications
            .conclude(&key, published.number(), result);
        let is_first = concluding.await?;
        if is_first && seen.value.failure().is_some_and(Failure::is_other_binary) {
            note_other_binary(builds, &seen.value).await;
        }
        if is_first && !differed {
            return Ok(Settled::Concluded);
        }
    }
    Err(contended(&key))
}

/// The record; `None`: there is none, or it can't be read.
async fn read(builds: &Builds, key: &BuildKey) -> Result<Option<Versioned<Build>>, StoreError> {
    match builds.get(key).await {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        read => read,
    }
}

/// `None`: something changed meanwhile.
async fn put_back(
    builds: &Builds,
    artifacts: &Artifacts,
    seen: Versioned<Build>,
    published: &BuildPublications,
) -> Result<Option<Settled>, StoreError> {
    let key = seen.value.key();
    let binary = published.binary().cloned().map(Artifact::from);
    let is_whole = match &binary {
        Some(binary) => artifacts.is_whole(binary.name.as_str()).await?,
        None => false,
    };
    if seen.value.is_expired() && !is_whole {
        // The service was interrupted when it removed the binary.
        let publications = &builds.publications;
        let is_closed = publications.close(&key, published, seen.revision).await?;
        return Ok(is_closed.then_some(Settled::Concluded));
    }
    let builder = seen.value.holder().map(|holder| holder.builder.clone());
    let restored = binary.is_some();
    let next = seen.value.put_back(binary, !is_whole);
    let Written::Won(record) = builds.change(&key, next, seen.revision).await? else {
        return Ok(None);
    };
    raise_alarm(builds, key, builder, restored).await;
    Ok(Some(Settled::PutBack(Box::new(record))))
}

/// Writes the record of a build again that has a result; `build` has its spec. If the binary is lost, the result is
/// void instead.
pub(crate) async fn restore(
    builds: &Builds,
    artifacts: &Artifacts,
    build: Build,
    expected: Option<Revision>,
    published: &BuildPublications,
) -> Result<(), StoreError> {
    let key = build.key();
    let Some(binary) = published.binary().cloned().map(Artifact::from) else {
        return Ok(());
    };
    if !artifacts.is_whole(binary.name.as_str()).await? {
        let after = expected.unwrap_or(Revision::ZERO);
        let closed = builds.publications.close(&key, published, after);
        return closed.await.map(drop);
    }
    let next = build.put_back(Some(binary), false);
    let written = builds.bucket.write(key.as_str(), next, expected).await?;
    if let Written::Won(_) = written {
        raise_alarm(builds, key, None, true).await;
    }
    Ok(())
}

/// Tells operators.
async fn raise_alarm(builds: &Builds, key: BuildKey, builder: Option<BuilderId>, restored: bool) {
    error!(
        %key, builder = builder.as_ref().map(ToString::to_string), restored,
        "a record was changed without permission and was put back: the key of a builder may be stolen"
    );
    let tampered = TamperedRecord {
        id: key,
        sign: TamperSign::Record,
        builder,
        restored,
        found: builds.server_time(),
    };
    note(builds, tampered).await;
}

/// The same for a builder that linked another binary than its spec names.
async fn note_other_binary(builds: &Builds, build: &Build) {
    let key = build.key();
    let builder = build.holder().map(|holder| holder.builder.clone());
    error!(
        %key, builder = builder.as_ref().map(ToString::to_string),
        "a builder linked another binary than was requested, and didn't use it: what it reads was tampered with"
    );
    let tampered = TamperedRecord {
        id: key,
        sign: TamperSign::Binary,
        builder,
        restored: false,
        found: builds.server_time(),
    };
    note(builds, tampered).await;
}

async fn note(builds: &Builds, tampered: TamperedRecord) {
    if let Err(error) = builds.note_tampered(tampered).await {
        debug!(%error, "the alarm is in the log alone");
    }
}

impl Builds {
    /// Signs of stolen keys that were found, from the leader.
    pub async fn tampered(&self) -> Result<TamperedRecords, StoreError> {
        let slot = self.bucket.read::<TamperedRecords>(TAMPERED).await?;
        Ok(slot.into_parts().0.unwrap_or_default())
    }

    /// What an operator has to know of them, for a week.
    pub async fn alarm(&self) -> Result<Option<String>, StoreError> {
        let since = self.server_time() - ALARM;
        Ok(self.tampered().await?.words(since))
    }

    async fn note_tampered(&self, record: TamperedRecord) -> Result<(), StoreError> {
        loop {
            let slot = self.bucket.read::<TamperedRecords>(TAMPERED).await?;
            let (known, expected) = slot.into_parts();
            let mut all = known.unwrap_or_default();
            all.add(record.clone());
            if let Written::Won(_) = self.bucket.write(TAMPERED, all, expected).await? {
                return Ok(());
            }
        }
    }
}
