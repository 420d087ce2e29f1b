//! Speculative builds: an idle builder starts on what is in a client's basket. Nothing is stored.

use std::net::IpAddr;

use tracing::debug;
use wombat_model::{
    Build, Presence, Refusal,
    wire::{AheadOrder, ResolveAnswer},
};

use super::Answers;

impl Answers {
    /// Resolves a request and, if no build of it exists yet, has an idle builder start on it.
    pub(super) async fn ahead(
        &self,
        question: &[u8],
        client: Option<IpAddr>,
    ) -> Result<ResolveAnswer, Refusal> {
        let resolved = self.resolve(question).await?;
        let template = resolved.spec.template();
        let idle = |presence: &Presence| presence.takes(template) && presence.active.is_empty();
        let mut builders = self.live.builders().into_iter();
        // A build that exists in any state makes a speculative one pointless.
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
                debug!(%error, "can't ask a builder to build ahead");
            }
        }
        Ok(resolved.answer)
    }
}
