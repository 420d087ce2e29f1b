//! Requests, shows, cancels and purges builds.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::Either;
use wombat_model::{
    Blocklist, Build, BuildKey, BuildState, FailureClass, Problem, ProblemCode, Refusal,
    RefusalStatus, Status,
    request::BuildRequest,
    wire::{BuildView, PurgeAnswer},
};
use wombat_store::{Purged, StoreError, SubmitOptions, Submitted, Versioned, read_or_seen};

use super::{Answers, charge::Charged};
use crate::{
    json::json,
    refusal,
    resolve::{Resolved, resolve},
};

/// Longest `Retry-After` for a refused client, in seconds: the queue may empty faster than estimated.
const MAX_RETRY_AFTER: u64 = 300;

impl Answers {
    /// Requests a build; the answer is its record, whether new or existing.
    pub(super) async fn request(
        &self,
        question: &[u8],
        client: Option<IpAddr>,
    ) -> Result<Bytes, Refusal> {
        let request = BuildRequest::from_json(question)?;
        if request.force {
            // Forcing needs a permission of its own, and NATS permissions only distinguish subjects.
            let message = "Send forced rebuilds to `build.force`.";
            let problem = Problem::field(ProblemCode::Forbidden, "force", message);
            return Err(Refusal::new(RefusalStatus::Forbidden, problem));
        }
        self.submit(question, request, client).await
    }

    /// As `request`, but builds again whatever the state of an existing build.
    pub(super) async fn force(
        &self,
        question: &[u8],
        client: Option<IpAddr>,
    ) -> Result<Bytes, Refusal> {
        let mut request = BuildRequest::from_json(question)?;
        request.force = true;
        self.submit(question, request, client).await
    }

    async fn submit(
        &self,
        question: &[u8],
        request: BuildRequest,
        client: Option<IpAddr>,
    ) -> Result<Bytes, Refusal> {
        let catalog = self.knowing(&request).await?;
        let resolved = resolve(&request, &catalog, &self.args.policy())?;
        let key = resolved.answer.id.clone();
        if !request.force
            && let Some(answer) = self.responses.known(&key, catalog.blocklist())
        {
            self.responses.remember_question(question, &catalog, &key);
            return Ok(answer);
        }
        if !request.force {
            self.refuse_poison(&key).await?;
        }
        let ticket = self.responses.expect(&key);
        let charged = self.admit(&resolved, request.force, client).await?;
        let submitted = self
            .store
            .builds
            .submit(
                &resolved.spec,
                self.asking(&resolved, request.force),
                &self.store.artifacts,
            )
            .await
            .map_err(|error| refusal::of_store(&error))?;
        if let (Submitted::Queued(record), Some(charged)) = (&submitted, charged) {
            charged.keep(&key, record.revision);
        }
        // Only an answer that stays the same until the record changes may be cached.
        let stands = match &submitted {
            Submitted::Queued(_) => {
                self.responses.forget(&key);
                false
            }
            Submitted::Existing(record) => {
                // A failure may be retried after a while, and an open build goes on.
                record.value.status() == Status::Success
            }
        };
        let record = submitted.into_record();
        let answer = json(&self.view_under(record, catalog.blocklist()).await)?;
        if let Some(ticket) = ticket.filter(|_| stands) {
            let answer = answer.clone();
            self.responses
                .remember_answer((&key, &ticket), answer, catalog.blocklist());
            if !request.force {
                self.responses.remember_question(question, &catalog, &key);
            }
        }
        Ok(answer)
    }

    /// Says what a request would build, and writes nothing.
    pub(super) async fn resolve(&self, question: &[u8]) -> Result<Resolved, Refusal> {
        let request = BuildRequest::from_json(question)?;
        let catalog = self.knowing(&request).await?;
        let mut resolved = resolve(&request, &catalog, &self.args.policy())?;
        let answer = &mut resolved.answer;
        let existing = self.existing(&answer.id).await?;
        answer.status = existing.map(|record| record.value.status());
        let platform = request.target.platform();
        let usual = self.live.usual(platform);
        answer.estimated_ms = usual.and_then(|usual| u64::try_from(usual.as_millis()).ok());
        Ok(resolved)
    }

    /// The record as its leader has it, with phase, queue and estimate. If the leader doesn't answer soon, for example
    /// during an election, the newest record that this instance has seen: nothing is written meanwhile.
    pub(super) async fn get(&self, id: &BuildKey) -> Result<BuildView, Refusal> {
        let reading = async { self.store.builds.get(id).await.map(Either::Left) };
        let is_away = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
        let read = read_or_seen(reading, is_away, || self.seen(id).map(Either::Right)).await;
        match read.map_err(|error| refusal::of_store(&error))? {
            Either::Left(record) => Ok(self.view(record.ok_or_else(|| no_build(id))?).await),
            Either::Right(view) => Ok(view),
        }
    }

    /// The newest record that this instance saw.
    fn seen(&self, id: &BuildKey) -> Option<BuildView> {
        let mut view = self.builds.seen(id, &self.live)?;
        view.note_retry(self.retry_after());
        Some(view)
    }

    /// Removes a finished build: its record, binary and log.
    pub(super) async fn purge(&self, id: &BuildKey) -> Result<PurgeAnswer, Refusal> {
        let purged = self.store.purge(id).await;
        self.responses.forget(id);
        match purged.map_err(|error| refusal::of_store(&error))? {
            Purged::Gone(bytes) => Ok(PurgeAnswer {
                id: id.clone(),
                bytes,
            }),
            Purged::Unknown => Err(no_build(id)),
            Purged::Open(status) => Err(Refusal::new(
                RefusalStatus::Conflict,
                Problem::field(
                    ProblemCode::WrongState,
                    "id",
                    format!("The build is {status}; cancel it first."),
                ),
            )),
        }
    }

    /// Stops a build that isn't finished.
    pub(super) async fn cancel(&self, id: &BuildKey) -> Result<BuildView, Refusal> {
        let cancelled = self
            .store
            .builds
            .cancel(id)
            .await
            .map_err(|error| refusal::of_store(&error))?
            .ok_or_else(|| no_build(id))?;
        match cancelled {
            Ok(record) => {
                self.responses.forget(id);
                Ok(self.view(record).await)
            }
            Err(illegal) => Err(Refusal::new(
                RefusalStatus::Conflict,
                Problem::field(ProblemCode::WrongState, "id", format!("{illegal}.")),
            )),
        }
    }

    async fn view(&self, record: Versioned<Build>) -> BuildView {
        let catalog = self.catalog.snapshot();
        self.view_under(record, catalog.blocklist()).await
    }

    /// A record as clients see it, and what this blocklist blocks of it.
    async fn view_under(&self, record: Versioned<Build>, blocklist: &Arc<Blocklist>) -> BuildView {
        let mut view = self.live.view(record).await;
        view.note_retry(self.retry_after());
        view.blocked = self.blocked.hit(&view.build, blocklist).await;
        view
    }

    /// Refuses a new build if a bucket is full, the queue is too long or the client's quota is used up; an existing
    /// build is answered all the same. Returns what the client's quota was charged, to be kept once the build is queued.
    async fn admit(
        &self,
        resolved: &Resolved,
        force: bool,
        client: Option<IpAddr>,
    ) -> Result<Option<Charged<'_>>, Refusal> {
        let (is_of_catalog, open) = (resolved.is_of_catalog, self.live.open_builds());
        let full = self
            .room
            .refusal(&self.connection, is_of_catalog, open)
            .await;
        let refused = match (full.or_else(|| self.too_long_a_queue(resolved)), client) {
            (Some(refusal), _) => refusal,
            (None, None) => return Ok(None),
            (None, Some(client)) => match self.charge(resolved, client) {
                Ok(charged) => return Ok(Some(charged)),
                Err(refusal) => refusal,
            },
        };
        let existing = self.existing(&resolved.answer.id).await?;
        let is_new = existing.is_none_or(|record| {
            let asking = self.asking(resolved, force);
            let retry = self.store.builds.retry(&record.value, asking);
            let again = record.value.request_again(retry, asking.catalog_revision);
            again.is_some()
        });
        if is_new { Err(refused) } else { Ok(None) }
    }

    fn retry_after(&self) -> Duration {
        self.args.retry_after
    }

    fn asking(&self, resolved: &Resolved, force: bool) -> SubmitOptions {
        SubmitOptions {
            force,
            retry_after: self.retry_after(),
            catalog_revision: resolved.catalog_revision,
        }
    }

    /// Refuses, for a while, a build that exceeded its limits or took down every builder that claimed it: it would
    /// again.
    async fn refuse_poison(&self, key: &BuildKey) -> Result<(), Refusal> {
        let Some(record) = self.existing(key).await? else {
            return Ok(());
        };
        let build = &record.value;
        let (BuildState::Failed { failure, .. }, Some(finished)) =
            (build.state(), build.finished())
        else {
            return Ok(());
        };
        if !matches!(failure.class, FailureClass::Resource | FailureClass::Lost) {
            return Ok(());
        }
        let rest = self.args.poison_rest;
        let age = self.connection.server_time() - finished;
        let age = Duration::try_from(age).unwrap_or_default();
        let Some(wait) = rest.checked_sub(age).filter(|wait| !wait.is_zero()) else {
            return Ok(());
        };
        Err(Refusal {
            status: RefusalStatus::TooMany,
            problems: vec![Problem::general(
                ProblemCode::TooBusy,
                format!(
                    "This build failed and isn't tried again for {} minutes, unless an operator forces it: {}",
                    wait.as_secs().div_ceil(60),
                    failure.message
                ),
            )],
            retry_after: Some(wait.as_secs() + 1),
        })
    }

    fn too_long_a_queue(&self, resolved: &Resolved) -> Option<Refusal> {
        let limit = self.args.queue_limit()?;
        let wait = self.live.wait_for_new(resolved.spec.target().platform());
        if wait <= limit {
            return None;
        }
        let message = format!(
            "The queue is too long: this build would be done in about {} minutes, and the limit is {}.",
            wait.as_secs().div_ceil(60),
            limit.as_secs().div_ceil(60)
        );
        Some(busy(
            RefusalStatus::Unavailable,
            message,
            wait.saturating_sub(limit),
        ))
    }
}

fn busy(status: RefusalStatus, message: String, wait: Duration) -> Refusal {
    Refusal {
        status,
        problems: vec![Problem::general(ProblemCode::TooBusy, message)],
        retry_after: Some((wait.as_secs() + 1).min(MAX_RETRY_AFTER)),
    }
}

pub(super) fn no_build(id: &BuildKey) -> Refusal {
    Refusal::not_found(format!("There is no build `{id}`."))
}
