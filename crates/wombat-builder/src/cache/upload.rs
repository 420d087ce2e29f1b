//! Brings what was compiled here to the fleet: behind the builds, at the lowest priority, and only if it is quick to be had.

use std::{sync::mpsc, thread};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::{runtime::Handle, sync::oneshot};
use tracing::{debug, warn};
use wombat_model::ImportPath;
use wombat_store::StoreError;

use super::{
    entry::{self, Packed},
    fleet::{Fleet, Wanted},
    id::ActionId,
    lists::{self, ListScope},
};

/// Below everything else on this machine.
const NICENESS: i32 = 19;
/// Messages that wait for their acknowledgement.
const IN_FLIGHT: usize = 8;

/// What one build leaves to be brought to the others.
#[derive(Debug)]
pub(super) struct Job {
    /// What it asked for, in order.
    pub(super) asked: Vec<ActionId>,
    pub(super) scope: ListScope,
    /// Of how many packages it was.
    pub(super) count: usize,
    /// Packages whose list this becomes.
    pub(super) listed: Vec<ImportPath>,
    /// Told when it is done.
    pub(super) done: oneshot::Sender<()>,
}

/// The thread that works jobs off, one after the other. It ends when this is dropped.
#[derive(Clone, Debug)]
pub(super) struct Uploader {
    jobs: mpsc::Sender<Job>,
}

impl Uploader {
    pub(super) fn start(fleet: Fleet) -> Self {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let runtime = Handle::current();
        // A thread of its own, because priority is a thread's.
        thread::spawn(move || {
            // Elsewhere it would be the process's.
            if cfg!(target_os = "linux")
                && let Err(error) = rustix::process::nice(NICENESS)
            {
                debug!(%error, "uploads run at the priority of everything else");
            }
            for job in waiting {
                match upload(&fleet, &runtime, &job) {
                    Ok(()) => {}
                    // What is there can still be read.
                    Err(StoreError::Full(problem)) => {
                        warn!(
                            problem,
                            "the fleet's compile cache is full; what was compiled here stays here"
                        );
                    }
                    Err(error) => fleet.rest(&error),
                }
                // Whoever waited may be gone.
                let _ = job.done.send(());
            }
        });
        Self { jobs }
    }

    /// Takes a job on.
    pub(super) fn add(&self, job: Job) {
        // The thread only ends when the process does.
        drop(self.jobs.send(job));
    }
}

fn upload(fleet: &Fleet, runtime: &Handle, job: &Job) -> Result<(), StoreError> {
    let mut wanted = Vec::with_capacity(job.asked.len());
    let (mut count, mut bytes) = (0, 0);
    for action in &job.asked {
        if fleet.is_away() {
            return Ok(());
        }
        let Some(found) = fleet.shared.find(action) else {
            continue;
        };
        wanted.push(Wanted {
            action: *action,
            size: u32::try_from(found.size).unwrap_or(u32::MAX),
        });
        if fleet.knows(action) {
            continue;
        }
        let body = std::fs::read(&found.path)?;
        let packed = entry::pack(found.output, &body, fleet.store.largest())?;
        count += 1;
        bytes += packed.bytes();
        runtime.block_on(send(fleet, action, packed))?;
        fleet.know([*action]);
    }
    if wanted.is_empty() {
        return Ok(());
    }
    runtime.block_on(lists::store(
        &fleet.store,
        &job.scope,
        &job.listed,
        job.count,
        &wanted,
    ))?;
    if count > 0 {
        debug!(count, bytes, "brought to the fleet");
    }
    Ok(())
}

async fn send(fleet: &Fleet, action: &ActionId, packed: Packed) -> Result<(), StoreError> {
    stream::iter(packed.parts)
        .map(|(key, part)| async move { fleet.store.put(&key, Bytes::from(part)).await })
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<Vec<_>>()
        .await?;
    // Whoever finds this finds the parts.
    fleet
        .store
        .put(&entry::key(action), packed.first.into())
        .await?;
    Ok(())
}
