//! The task that assigns waiting builds to free workers.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use wombat_go::Origin;
use wombat_model::{Build, BuildKey, BuilderId, Presence, Status};
use wombat_store::{Connection, Health, Revision, WatchEvent, Watcher};

use super::{
    board::{Board, Choice},
    roster::Roster,
};
use crate::{
    disk::Disk,
    lanes::Lanes,
    last_seen::LastSeen,
    owner::{Note, Ownership},
    until::until,
    worker::{Outcome, Worker},
};

/// How often open builds are read again, regardless of the watch.
const RESYNC: Duration = Duration::from_mins(2);
/// Pause of a build after NATS didn't answer to its claim.
const REST: Duration = Duration::from_secs(1);

/// Decides which builds to claim and to recover.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    pub(crate) connection: Connection,
    pub(crate) worker: Arc<Worker>,
    pub(crate) lanes: Lanes,
    pub(crate) lease: Duration,
    pub(crate) disk: Arc<Disk>,
    pub(crate) ownership: Arc<Ownership>,
    pub(crate) fenced: watch::Receiver<bool>,
    /// Cancelled when the builder stops claiming.
    pub(crate) stop: CancellationToken,
}

pub(super) struct DispatcherState {
    pub(super) board: Board,
    pub(super) roster: Roster,
    pub(super) builds: Watcher<Build>,
    /// The newest revision from the watch.
    told: Revision,
    pub(super) builders: Watcher<Presence>,
    pub(super) health: watch::Receiver<Health>,
    pub(super) synced: bool,
    pub(super) tasks: JoinSet<(BuildKey, Outcome)>,
    pub(super) at_work: HashMap<BuildKey, AtWork>,
    pub(super) recoveries: JoinSet<()>,
    pub(super) orphans: HashMap<BuildKey, Instant>,
    pub(super) previous: Option<Note>,
}

/// A build that a worker has.
pub(super) struct AtWork {
    seen: watch::Sender<LastSeen>,
    origin: Origin,
}

impl Dispatcher {
    /// Runs until it is stopped and every worker is done.
    pub(crate) async fn run(mut self) {
        let store = self.worker.store.clone();
        let mut state = DispatcherState {
            board: Board::default(),
            roster: Roster::default(),
            builds: store.builds.watch_open(0),
            told: Revision::ZERO,
            builders: store.builders.watch(),
            health: self.connection.health(),
            synced: false,
            tasks: JoinSet::new(),
            at_work: HashMap::new(),
            recoveries: JoinSet::new(),
            orphans: HashMap::new(),
            previous: self.ownership.previous.clone(),
        };
        let mut check =
            interval((self.lease / 10).clamp(Duration::from_millis(100), Duration::from_secs(2)));
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut resync = interval(RESYNC);
        resync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        resync.reset();
        self.health_changed(&mut state);
        loop {
            let next_try = self.hand_out(&mut state).await;
            if self.stop.is_cancelled() && state.tasks.is_empty() {
                break;
            }
            tokio::select! {
                event = state.builds.next() => self.build_event(&mut state, event),
                event = state.builders.next() => builder_event(&mut state.roster, event),
                Some(done) = state.tasks.join_next() => worker_done(&mut state, done),
                Some(_) = state.recoveries.join_next() => {}
                _ = check.tick() => {
                    self.disk.has_room().await;
                    self.look_for_the_dead(&mut state);
                }
                _ = resync.tick() => self.resync(&mut state),
                changed = state.health.changed() => match changed {
                    Ok(()) => self.health_changed(&mut state),
                    // The connection is closed for good, so nothing more can be done.
                    Err(_) => self.stop.cancel(),
                },
                changed = self.fenced.changed(), if !self.stop.is_cancelled() => {
                    if changed.is_err() {
                        // Others will soon count this builder as dead.
                        error!("the heartbeat panicked; stopping the builder");
                        self.stop.cancel();
                    }
                }
                () = until(next_try) => {}
                () = self.stop.cancelled(), if !self.stop.is_cancelled() => {}
            }
        }
        state.recoveries.shutdown().await;
    }

    fn health_changed(&self, state: &mut DispatcherState) {
        let since = state.health.borrow_and_update().connected_since;
        state.roster.connected(since.map(Instant::from_std));
        if since.is_some() && state.synced {
            self.resync(state);
        }
    }

    /// Reads open builds again, and all changes since the newest known revision.
    fn resync(&self, state: &mut DispatcherState) {
        let builds = &self.worker.store.builds;
        state.told = state.told.max(state.builds.complete_after());
        state.builds = if state.told == Revision::ZERO {
            builds.watch_open(0)
        } else {
            builds.watch_open_after(state.told)
        };
    }

    fn build_event(&self, state: &mut DispatcherState, event: WatchEvent<Build>) {
        match event {
            WatchEvent::Value { key, record, .. } => {
                let Ok(key) = key.parse::<BuildKey>() else {
                    return;
                };
                state.told = state.told.max(record.revision);
                let seen = LastSeen {
                    revision: record.revision,
                    status: Some(record.value.status()),
                };
                tell(&state.at_work, &key, seen);
                self.give_back_previous(state, &key, &record);
                if record.value.status() == Status::New {
                    self.worker.requested.note(record.value.spec().target());
                }
                let origin = self.worker.workshop.origin(record.value.spec());
                state.board.update(key, record, origin, Instant::now());
            }
            WatchEvent::Removed { key, revision }
            | WatchEvent::Unreadable { key, revision, .. } => {
                state.told = state.told.max(revision);
                let Ok(key) = key.parse::<BuildKey>() else {
                    return;
                };
                tell(
                    &state.at_work,
                    &key,
                    LastSeen {
                        revision,
                        status: None,
                    },
                );
                state.board.forget(&key);
            }
            WatchEvent::Ready => {
                state.synced = true;
                // All builds of the previous owner have been seen by now.
                state.previous = None;
            }
            WatchEvent::Reset => {
                warn!("the bucket of builds was replaced; reading it from the start");
                state.board.clear();
                state.told = Revision::ZERO;
                state.synced = false;
                let gone = LastSeen {
                    revision: Revision::new(u64::MAX),
                    status: None,
                };
                for key in state.at_work.keys().cloned().collect::<Vec<_>>() {
                    tell(&state.at_work, &key, gone);
                }
            }
        }
    }

    /// Starts workers while there are free ones and builds to try. Returns when to try again, if that is known.
    async fn hand_out(&self, state: &mut DispatcherState) -> Option<Instant> {
        loop {
            let idle = state.at_work.len() < self.lanes.workers();
            let may = idle
                && state.synced
                && state.roster.is_ready()
                && !self.stop.is_cancelled()
                && !*self.fenced.borrow();
            if !may {
                return None;
            }
            let now = Instant::now();
            let alive = state.roster.claiming();
            let at_work = &state.at_work;
            let others = at_work.values().filter(|at| at.origin == Origin::Elsewhere);
            let lane = self.lanes.next(others.count());
            let choice = state.board.choose(
                &self.worker.builder,
                &alive,
                lane,
                |key| at_work.contains_key(key),
                now,
            );
            let (record, pause) = match choice {
                Choice::Try(record, pause) => (*record, pause),
                Choice::Wait(instant) => return Some(instant),
                Choice::Nothing => return None,
            };
            if !self.disk.has_room().await {
                return Some(now + REST);
            }
            let key = record.value.key();
            let (sender, seen) = watch::channel(LastSeen {
                revision: record.revision,
                status: Some(Status::New),
            });
            let origin = self.worker.workshop.origin(record.value.spec());
            let at_work = AtWork {
                seen: sender,
                origin,
            };
            state.at_work.insert(key.clone(), at_work);
            let worker = Arc::clone(&self.worker);
            state
                .tasks
                .spawn(async move { (key, Box::pin(worker.work(record, pause, seen)).await) });
        }
    }
}

fn worker_done(
    state: &mut DispatcherState,
    done: Result<(BuildKey, Outcome), tokio::task::JoinError>,
) {
    match done {
        Ok((key, outcome)) => {
            state.at_work.remove(&key);
            match outcome {
                Outcome::Over(revision) => state.board.over(&key, revision),
                Outcome::NoAnswer => state.board.postpone(&key, Instant::now() + REST),
            }
        }
        Err(panicked) => {
            // The record still names this builder, and is recovered like one of a dead builder. The panic doesn't tell
            // which build it was, but its receiver is gone.
            error!(%panicked, "a worker panicked");
            state.at_work.retain(|_, at_work| !at_work.seen.is_closed());
        }
    }
}

fn tell(at_work: &HashMap<BuildKey, AtWork>, key: &BuildKey, seen: LastSeen) {
    if let Some(at_work) = at_work.get(key) {
        at_work.seen.send_if_modified(|last| {
            let newer = seen.revision > last.revision;
            if newer {
                *last = seen;
            }
            newer
        });
    }
}

fn builder_event(roster: &mut Roster, event: WatchEvent<Presence>) {
    match event {
        WatchEvent::Value { record, .. } => roster.renewed(record.value),
        WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
            if let Ok(builder) = key.parse::<BuilderId>() {
                roster.gone(&builder);
            }
        }
        WatchEvent::Ready => roster.ready(),
        WatchEvent::Reset => roster.reset(),
    }
}
