//! Building before the click: an idle builder is told what somebody has in the basket. Nothing is stored.

use std::net::IpAddr;

use tracing::debug;
use wombat_model::{
    Build, Presence, Refusal,
    wire::{AheadOrder, ResolveAnswer},
};

use super::Answers;

impl Answers {
    /// Says what a request would build, and has it begun if nobody has and a builder is idle.
    pub(super) async fn ahead(
        &self,
        question: &[u8],
        client: Option<IpAddr>,
    ) -> Result<ResolveAnswer, Refusal> {
        let resolved = self.resolve(question).await?;
        let idle = |presence: &Presence| !presence.draining && presence.active.is_empty();
        let mut builders = self.live.builders().into_iter();
        // Whatever there is of it already is better than what would come.
        if resolved.answer.status.is_none()
            && let Some(builder) = builders.find(idle)
        {
            let now = self.connection.server_time();
            let order = AheadOrder {
                client: client.map_or_else(|| "nats".to_owned(), |client| client.to_string()),
                builder: builder.builder,
                build: Build::new(resolved.spec, resolved.catalog_revision, now),
            };
            let told = self.connection.order_ahead(&order).await;
            if let Err(error) = told {
                debug!(%error, "nobody is told to build ahead");
            }
        }
        Ok(resolved.answer)
    }
}
