//! Orders to build ahead what a client is likely to request soon. They go to all subscribed builders and aren't stored.

use futures::StreamExt as _;
use tracing::debug;
use wombat_model::{names::AHEAD_SUBJECT, wire::AheadOrder};

use crate::{Connection, StoreError};

/// Orders as they come; dropping it ends the subscription.
#[derive(Debug)]
pub struct AheadOrders(async_nats::Subscriber);

impl AheadOrders {
    /// The next order. `None`: there will be no more. Safe to drop between polls.
    pub async fn next(&mut self) -> Option<AheadOrder> {
        loop {
            let message = self.0.next().await?;
            match serde_json::from_slice(&message.payload) {
                Ok(order) => return Some(order),
                Err(error) => debug!(%error, "ignoring a malformed order to build ahead"),
            }
        }
    }
}

impl Connection {
    /// Subscribes to orders.
    pub async fn ahead_orders(&self) -> Result<AheadOrders, StoreError> {
        let orders = self.client().subscribe(AHEAD_SUBJECT).await;
        let orders = orders.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(AheadOrders(orders))
    }

    /// Sends an order to all builders; there may be none.
    pub async fn order_ahead(&self, order: &AheadOrder) -> Result<(), StoreError> {
        let payload = serde_json::to_vec(order)
            .map_err(|error| StoreError::corrupt(AHEAD_SUBJECT, &error))?;
        let sent = self.client().publish(AHEAD_SUBJECT, payload.into()).await;
        sent.map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}
