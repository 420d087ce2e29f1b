//! Asking for builds, looking at them, stopping them.

use wombat_model::{
    BuildKey, Problem, ProblemCode, Refusal, RefusalStatus,
    request::BuildRequest,
    wire::{BuildView, ResolveAnswer},
};

use super::Answers;
use crate::{
    refusal,
    resolve::{Resolved, resolve},
};

/// Longest wait that a refused client is told, in seconds: the queue may empty faster than it seems.
const MAX_RETRY_AFTER: u64 = 300;

impl Answers {
    /// Asks for a build: the answer is its record, whoever asked for it first.
    pub(super) async fn request(&self, question: &[u8]) -> Result<BuildView, Refusal> {
        let request = BuildRequest::from_json(question)?;
        let resolved = self.resolved(&request)?;
        self.admit(&resolved, request.force).await?;
        let submitted = self
            .store
            .builds
            .submit(
                &resolved.spec,
                request.force,
                resolved.catalog_revision,
                &self.store.artifacts,
            )
            .await
            .map_err(|error| refusal::of_store(&error))?;
        self.view(submitted.into_record()).await
    }

    /// Says what a request would build, and writes nothing.
    pub(super) async fn resolve(&self, question: &[u8]) -> Result<ResolveAnswer, Refusal> {
        let request = BuildRequest::from_json(question)?;
        let mut answer = self.resolved(&request)?.answer;
        let existing = self
            .store
            .builds
            .get(&answer.id)
            .await
            .map_err(|error| refusal::of_store(&error))?;
        answer.status = existing.map(|record| record.value.status());
        Ok(answer)
    }

    /// The record as its leader has it, with all that is known besides.
    pub(super) async fn get(&self, id: &BuildKey) -> Result<BuildView, Refusal> {
        let record = self
            .store
            .builds
            .get(id)
            .await
            .map_err(|error| refusal::of_store(&error))?
            .ok_or_else(|| no_build(id))?;
        self.view(record).await
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
            Ok(record) => self.view(record).await,
            Err(illegal) => Err(Refusal::new(
                RefusalStatus::Conflict,
                Problem::field(ProblemCode::WrongState, "id", format!("{illegal}.")),
            )),
        }
    }

    fn resolved(&self, request: &BuildRequest) -> Result<Resolved, Refusal> {
        resolve(request, &self.catalog.snapshot(), &self.args.policy())
    }

    async fn view(
        &self,
        record: wombat_store::Versioned<wombat_model::Build>,
    ) -> Result<BuildView, Refusal> {
        self.live
            .view(record)
            .await
            .map_err(|error| refusal::of_store(&error))
    }

    /// Refuses what would wait too long. What is stored already is answered all the same.
    async fn admit(&self, resolved: &Resolved, force: bool) -> Result<(), Refusal> {
        let Some(limit) = self.args.queue_limit() else {
            return Ok(());
        };
        let wait = self.live.wait_for_new(resolved.spec.target().platform());
        if wait <= limit {
            return Ok(());
        }
        let existing = self
            .store
            .builds
            .get(&resolved.spec.key())
            .await
            .map_err(|error| refusal::of_store(&error))?;
        let queues = existing.is_none_or(|record| {
            let now = time::OffsetDateTime::now_utc();
            let again = record
                .value
                .request_again(force, resolved.catalog_revision, now);
            again.is_some()
        });
        if !queues {
            return Ok(());
        }
        let excess = wait
            .saturating_sub(limit)
            .as_secs()
            .clamp(1, MAX_RETRY_AFTER);
        Err(Refusal {
            status: RefusalStatus::Unavailable,
            problems: vec![Problem::general(
                ProblemCode::TooBusy,
                format!(
                    "The queue is too long: this build would be done in about {} minutes, and the limit is {}.",
                    wait.as_secs().div_ceil(60),
                    limit.as_secs().div_ceil(60)
                ),
            )],
            retry_after: Some(excess),
        })
    }
}

pub(super) fn no_build(id: &BuildKey) -> Refusal {
    Refusal::not_found(format!("There is no build `{id}`."))
}
