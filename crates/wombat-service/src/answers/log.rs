//! Pages of build logs.

use time::Duration;
use wombat_model::{
    Build, BuildKey, Refusal,
    log::LogEvent,
    wire::{LogAnswer, LogQuestion, LoggedEntry},
};
use wombat_store::Revision;

use super::{Answers, builds::no_build};
use crate::{json::json, refusal};

/// Entries per page.
const DEFAULT_PAGE: u32 = 200;
const MAX_PAGE: u32 = 1000;
/// Time after a build's end until a log without an end counts as complete: its builder died, or NATS was away.
const END_PATIENCE: Duration = Duration::seconds(10);

impl Answers {
    /// One page of the log of all claims of a build.
    pub(super) async fn log(&self, question: &LogQuestion) -> Result<LogAnswer, Refusal> {
        let id = &question.id;
        let store = &self.store;
        // Read before the log: if the build is finished by now, all its entries are in the log already, or never
        // arrive.
        let record = store
            .builds
            .get(id)
            .await
            .map_err(|error| refusal::of_store(&error))?
            .ok_or_else(|| no_build(id))?;
        let page = question.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
        let after = Revision::new(question.after);
        let (logged, mut complete) = store
            .logs
            .read(id, after, page as usize)
            .await
            .map_err(|error| refusal::of_store(&error))?;

        let mut answer = LogAnswer {
            entries: Vec::with_capacity(logged.len()),
            next: question.after,
            end: false,
        };
        let mut room = self.max_answer;
        for logged in logged {
            let sequence = logged.sequence.get();
            let entry = LoggedEntry {
                sequence,
                claim: logged.claim,
                entry: logged.entry,
            };
            let size = json(&entry)?.len() + 1;
            if size > room && !answer.entries.is_empty() {
                complete = false;
                break;
            }
            room = room.saturating_sub(size);
            answer.entries.push(entry);
            answer.next = sequence;
        }
        answer.end = complete && self.is_ended(id, &record.value).await?;
        Ok(answer)
    }

    /// Whether the log is complete.
    async fn is_ended(&self, id: &BuildKey, build: &Build) -> Result<bool, Refusal> {
        if !build.status().is_terminal() {
            return Ok(false);
        }
        // A record with the log's end was written after all entries.
        if build.log().is_some() {
            return Ok(true);
        }
        let Some(holder) = build.holder() else {
            return Ok(true);
        };
        let finished = build.finished().unwrap_or(build.requested());
        if self.connection.server_time() - finished > END_PATIENCE {
            return Ok(true);
        }
        let last = self
            .store
            .logs
            .last(id, &holder.claim)
            .await
            .map_err(|error| refusal::of_store(&error))?;
        Ok(last.is_some_and(|entry| matches!(entry.event, LogEvent::End { .. })))
    }
}
