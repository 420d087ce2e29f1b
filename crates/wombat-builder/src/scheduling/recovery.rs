//! Recovers builds whose builder is dead: another builder, the previous owner of the folder, or a failed worker of this
//! builder.

use std::sync::Arc;

use tokio::{task::spawn_blocking, time::Instant};
use tracing::{info, warn};
use wombat_model::{Build, BuildKey, Status};
use wombat_store::{Versioned, Written};

use super::dispatcher::{Dispatcher, DispatcherState};

/// Most recoveries at a time, to limit the damage if a builder isn't dead after all.
const MAX_RECOVERIES: usize = 20;

impl Dispatcher {
    /// The previous owner of the folder is certainly dead, so its builds are given back before its lease ends. If one
    /// was given back before, it may be what kills its builders: then the attempt counts.
    pub(super) fn give_back_previous(
        &self,
        state: &mut DispatcherState,
        key: &BuildKey,
        record: &Versioned<Build>,
    ) {
        let Some(previous) = &state.previous else {
            return;
        };
        if record.value.status() != Status::Building
            || record
                .value
                .holder()
                .is_none_or(|by| by.builder != previous.builder)
        {
            return;
        }
        let suspicious = previous.given_back.contains(key);
        let (worker, record) = (Arc::clone(&self.worker), record.clone());
        let (ownership, builder) = (Arc::clone(&self.ownership), worker.builder.clone());
        state.recoveries.spawn(async move {
            let key = record.value.key();
            // First, since the build may kill this builder, too.
            let own = key.clone();
            let noted = spawn_blocking(move || ownership.add(&builder, own)).await;
            if let Err(error) = noted.unwrap_or_else(|error| Err(error.into())) {
                warn!(%error, "can't record that a build was given back");
            }
            let builds = &worker.store.builds;
            let written = if suspicious {
                builds.recover(record).await
            } else {
                builds.give_back(record).await
            };
            match written {
                Ok(Written::Won(_)) => {
                    worker.counters.recover();
                    info!(%key, "gave back a build of the previous process");
                }
                Ok(Written::Lost) => {}
                Err(error) => {
                    warn!(%key, %error, "can't give back a build of the previous process");
                }
            }
        });
    }

    /// Recovers builds of dead builders, and builds with this builder's own name that no worker has, after a lost
    /// acknowledgement.
    pub(super) fn look_for_the_dead(&self, state: &mut DispatcherState) {
        if !state.synced || self.stop.is_cancelled() {
            return;
        }
        let now = Instant::now();
        let me = &self.worker.builder;
        let mut dead = Vec::new();
        let mut holders = Vec::new();
        let mut ours = Vec::new();
        for (key, record) in state.board.building() {
            let Some(holder) = record.value.holder() else {
                continue;
            };
            holders.push(holder.builder.clone());
            let lost = if holder.builder == *me {
                ours.push(key.clone());
                let since = *state.orphans.entry(key.clone()).or_insert(now);
                !state.at_work.contains_key(key)
                    && now >= since + self.lease / 2
                    && state.roster.is_ready()
            } else {
                state.roster.is_dead(&holder.builder, self.lease, now)
            };
            if lost && dead.len() < MAX_RECOVERIES && state.recoveries.len() < MAX_RECOVERIES {
                dead.push(record.clone());
            }
        }
        let at_work = &state.at_work;
        state
            .orphans
            .retain(|key, _| ours.contains(key) && !at_work.contains_key(key));
        state
            .roster
            .retain_missing(|builder| holders.contains(builder));
        for record in dead {
            let key = record.value.key();
            // If the write gets no answer, the watch or the next resync reports the outcome.
            state.board.forget(&key);
            let worker = Arc::clone(&self.worker);
            state.recoveries.spawn(async move {
                match worker.store.builds.recover(record).await {
                    Ok(Written::Won(_)) => {
                        worker.counters.recover();
                        info!(%key, "recovered from a dead builder");
                    }
                    Ok(Written::Lost) => {}
                    Err(error) => warn!(%key, %error, "can't recover a build"),
                }
            });
        }
    }
}
