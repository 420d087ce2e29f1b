//! Learns of new Go releases: once in an interval, one builder asks the module proxy for the whole fleet.
//!
//! The list is a key of the catalog, with the time of the last question: a builder asks when that is too long ago. The
//! newest release of a line is added only if this builder can fetch and run it, since builds get it by default.

use std::{sync::Arc, time::Duration};

use rand::Rng as _;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};
use wombat_go::{BuildError, GoReleasesError};
use wombat_model::{GoVersion, Platform, catalog::GoReleases, this_machine};
use wombat_store::{Connection, WatchEvent};

use crate::worker::Worker;

/// Part of the interval before a builder asks for the first time, or again after a failure.
const PATIENCE_PART: u32 = 24;

/// Learns of Go releases for the fleet.
pub(crate) struct GoReleasesDesk {
    worker: Arc<Worker>,
    connection: Connection,
    interval: Duration,
    /// Those that came with the program.
    own: GoReleases,
    /// The same, and those of the fleet.
    known: GoReleases,
    /// Whether the fleet's list was read.
    ready: bool,
}

impl GoReleasesDesk {
    pub(crate) fn new(
        worker: Arc<Worker>,
        connection: Connection,
        interval: Duration,
        own: GoReleases,
    ) -> Self {
        Self {
            worker,
            connection,
            interval,
            known: own.clone(),
            own,
            ready: false,
        }
    }

    /// Returns after the builder stops claiming.
    pub(crate) async fn run(mut self) {
        let stop = self.worker.stop.clone();
        let mut watcher = self.worker.store.catalog.watch_go_releases();
        // A builder that was just started has other things to do, and others may ask meanwhile.
        let mut earliest = Instant::now() + self.patience();
        loop {
            let due = self.due().max(earliest);
            tokio::select! {
                () = stop.cancelled() => return,
                event = watcher.next() => self.note(event),
                () = sleep_until(due), if self.ready => {
                    let learnt = Box::pin(self.learn()).await;
                    if stop.is_cancelled() {
                        return;
                    }
                    match learnt {
                        Ok(list) => self.known.add_all(&list),
                        Err(error) => {
                            warn!(error = format!("{error:#}"), "can't look for new Go releases; trying again later");
                        }
                    }
                    earliest = Instant::now() + self.patience();
                }
            }
        }
    }

    /// A part of the interval, different on each builder and each time.
    fn patience(&self) -> Duration {
        let part = self.interval / PATIENCE_PART;
        part + rand::rng().random_range(Duration::ZERO..=part)
    }

    /// When the proxy is to be asked.
    fn due(&self) -> Instant {
        let now = Instant::now();
        let Some(checked) = self.known.checked() else {
            return now;
        };
        let age = self.connection.server_time() - checked;
        let age = Duration::try_from(age).unwrap_or_default();
        now + self.interval.saturating_sub(age)
    }

    fn note(&mut self, event: WatchEvent<GoReleases>) {
        match event {
            WatchEvent::Value { record, .. } => {
                self.known = self.own.clone();
                self.known.add_all(&record.value);
            }
            WatchEvent::Removed { .. } => self.known = self.own.clone(),
            WatchEvent::Ready => self.ready = true,
            WatchEvent::Reset | WatchEvent::Unreadable { .. } => {}
        }
    }

    /// Asks the proxy, and stores what is new. Returns the fleet's list.
    async fn learn(&self) -> anyhow::Result<GoReleases> {
        let found = self.find().await?;
        let names: Vec<String> = found
            .versions()
            .map(|version| version.to_string())
            .collect();
        let time = self.connection.server_time();
        let catalog = &self.worker.store.catalog;
        let list = catalog.add_go_releases(&found.checked_at(time)).await?;
        if names.is_empty() {
            debug!("the module proxy has no new Go releases");
        } else {
            info!(releases = names.join(", "), "learnt of new Go releases");
        }
        Ok(list)
    }

    /// New releases. Their newest ones can be fetched.
    async fn find(&self) -> Result<GoReleases, GoReleasesError> {
        let worker = &self.worker;
        let scope = worker.idle_scope();
        let finding = async {
            let mut found = worker.workshop.new_go_releases(&self.known, &scope).await?;
            for version in self.new_defaults(&found) {
                match worker.workshop.fetch_go(version, &scope).await {
                    Ok(()) => {}
                    Err(BuildError::Failed(failure)) => {
                        warn!(%version, problem = failure.message, "a new Go release can't be used; leaving it out");
                        found.remove(version);
                    }
                    Err(BuildError::Stopped) => return Err(BuildError::Stopped.into()),
                }
            }
            Ok(found)
        };
        tokio::pin!(finding);
        tokio::select! {
            found = &mut finding => return found,
            () = worker.stop.cancelled() => scope.stop.cancel(),
        }
        // Its `go` has to end first.
        finding.await
    }

    /// Releases that would be the newest of their line for this machine.
    fn new_defaults(&self, found: &GoReleases) -> Vec<GoVersion> {
        let Ok(platform) = this_machine().parse::<Platform>() else {
            return Vec::new();
        };
        let is_new_default = |version: &GoVersion| {
            let newest_of = |list: &GoReleases| {
                let newest = list.newest_of(version.line(), platform);
                newest.map(|(newest, _)| newest)
            };
            newest_of(found) == Some(*version) && newest_of(&self.known) < Some(*version)
        };
        found.versions().filter(is_new_default).collect()
    }
}
