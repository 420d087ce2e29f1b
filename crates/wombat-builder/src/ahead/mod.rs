//! Builds what somebody seems about to ask for, while nothing else is to be done, and keeps it for the claim that comes.
//!
//! One build at a time, at the lowest priority; one a client, the newest. It makes way for any other build, and is handed over to a
//! claim of its own, even half done. Nothing is written anywhere: who never asks leaves no trace. [`shelf`] keeps what is done.

mod shelf;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};
use tracing::{debug, info, warn};
use wombat_model::{BuildKey, BuildSpec, wire::AheadOrder};
use wombat_store::{AheadOrders, Connection};

use crate::{
    disk::Disk,
    go::{BuildError, Product},
    worker::Worker,
};
use shelf::Shelf;

/// Most clients whose wishes are known; older ones are forgotten.
const MOST_WANTED: usize = 16;
/// How long a claim may take to say that it is for what is being built: claims are won within milliseconds.
const JOIN: Duration = Duration::from_millis(300);
/// How often old products are thrown away.
const TIDY: Duration = Duration::from_secs(30);

/// What the task is at, and who waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Underway {
    key: Option<BuildKey>,
    /// A claim waits for it.
    joined: bool,
}

/// What is done or under way, for whoever wins a claim.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    shelf: Shelf,
    underway: watch::Sender<Underway>,
}

impl Ahead {
    /// The product of this build if it is there, or as soon as it is where it is under way. `None`: build it.
    pub(crate) async fn take(&self, key: &BuildKey) -> Option<Product> {
        let mut underway = self.underway.subscribe();
        loop {
            if let Some(product) = self.shelf.take(key) {
                return Some(product);
            }
            if underway.borrow_and_update().key.as_ref() != Some(key) {
                // It may have been put there in between.
                return self.shelf.take(key);
            }
            self.underway.send_if_modified(|now| {
                let ours = now.key.as_ref() == Some(key) && !now.joined;
                now.joined |= ours;
                ours
            });
            let _ = underway.wait_for(|now| now.key.as_ref() != Some(key)).await;
        }
    }
}

/// The orders of clients, the newest last.
#[derive(Debug, Default)]
struct Wanted(VecDeque<(String, BuildSpec)>);

impl Wanted {
    fn note(&mut self, order: AheadOrder, own: bool) {
        self.0.retain(|(client, _)| *client != order.client);
        if own {
            self.0.push_back((order.client, order.build.spec().clone()));
        }
        if self.0.len() > MOST_WANTED {
            self.0.pop_front();
        }
    }

    fn holds(&self, key: &BuildKey) -> bool {
        self.0.iter().any(|(_, spec)| spec.key() == *key)
    }

    fn drop_all(&mut self, key: &BuildKey) {
        self.0.retain(|(_, spec)| spec.key() != *key);
    }
}

/// See the module.
pub(crate) struct BuildAhead {
    worker: Arc<Worker>,
    disk: Arc<Disk>,
    orders: AheadOrders,
    wanted: Wanted,
}

impl BuildAhead {
    /// Ends when the builder takes nothing new, once nothing of it runs any more.
    pub(crate) async fn run(worker: Arc<Worker>, connection: Connection, disk: Arc<Disk>) {
        let orders = match connection.ahead_orders().await {
            Ok(orders) => orders,
            Err(error) => {
                warn!(%error, "nothing is built ahead");
                return;
            }
        };
        let ahead = Self {
            worker,
            disk,
            orders,
            wanted: Wanted::default(),
        };
        ahead.follow().await;
    }

    async fn follow(mut self) {
        let worker = Arc::clone(&self.worker);
        loop {
            let next = self.wanted.0.back().map(|(_, spec)| spec.clone());
            tokio::select! {
                () = worker.stop.cancelled() => return,
                order = self.orders.next() => if !self.note(order) {
                    return;
                },
                () = until_idle(&worker), if next.is_some() => if let Some(spec) = next {
                    Box::pin(self.build(&spec)).await;
                },
                () = tokio::time::sleep(TIDY) => worker.ahead.shelf.tidy(),
            }
        }
    }

    /// `false`: there will be no more.
    fn note(&mut self, order: Option<AheadOrder>) -> bool {
        let Some(order) = order else { return false };
        let own = order.builder == self.worker.builder;
        self.wanted.note(order, own);
        true
    }

    async fn build(&mut self, spec: &BuildSpec) {
        let worker = Arc::clone(&self.worker);
        let key = spec.key();
        if !self.disk.has_room() || worker.ahead.shelf.holds(&key) {
            self.wanted.drop_all(&key);
            return;
        }
        let begun = Instant::now();
        let scope = worker.idle_scope();
        worker.ahead.underway.send_replace(Underway {
            key: Some(key.clone()),
            joined: false,
        });
        let built = {
            let building = worker.workshop.build(spec, &scope);
            tokio::pin!(building);
            let mut listens = true;
            loop {
                tokio::select! {
                    built = &mut building => break built,
                    () = in_the_way(&worker), if !scope.stop.is_cancelled() => scope.stop.cancel(),
                    () = worker.stop.cancelled(), if !scope.stop.is_cancelled() => scope.stop.cancel(),
                    order = self.orders.next(), if listens => {
                        listens = self.note(order);
                        let joined = worker.ahead.underway.borrow().joined;
                        if !joined && !self.wanted.holds(&key) {
                            scope.stop.cancel();
                        }
                    }
                }
            }
        };
        match built {
            Ok(product) => {
                info!(%key, elapsed = ?begun.elapsed(), "built ahead");
                worker.ahead.shelf.put(key.clone(), product);
                self.wanted.drop_all(&key);
            }
            Err(BuildError::Stopped) => debug!(%key, "building ahead makes way"),
            // Whoever asks for it is told why.
            Err(BuildError::Failed(failure)) => {
                debug!(%key, message = failure.message, "can't be built ahead");
                self.wanted.drop_all(&key);
            }
        }
        worker.ahead.underway.send_replace(Underway::default());
    }
}

async fn until_idle(worker: &Worker) {
    let mut busy = worker.busy.subscribe();
    drop(busy.wait_for(|count| *count == 0).await);
}

/// Resolves when a build runs that isn't the one that is built ahead.
async fn in_the_way(worker: &Worker) {
    let mut busy = worker.busy.subscribe();
    drop(busy.wait_for(|count| *count > 0).await);
    let mut underway = worker.ahead.underway.subscribe();
    let joined = async { drop(underway.wait_for(|now| now.joined).await) };
    if tokio::time::timeout(JOIN, joined).await.is_ok() {
        // It is wanted now, whatever else is.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use wombat_model::Build;

    use super::*;
    use crate::go::main_file_tests::spec;

    const NATS: &str = "github.com/redpanda-data/connect/v4/public/components/nats";
    const KAFKA: &str = "github.com/redpanda-data/connect/v4/public/components/kafka";

    fn order(client: &str, builder: &str, packages: &[&str]) -> AheadOrder {
        AheadOrder {
            client: client.to_owned(),
            builder: builder.parse().unwrap(),
            build: Build::new(spec(packages), 1, datetime!(2026-01-02 03:04:05 UTC)),
        }
    }

    #[test]
    fn the_newest_order_of_a_client_takes_the_place_of_its_others() {
        let mut wanted = Wanted::default();
        let (nats, kafka) = (spec(&[NATS]).key(), spec(&[KAFKA]).key());
        wanted.note(order("one", "me", &[NATS]), true);
        wanted.note(order("two", "me", &[KAFKA]), true);
        assert!(wanted.holds(&nats) && wanted.holds(&kafka));
        wanted.note(order("one", "me", &[KAFKA]), true);
        assert!(!wanted.holds(&nats) && wanted.holds(&kafka));
        // Somebody else builds it now.
        wanted.note(order("one", "other", &[NATS]), false);
        wanted.note(order("two", "other", &[NATS]), false);
        assert!(wanted.0.is_empty());
    }
}
