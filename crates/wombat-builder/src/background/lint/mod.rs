//! Checks pipelines with finished binaries: each in the strictest sandbox, since `lint` opens files that a pipeline
//! names and quotes them.
//!
//! Requests wait in a short [`Queue`], from which clients take turns; a request whose client no longer waits is dropped.
//! Each lane keeps its last binary, since clients lint again after a change.

mod queue;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::anyhow;
use futures::future::join_all;
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use tracing::{debug, info, warn};
use wombat_go::JobFolder;
use wombat_model::{
    ArtifactName,
    plain_text::{Form, plain, shortened},
    wire::{LINT_LIMIT, LintAnswer, LintComplaint, LintQuestion, LintReply},
};
use wombat_store::{Connection, LintQuestions, LintResponder, ReplyRule};

use self::queue::{Full, LANES, Queue};
use crate::worker::Worker;

/// Name of the pipeline's file.
const PIPELINE: &str = "pipeline.yaml";
/// Most complaints in an answer.
const MOST: usize = 100;
/// Longest complaint in bytes.
const LONGEST: usize = 2000;
/// What is left of the asker's patience for the reply's way.
const WAY_BACK: Duration = Duration::from_secs(1);

/// A fetched binary.
struct Fetched {
    name: ArtifactName,
    path: PathBuf,
    _folder: JobFolder,
}

/// Answers requests until the builder stops claiming.
pub(crate) async fn run(worker: Arc<Worker>, connection: Connection, replies: ReplyRule) {
    let Some(platform) = worker.runs_binaries_for() else {
        info!("this builder lints no pipelines: that needs a sandbox with namespaces");
        return worker.stop.cancelled().await;
    };
    let questions = match connection.lint_questions(platform, replies).await {
        Ok(questions) => questions,
        Err(error) => {
            warn!(%error, "can't receive requests; this builder lints no pipelines");
            return;
        }
    };
    let desk = Desk {
        worker,
        queue: Mutex::new(Queue::new()),
        changed: Notify::new(),
    };
    let lanes = join_all((0..LANES).map(|_| desk.work()));
    tokio::join!(desk.receive(questions), lanes);
}

/// A request, and where its reply goes.
type Request = (LintQuestion, LintResponder);

/// The queue and those who work on it.
struct Desk {
    worker: Arc<Worker>,
    queue: Mutex<Queue<Request>>,
    /// There may be a request whose turn it is.
    changed: Notify,
}

impl Desk {
    /// Takes requests as they come, so that none waits anywhere else. Those that have no place are refused at once.
    async fn receive(&self, mut questions: LintQuestions) {
        loop {
            let next = tokio::select! {
                next = questions.next() => next,
                () = self.worker.stop.cancelled() => return,
            };
            let Some((question, asker)) = next else {
                return;
            };
            let pushed = self.queue.lock().push(asker.client(), (question, asker));
            match pushed {
                Ok(()) => self.changed.notify_one(),
                Err(Full((_, asker), retry_after)) => {
                    asker.answer(&LintReply::Busy { retry_after }).await;
                }
            }
        }
    }

    /// Answers one request after another.
    async fn work(&self) {
        let mut last = None;
        loop {
            let next = self.queue.lock().next();
            let Some(((question, asker), turn)) = next else {
                tokio::select! {
                    () = self.changed.notified() => continue,
                    () = self.worker.stop.cancelled() => return,
                }
            };
            // One permit may stand for several requests: the other lane looks, too.
            self.changed.notify_one();
            let limit = asker.time_left().map_or(LINT_LIMIT, |left| {
                left.saturating_sub(WAY_BACK).min(LINT_LIMIT)
            });
            let is_stale = limit.is_zero();
            if is_stale {
                debug!(artifact = %question.artifact, "a lint request waited too long");
            } else {
                let reply = self.reply(&question, limit, &mut last).await;
                asker.answer(&reply).await;
            }
            self.queue.lock().end(&turn, !is_stale);
            // Another request of its client may have waited for this.
            self.changed.notify_one();
            if self.worker.stop.is_cancelled() {
                return;
            }
        }
    }

    async fn reply(
        &self,
        question: &LintQuestion,
        limit: Duration,
        last: &mut Option<Fetched>,
    ) -> LintReply {
        match lint(&self.worker, question, limit, last).await {
            Ok(reply) => reply,
            Err(error) => {
                debug!(artifact = %question.artifact, error = format!("{error:#}"), "can't lint a pipeline");
                let names = &self.worker.workshop.settings().names;
                let words = format!("{error:#}");
                LintReply::Failed(names.hidden_in(&plain(&words, Form::Lines)).into_owned())
            }
        }
    }
}

/// Takes no longer than `limit`.
async fn lint(
    worker: &Worker,
    question: &LintQuestion,
    limit: Duration,
    last: &mut Option<Fetched>,
) -> anyhow::Result<LintReply> {
    let until = Instant::now() + limit;
    let name = &question.artifact;
    if last.as_ref().is_none_or(|fetched| fetched.name != *name) {
        *last = None;
        let folder = worker.workshop.empty_folder().await?;
        let path = folder.path().join("binary");
        let artifacts = &worker.store.artifacts;
        let fetching = artifacts.fetch(name, &question.sha256, &path);
        let too_slow = |_| {
            let limit = limit.as_secs();
            anyhow!("the object store didn't send the binary within {limit} s")
        };
        if !timeout_at(until, fetching).await.map_err(too_slow)?? {
            return Ok(LintReply::Gone);
        }
        make_runnable(&path).await?;
        *last = Some(Fetched {
            name: name.clone(),
            path,
            _folder: folder,
        });
    }
    let Some(fetched) = last else {
        return Ok(LintReply::Gone);
    };
    let arguments = ["lint", "--skip-env-var-check", PIPELINE];
    let said = worker
        .workshop
        .ask_about(
            &fetched.path,
            &arguments,
            (PIPELINE, &question.pipeline),
            until.saturating_duration_since(Instant::now()),
        )
        .await?;
    Ok(LintReply::Answer(LintAnswer {
        accepted: said.accepted,
        complaints: complaints(&said.text),
    }))
}

#[cfg(unix)]
async fn make_runnable(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    tokio::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).await
}

/// Parses lines of `file(line,column) message`; other lines continue the message before.
fn complaints(text: &str) -> Vec<LintComplaint> {
    let mut all: Vec<LintComplaint> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(complaint) = placed(line) {
            if all.len() == MOST {
                break;
            }
            all.push(complaint);
            continue;
        }
        match all.last_mut() {
            Some(last) => {
                last.message.push('\n');
                last.message.push_str(line);
            }
            None => all.push(LintComplaint {
                line: None,
                column: None,
                message: line.to_owned(),
            }),
        }
    }
    for complaint in &mut all {
        complaint.message = shortened(&complaint.message, LONGEST).into_owned();
    }
    all
}

fn placed(line: &str) -> Option<LintComplaint> {
    let (place, message) = line
        .strip_prefix(PIPELINE)?
        .strip_prefix('(')?
        .split_once(") ")?;
    let (line, column) = place.split_once(',')?;
    Some(LintComplaint {
        line: line.parse().ok(),
        column: column.parse().ok(),
        message: message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objections_have_their_places() {
        let said = "pipeline.yaml(9,1) unable to infer\n  from candidates\npipeline.yaml(2,3) no\n";
        let found = complaints(said);
        let places: Vec<_> = found.iter().map(|it| (it.line, it.column)).collect();
        assert_eq!(places, [(Some(9), Some(1)), (Some(2), Some(3))]);
        assert_eq!(found[0].message, "unable to infer\n  from candidates");
        let odd = complaints("it is odd");
        assert_eq!((odd[0].line, odd[0].message.as_str()), (None, "it is odd"));
        assert!(complaints("\n").is_empty());
    }
}
