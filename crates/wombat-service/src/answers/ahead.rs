//! Speculative builds: an idle builder starts on what is in a client's basket. Nothing is stored.

use std::net::IpAddr;

use tracing::debug;
use wombat_model::{
    Build, Presence, Refusal,
    wire::{AheadOrder, ResolveAnswer},
};

use super::Answers;
use crate::{quota::Taken, resolve::Resolved};

impl Answers {
    /// Resolves a request and, if no build of it exists yet, has an idle builder start on it: only for modules of the
    /// catalog, since no client has requested the build yet, and as long as the client's quota isn't used up.
    pub(super) async fn ahead(
        &self,
        question: &[u8],
        client: Option<IpAddr>,
    ) -> Result<ResolveAnswer, Refusal> {
        let resolved = self.resolve(question).await?;
        let template = resolved.spec.template();
        let idle = |presence: &Presence| presence.takes(template) && presence.active.is_empty();
        // A build that exists in any state makes a speculative one pointless.
        if resolved.answer.status.is_none()
            && resolved.is_of_catalog
            && let Some(builder) = self.live.builders().into_iter().find(idle)
            && let Some(charged) = self.charge_ahead(&resolved, client)
        {
            let now = self.connection.server_time();
            let build = Build::new(resolved.spec, resolved.catalog_revision, now);
            let key = resolved.answer.id.clone();
            let order = AheadOrder {
                client: client.map_or_else(|| "nats".to_owned(), |client| client.to_string()),
                builder: builder.builder,
                build,
            };
            match (self.connection.order_ahead(&order).await, charged) {
                (Ok(()), Charge::To(charged)) => charged.keep_ahead(key),
                (Ok(()), Charge::ToNoClient) => {}
                (Err(error), _) => debug!(%error, "can't ask a builder to build ahead"),
            }
        }
        Ok(resolved.answer)
    }

    /// Charges the client's quota for it. `None`: nothing is left of it.
    fn charge_ahead(&self, resolved: &Resolved, client: Option<IpAddr>) -> Option<Charge<'_>> {
        let Some(client) = client else {
            return Some(Charge::ToNoClient);
        };
        let taken = self.quotas.take_ahead(client, &resolved.answer.id);
        taken.ok().map(Charge::To)
    }
}

/// Who pays for a build.
enum Charge<'a> {
    To(Taken<'a>),
    /// It wasn't requested through a gateway.
    ToNoClient,
}
