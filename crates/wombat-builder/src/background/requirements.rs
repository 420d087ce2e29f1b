//! Answers what releases outside the catalog require: their own `go.mod` says it, and a builder can fetch it like any
//! other module. One at a time; the module graph stays on this builder's disk, for the build that follows.

use std::sync::Arc;

use tokio::time::timeout;
use tracing::{debug, warn};
use wombat_go::{BuildError, Scope};
use wombat_model::{
    Failure, FailureClass, this_machine,
    wire::{REQUIREMENTS_LIMIT, RequirementsQuestion, RequirementsReply},
};
use wombat_store::{Connection, ReplyRule};

use crate::worker::Worker;

/// Answers questions until the builder stops claiming.
pub(crate) async fn run(worker: Arc<Worker>, connection: Connection, replies: ReplyRule) {
    let mut questions = match connection.requirements_questions(replies).await {
        Ok(questions) => questions,
        Err(error) => {
            warn!(%error, "can't receive questions about releases; this builder answers none");
            return;
        }
    };
    loop {
        let next = tokio::select! {
            next = questions.next() => next,
            () = worker.stop.cancelled() => return,
        };
        let Some((question, asker)) = next else {
            return;
        };
        let reply = Box::pin(reply(&worker, &question)).await;
        debug!(module = %question.module, version = %question.version, ?reply, "asked what a release requires");
        asker.answer(&reply).await;
    }
}

/// Takes no longer than [`REQUIREMENTS_LIMIT`]; the service waits a little longer. Its `go` has ended by then.
async fn reply(worker: &Worker, question: &RequirementsQuestion) -> RequirementsReply {
    let scope = worker.idle_scope();
    let finding = find(worker, question, &scope);
    tokio::pin!(finding);
    let found = tokio::select! {
        found = timeout(REQUIREMENTS_LIMIT, &mut finding) => found.ok(),
        () = worker.stop.cancelled() => {
            scope.stop.cancel();
            return finding.await;
        }
    };
    if let Some(found) = found {
        return found;
    }
    scope.stop.cancel();
    drop(finding.await);
    let limit = REQUIREMENTS_LIMIT.as_secs();
    RequirementsReply::Unavailable(format!(
        "The builder didn't get its go.mod within {limit} s."
    ))
}

async fn find(
    worker: &Worker,
    question: &RequirementsQuestion,
    scope: &Scope,
) -> RequirementsReply {
    let Ok(host) = this_machine().parse() else {
        return RequirementsReply::Unavailable("The builder can't build for itself.".to_owned());
    };
    let release = (&question.module, &question.version);
    if question.refuse_retracted {
        match worker.workshop.retraction(release, host, scope).await {
            Ok(None) => {}
            Ok(Some(rationale)) => return RequirementsReply::Retracted(rationale),
            Err(error) => return reply_to(worker, error),
        }
    }
    match worker.workshop.requirements(release, host, scope).await {
        Ok(mut all) => {
            all.retain(|module, _| question.of.contains(module));
            RequirementsReply::Requires(all)
        }
        Err(error) => reply_to(worker, error),
    }
}

/// The reply of a builder that can't have what it needs.
fn reply_to(worker: &Worker, error: BuildError) -> RequirementsReply {
    match error {
        BuildError::Failed(failure) => refusal(failure.hiding(&worker.workshop.settings().names)),
        BuildError::Stopped => {
            RequirementsReply::Unavailable("The builder was stopped.".to_owned())
        }
    }
}

/// What a failure says of the release: it is final only if the release itself causes it.
fn refusal(failure: Failure) -> RequirementsReply {
    match failure.class {
        FailureClass::Input | FailureClass::Compile => RequirementsReply::Refused(failure.message),
        FailureClass::Resource
        | FailureClass::Infra
        | FailureClass::Lost
        | FailureClass::Internal
        | FailureClass::Tampered => RequirementsReply::Unavailable(failure.message),
    }
}
