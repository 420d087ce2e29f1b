//! Builds what clients seem about to request, while no build waits, and keeps the result for the claim that follows.
//!
//! One build at a time, at the lowest priority; one per client, the newest. It is stopped for any other build, unless a
//! claim for this one arrives, which takes it over even unfinished. Nothing is written to the store: a basket that is
//! never requested leaves no trace. [`crate::prebuilt`] keeps finished products.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{debug, info, warn};
use wombat_go::BuildError;
use wombat_model::{BuildKey, BuildSpec, wire::AheadOrder};
use wombat_store::{AheadOrders, Connection};

use crate::{disk::Disk, worker::Worker};

/// Most clients with an order; the oldest orders are dropped.
const MOST_WANTED: usize = 16;
/// Time that a new claim has to turn out to be for the current build: claims are won within milliseconds.
const JOIN: Duration = Duration::from_millis(300);
/// How often old products are removed.
const TIDY: Duration = Duration::from_secs(30);

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

/// Builds ahead, by the orders of clients.
pub(crate) struct BuildAhead {
    worker: Arc<Worker>,
    disk: Arc<Disk>,
    orders: AheadOrders,
    wanted: Wanted,
}

impl BuildAhead {
    /// Returns after the builder stops claiming, once no build ahead runs.
    pub(crate) async fn run(worker: Arc<Worker>, connection: Connection, disk: Arc<Disk>) {
        let orders = match connection.ahead_orders().await {
            Ok(orders) => orders,
            Err(error) => {
                warn!(%error, "can't receive orders; this builder builds nothing ahead");
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
                () = tokio::time::sleep(TIDY) => worker.prebuilt.shelf.tidy(),
            }
        }
    }

    /// Returns `false` if there will be no more orders.
    fn note(&mut self, order: Option<AheadOrder>) -> bool {
        let Some(order) = order else { return false };
        let own = order.builder == self.worker.builder && order.build.spec().template().is_known();
        self.wanted.note(order, own);
        true
    }

    async fn build(&mut self, spec: &BuildSpec) {
        let worker = Arc::clone(&self.worker);
        let key = spec.key();
        if !self.disk.has_room().await || worker.prebuilt.shelf.holds(&key) {
            self.wanted.drop_all(&key);
            return;
        }
        let begun = Instant::now();
        let scope = worker.idle_scope();
        // However this ends, dropping it releases a waiting claim.
        let _underway = worker.prebuilt.begin(key.clone());
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
                        let joined = worker.prebuilt.underway.borrow().joined;
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
                worker.prebuilt.shelf.put(key.clone(), product);
                self.wanted.drop_all(&key);
            }
            Err(BuildError::Stopped) => debug!(%key, "stopped building ahead"),
            // A client that requests it gets the reason.
            Err(BuildError::Failed(failure)) => {
                debug!(%key, message = failure.message, "building ahead failed");
                self.wanted.drop_all(&key);
            }
        }
    }
}

async fn until_idle(worker: &Worker) {
    let mut busy = worker.busy.subscribe();
    drop(busy.wait_for(|count| *count == 0).await);
}

/// Resolves when another build than the one that is built ahead starts.
async fn in_the_way(worker: &Worker) {
    let mut busy = worker.busy.subscribe();
    drop(busy.wait_for(|count| *count > 0).await);
    let mut underway = worker.prebuilt.underway.subscribe();
    let joined = async { drop(underway.wait_for(|now| now.joined).await) };
    if tokio::time::timeout(JOIN, joined).await.is_ok() {
        // A claim waits for this build, so it must go on.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use wombat_model::Build;
    use wombat_testkit::a_spec;

    use super::*;

    fn spec(package: &str) -> BuildSpec {
        a_spec().package(package).build()
    }

    fn order(client: &str, builder: &str, package: &str) -> AheadOrder {
        AheadOrder {
            client: client.to_owned(),
            builder: builder.parse().unwrap(),
            build: Build::new(spec(package), 1, datetime!(2026-01-02 03:04:05 UTC)),
        }
    }

    #[test]
    fn the_newest_order_of_a_client_takes_the_place_of_its_others() {
        let mut wanted = Wanted::default();
        let (nats, kafka) = (spec("nats").key(), spec("kafka").key());
        wanted.note(order("one", "me", "nats"), true);
        wanted.note(order("two", "me", "kafka"), true);
        assert!(wanted.holds(&nats) && wanted.holds(&kafka));
        wanted.note(order("one", "me", "kafka"), true);
        assert!(!wanted.holds(&nats) && wanted.holds(&kafka));
        // Another builder builds it now.
        wanted.note(order("one", "other", "nats"), false);
        wanted.note(order("two", "other", "nats"), false);
        assert!(wanted.0.is_empty());
    }
}
