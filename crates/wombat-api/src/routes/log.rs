//! The log of a build as text, and its recipe.

use std::{fmt::Write as _, time::Duration};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header;
use wombat_model::{
    ClaimId, ProblemCode, RefusalStatus, Status,
    log::{LogEntry, LogEvent},
};
use wombat_store::{Logged, Revision};

use super::{
    artifacts::{newest_record, seen_record},
    build_id::key,
    service_answer::json,
};
use crate::{ApiError, live::Record, state::AppState};

/// Entries of all claims of one build that are read.
const MAX_ENTRIES: usize = 20_000;
/// How long reading a log or a recipe may take, and an election before it.
const READ_LIMIT: Duration = Duration::from_secs(15);
/// How long the reads of one call may take: a recipe may need a second one.
pub(super) const READS_LIMIT: Duration = READ_LIMIT.saturating_mul(2);
/// Largest recipe, in bytes: a `go.sum` has thousands of lines.
const MAX_RECIPE: u64 = 8 * 1024 * 1024;

/// `GET /api/builds/{id}/log`
pub(super) async fn log(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let key = key(&id)?;
    let reading = || state.store.logs.read(&key, Revision::ZERO, MAX_ENTRIES);
    let reading = state.gateway.read_long(READ_LIMIT, reading);
    let (record, read) = tokio::join!(state.builds.record(&key), reading);
    let (record, (entries, _)) = (record?, read?);
    let text = match last_claim(&record, &entries) {
        Some(claim) => {
            let of_claim = entries.iter().filter(|logged| logged.claim == claim);
            as_text(of_claim.map(|logged| &logged.entry))
        }
        None => String::new(),
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// The claim of the record; if no builder holds the build now, the last claim that wrote an entry.
fn last_claim(record: &Record, entries: &[Logged]) -> Option<ClaimId> {
    record
        .build
        .holder()
        .map(|holder| holder.claim.clone())
        .or_else(|| entries.last().map(|logged| logged.claim.clone()))
}

fn as_text<'a>(entries: impl Iterator<Item = &'a LogEntry>) -> String {
    let mut text = String::new();
    let mut entries = entries.peekable();
    while let Some(entry) = entries.next() {
        let mut entry = entry.clone();
        // A log that is too long gets another gap every few seconds.
        while let LogEvent::Gap { dropped, bytes } = &mut entry.event
            && let Some(LogEvent::Gap {
                dropped: more,
                bytes: more_bytes,
            }) = entries.peek().map(|next| &next.event)
        {
            *dropped += more;
            *bytes = bytes.zip(*more_bytes).map(|(bytes, more)| bytes + more);
            entries.next();
        }
        write_entry(&mut text, &entry);
    }
    text
}

fn write_entry(text: &mut String, LogEntry { at, event, .. }: &LogEntry) {
    let time = format!("[{:>4}.{:03}]", at / 1000, at % 1000);
    let written = match event {
        LogEvent::Claimed { builder, attempt } => {
            writeln!(text, "{time} claimed by {builder}, attempt {attempt}")
        }
        LogEvent::Phase { phase, progress } => match progress {
            None => writeln!(text, "{time} {}", phase.as_str()),
            Some(progress) => writeln!(
                text,
                "{time} {}: {} of {} packages, {} from cache",
                phase.as_str(),
                progress.done,
                progress.total,
                progress.cached
            ),
        },
        LogEvent::Lines { lines } => lines.iter().try_for_each(|line| writeln!(text, "{line}")),
        LogEvent::Gap { dropped, bytes } => {
            writeln!(text, "{time} {}", LogEvent::missing(*dropped, *bytes))
        }
        LogEvent::End { status } => writeln!(text, "{time} end: {status}"),
    };
    written.expect("a String takes everything");
}

/// `GET /api/builds/{id}/recipe`
pub(super) async fn recipe(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let key = key(&id)?;
    let mut record = seen_record(&state, &key).await?;
    // A record from before a rebuild names a recipe that may be removed: the newest record is read then.
    for last in [false, true] {
        let Some(artifact) = record.build.artifact() else {
            return Err(without_recipe(record.build.status()));
        };
        let name = format!("{}.recipe", artifact.name);
        let reading = || state.store.artifacts.bytes(&name, MAX_RECIPE);
        if let Some(bytes) = state.gateway.read_long(READ_LIMIT, reading).await? {
            return Ok(json(bytes.into()));
        }
        if !last {
            record = newest_record(&state, &key).await?;
        }
    }
    Err(ApiError::not_found(
        "The builder of this binary stored no recipe.",
    ))
}

fn without_recipe(status: Status) -> ApiError {
    match status {
        Status::Success => ApiError::refused(
            RefusalStatus::Gone,
            ProblemCode::Expired,
            "The recipe was removed with the binary; request the build again to have both.",
        ),
        Status::New | Status::Building | Status::Failed | Status::Cancelled => ApiError::refused(
            RefusalStatus::Conflict,
            ProblemCode::WrongState,
            format!("The recipe is stored with the binary; this build is `{status}`."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use wombat_model::log::{Phase, Progress};

    use super::*;

    #[test]
    fn a_log_reads_well() {
        let events = [
            LogEvent::Claimed {
                builder: "fox-1".parse().unwrap(),
                attempt: 1,
            },
            LogEvent::Phase {
                phase: Phase::Compile,
                progress: Some(Progress {
                    done: 3,
                    total: 9,
                    cached: 1,
                }),
            },
            LogEvent::Lines {
                lines: vec!["# a.b/c".into(), "c.go:1: no".into()],
            },
            LogEvent::Gap {
                dropped: 7,
                bytes: Some(90),
            },
            LogEvent::Gap {
                dropped: 2,
                bytes: Some(10),
            },
            LogEvent::End {
                status: Status::Failed,
            },
        ];
        let entries = (1..).zip(events).map(|(n, event)| LogEntry {
            n,
            at: n * 1500,
            event,
        });
        let text = as_text(entries.collect::<Vec<_>>().iter());
        assert_eq!(
            text,
            "[   1.500] claimed by fox-1, attempt 1\n\
             [   3.000] compile: 3 of 9 packages, 1 from cache\n\
             # a.b/c\nc.go:1: no\n\
             [   6.000] 9 lines (100 bytes) are missing here\n\
             [   9.000] end: failed\n"
        );
    }
}
