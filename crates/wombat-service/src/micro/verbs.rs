//! What every micro service answers about itself: PING, INFO and STATS (ADR-32).

use std::sync::Arc;

use async_nats::{
    Client, Subscriber,
    service::{Info, PingResponse, Stats, endpoint},
};
use futures::{
    StreamExt,
    stream::{SelectAll, select_all},
};
use strum::VariantArray;
use time::OffsetDateTime;
use tracing::debug;
use wombat_store::ReplyRule;

use super::{metadata, queue_group::QUEUE_GROUP, tally::Tally};
use crate::endpoints::{Endpoint, MicroService};

/// The verbs of the protocol.
#[derive(Clone, Copy, strum::Display, strum::EnumString, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
enum Verb {
    Ping,
    Info,
    Stats,
}

/// One service of this instance, as it describes itself.
pub(super) struct SelfDescription {
    client: Client,
    service: MicroService,
    id: String,
    started: OffsetDateTime,
    tally: Arc<Tally>,
    replies: ReplyRule,
}

impl SelfDescription {
    pub(super) fn new(
        client: &Client,
        service: MicroService,
        tally: &Arc<Tally>,
        replies: ReplyRule,
    ) -> Self {
        Self {
            client: client.clone(),
            service,
            id: uuid::Uuid::new_v4().simple().to_string(),
            started: OffsetDateTime::now_utc(),
            tally: Arc::clone(tally),
            replies,
        }
    }

    /// The subject at which only this instance answers a ping.
    pub(super) fn ping_subject(&self) -> String {
        format!("$SRV.PING.{}.{}", self.service.name(), self.id)
    }

    /// Subscribes to every verb: for all services, for this service, for this instance.
    pub(super) async fn subscribe(
        &self,
    ) -> Result<SelectAll<Subscriber>, async_nats::SubscribeError> {
        let mut all = Vec::new();
        for verb in Verb::VARIANTS {
            let (name, id) = (self.service.name(), &self.id);
            for subject in [
                format!("$SRV.{verb}"),
                format!("$SRV.{verb}.{name}"),
                format!("$SRV.{verb}.{name}.{id}"),
            ] {
                all.push(self.client.subscribe(subject).await?);
            }
        }
        Ok(select_all(all))
    }

    /// Answers until the connection closes.
    pub(super) async fn answer(self, mut questions: SelectAll<Subscriber>) {
        while let Some(question) = questions.next().await {
            let Some(inbox) = self.replies.inbox(&question) else {
                continue;
            };
            let asked = question.subject.split('.').nth(1);
            let Some(verb) = asked.and_then(|asked| asked.parse().ok()) else {
                continue;
            };
            let answer = match self.describe(verb) {
                Ok(answer) => answer,
                Err(error) => {
                    debug!(%error, "a service's description can't be serialized");
                    continue;
                }
            };
            if let Err(error) = self.client.publish(inbox, answer.into()).await {
                debug!(%error, "a service's description couldn't be sent");
            }
        }
    }

    fn describe(&self, verb: Verb) -> Result<Vec<u8>, serde_json::Error> {
        match verb {
            Verb::Ping => serde_json::to_vec(&PingResponse {
                kind: "io.nats.micro.v1.ping_response".to_owned(),
                name: self.service.name().to_owned(),
                id: self.id.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                metadata: metadata::of_service(),
            }),
            Verb::Info => serde_json::to_vec(&Info {
                kind: "io.nats.micro.v1.info_response".to_owned(),
                name: self.service.name().to_owned(),
                id: self.id.clone(),
                description: self.service.description().to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                metadata: metadata::of_service(),
                endpoints: self
                    .service
                    .endpoints()
                    .map(|endpoint| endpoint::Info {
                        name: endpoint.name().to_owned(),
                        subject: endpoint.subject(),
                        queue_group: QUEUE_GROUP.to_owned(),
                        metadata: metadata::of(endpoint),
                    })
                    .collect(),
            }),
            Verb::Stats => serde_json::to_vec(&Stats {
                kind: "io.nats.micro.v1.stats_response".to_owned(),
                name: self.service.name().to_owned(),
                id: self.id.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started: self.started,
                endpoints: self
                    .service
                    .endpoints()
                    .map(|endpoint: Endpoint| self.tally.stats(endpoint))
                    .collect(),
            }),
        }
    }
}
