//! Checks pipelines with finished binaries: each in the strictest sandbox, since `lint` opens files that a pipeline
//! names and quotes them.
//!
//! One at a time. The last binary is kept, since clients lint again after a change.

use std::{path::PathBuf, sync::Arc};

use anyhow::anyhow;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};
use wombat_go::JobFolder;
use wombat_model::{
    ArtifactName,
    plain_text::{Form, plain, shortened},
    wire::{LINT_LIMIT, LintAnswer, LintComplaint, LintQuestion, LintReply},
};
use wombat_store::{Connection, ReplyRule};

use crate::worker::Worker;

/// Name of the pipeline's file.
const PIPELINE: &str = "pipeline.yaml";
/// Most complaints in an answer.
const MOST: usize = 100;
/// Longest complaint in bytes.
const LONGEST: usize = 2000;

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
    let mut questions = match connection.lint_questions(platform, replies).await {
        Ok(questions) => questions,
        Err(error) => {
            warn!(%error, "can't receive requests; this builder lints no pipelines");
            return;
        }
    };
    let mut last = None;
    loop {
        let next = tokio::select! {
            next = questions.next() => next,
            () = worker.stop.cancelled() => return,
        };
        let Some((question, asker)) = next else {
            return;
        };
        let reply = match lint(&worker, &question, &mut last).await {
            Ok(reply) => reply,
            Err(error) => {
                debug!(artifact = %question.artifact, error = format!("{error:#}"), "can't lint a pipeline");
                let names = &worker.workshop.settings().names;
                let words = format!("{error:#}");
                LintReply::Failed(names.hidden_in(&plain(&words, Form::Lines)).into_owned())
            }
        };
        asker.answer(&reply).await;
    }
}

/// Takes no longer than [`LINT_LIMIT`]; the gateway waits a little longer.
async fn lint(
    worker: &Worker,
    question: &LintQuestion,
    last: &mut Option<Fetched>,
) -> anyhow::Result<LintReply> {
    let until = Instant::now() + LINT_LIMIT;
    let name = &question.artifact;
    if last.as_ref().is_none_or(|fetched| fetched.name != *name) {
        *last = None;
        let folder = worker.workshop.empty_folder().await?;
        let path = folder.path().join("binary");
        let artifacts = &worker.store.artifacts;
        let fetching = artifacts.fetch(name, &question.sha256, &path);
        let too_slow = |_| {
            let limit = LINT_LIMIT.as_secs();
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
