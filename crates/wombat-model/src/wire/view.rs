//! A build as clients see it: the record, and what changes too often to be in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::BuildJson;
use crate::{
    BlocklistHit, Build, BuildKey,
    log::{Phase, Progress},
};

/// The place of a waiting build in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Its place, from 1.
    pub position: u64,
    /// How many builds wait.
    pub length: u64,
    /// Builders that could claim it; 0: it waits until one starts.
    pub builders: u64,
}

/// A build with its id and everything that changes too often for its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildView {
    /// The id.
    pub id: BuildKey,
    /// Revision of the record; grows with every change.
    pub revision: u64,
    /// The record.
    #[serde(flatten)]
    pub build: BuildJson,
    /// The phase that it is in, while it isn't finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The progress of the phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Its place in the queue, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
    /// Seconds until it is probably done, from the median of similar builds; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
    /// For a build that failed because of its request or a package: when a new request tries again. An operator may
    /// force it earlier.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub retry_at: Option<OffsetDateTime>,
    /// A module of the build that the operator blocks: its binary isn't served or run. Lists and events leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<BlocklistHit>,
}

impl BuildView {
    /// The record alone.
    pub fn of(build: Build, revision: u64) -> Self {
        Self {
            id: build.key(),
            revision,
            build: build.into(),
            phase: None,
            progress: None,
            queue: None,
            eta_seconds: None,
            retry_at: None,
            blocked: None,
        }
    }

    /// Sets when a new request tries again: `rest` after a final failure.
    pub fn note_retry(&mut self, rest: Duration) {
        let is_final = self
            .build
            .failure
            .as_ref()
            .is_some_and(|failure| failure.class.is_final());
        let finished = self.build.finished.filter(|_| is_final);
        self.retry_at = finished.map(|finished| finished + rest);
    }
}
