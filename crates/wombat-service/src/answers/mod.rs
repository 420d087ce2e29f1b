//! The answers of the endpoints. Nothing here depends on subjects or headers.

mod ahead;
mod blocklist;
mod builds;
mod catalog;
mod charge;
mod existing;
mod imports;
mod log;
mod requirements;

use std::net::IpAddr;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tracing::error;
use wombat_model::{
    Blocklist, Problem, ProblemCode, Refusal,
    wire::{BuildersAnswer, HealthAnswer, IdQuestion, ListQuestion, NoQuestion, StatsQuestion},
};
use wombat_store::{Connection, Store};

use crate::{
    ServiceArgs,
    blocked::BlockedBuilds,
    byte_quota::ByteQuotas,
    catalog::{Catalog, Imports, RequirementsDesk, go_releases_answer},
    endpoints::Endpoint,
    index::Builds,
    json::json,
    live::Live,
    quota::Quotas,
    refusal,
    response_cache::ResponseCache,
    room::{self, RoomForBuilds},
};

/// From this many builds on, a list is searched in a thread of its own.
const MANY_BUILDS: u64 = 50_000;

/// Minutes that statistics cover: by default, and at most.
const DEFAULT_MINUTES: u32 = 60;
const MOST_MINUTES: u32 = 24 * 60;

/// State shared by all endpoints.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) connection: Connection,
    pub(crate) store: Store,
    pub(crate) catalog: Catalog,
    pub(crate) imports: Imports,
    pub(crate) blocked: BlockedBuilds,
    pub(crate) requirements: RequirementsDesk,
    pub(crate) live: Live,
    pub(crate) builds: Builds,
    pub(crate) quotas: Quotas,
    pub(crate) byte_quotas: ByteQuotas,
    pub(crate) responses: ResponseCache,
    pub(crate) room: RoomForBuilds,
    pub(crate) args: ServiceArgs,
    /// Size limit of an answer, in bytes: half of the largest message.
    pub(crate) max_answer: usize,
}

impl Answers {
    /// The cached answer to a request, without asking JetStream.
    pub(crate) fn at_once(&self, endpoint: Endpoint, question: &[u8]) -> Option<Bytes> {
        match endpoint {
            Endpoint::Request => self.responses.repeated(question, &self.catalog.snapshot()),
            Endpoint::Get => {
                let question: IdQuestion = serde_json::from_slice(question).ok()?;
                self.responses
                    .known(&question.id, self.catalog.snapshot().blocklist())
            }
            _ => None,
        }
    }

    /// Answers one request as JSON. `client` is the address of the gateway's client, if the request came through one.
    /// What the catalog lacks is looked for once more after all releases of the leader are known.
    pub(crate) async fn answer(
        &self,
        endpoint: Endpoint,
        question: &[u8],
        client: Option<IpAddr>,
    ) -> Result<Bytes, Refusal> {
        let before = self.catalog.snapshot().releases_revision();
        let answered = self.answer_once(endpoint, question, client).await;
        if let Err(refusal) = &answered
            && refusal::is_of_catalog(endpoint, refusal)
            && self.catalog.catch_up(&self.store, before).await
        {
            return self.answer_once(endpoint, question, client).await;
        }
        answered
    }

    async fn answer_once(
        &self,
        endpoint: Endpoint,
        question: &[u8],
        client: Option<IpAddr>,
    ) -> Result<Bytes, Refusal> {
        match endpoint {
            Endpoint::Request => self.request(question, client).await,
            Endpoint::Force => self.force(question, client).await,
            Endpoint::Resolve => json(&self.resolve(question).await?.answer),
            Endpoint::Ahead => json(&Box::pin(self.ahead(question, client)).await?),
            Endpoint::Get => json(&self.get(&read::<IdQuestion>(question)?.id).await?),
            Endpoint::Cancel => json(&self.cancel(&read::<IdQuestion>(question)?.id).await?),
            Endpoint::Purge => json(&self.purge(&read::<IdQuestion>(question)?.id).await?),
            Endpoint::Log => json(&self.log(&read(question)?).await?),
            Endpoint::List => self.list(read(question)?).await,
            Endpoint::Builders => {
                let NoQuestion {} = read(question)?;
                json(&BuildersAnswer {
                    builders: self.live.builders(),
                })
            }
            Endpoint::Stats => {
                let StatsQuestion { minutes } = read(question)?;
                json(&self.live.stats(span(minutes)?))
            }
            Endpoint::Health => {
                let NoQuestion {} = read(question)?;
                json(&self.health().await?)
            }
            Endpoint::Blocklist => {
                let NoQuestion {} = read(question)?;
                json(&self.blocklist().await?)
            }
            Endpoint::Block => json(&self.block(read(question)?).await?),
            Endpoint::Import => json(&Box::pin(self.import(read(question)?)).await?),
            Endpoint::Imports => {
                let NoQuestion {} = read(question)?;
                json(&self.imports())
            }
            Endpoint::GoReleases => {
                let NoQuestion {} = read(question)?;
                json(&go_releases_answer(&self.catalog.snapshot()))
            }
            Endpoint::Search => self.search(&read(question)?).await,
            Endpoint::Components => self.components(&read(question)?).await,
            Endpoint::Select => self.select(read(question)?).await,
            Endpoint::Component => json(&self.component(&read(question)?)?),
        }
    }

    /// One page of builds. A search among many runs in a thread of its own: it would block other answers.
    async fn list(&self, question: ListQuestion) -> Result<Bytes, Refusal> {
        let (builds, live) = (self.builds.clone(), self.live.clone());
        let (catalog, max_answer) = (self.catalog.snapshot(), self.max_answer);
        let list = move || json(&builds.list(&question, &catalog, &live, max_answer)?);
        if self.builds.count() < MANY_BUILDS {
            return list();
        }
        apart(list).await
    }

    /// How full the stores are, whether writes are acknowledged, and whether the blocklist can be read.
    async fn health(&self) -> Result<HealthAnswer, Refusal> {
        let room = self.connection.room().await;
        let room = room.map_err(|failure| refusal::of_store(&failure))?;
        let tampered = self.store.builds.alarm().await;
        let open = self.live.open_builds();
        Ok(HealthAnswer {
            stores: room.iter().map(|room| room::health(room, open)).collect(),
            unacknowledged: self.connection.unacknowledged(),
            index: self.builds.trouble(),
            blocklist: self
                .catalog
                .snapshot()
                .blocklist_problem()
                .map(Blocklist::words_if_unreadable),
            tampered: tampered.map_err(|failure| refusal::of_store(&failure))?,
        })
    }
}

/// Validates the period of statistics.
fn span(minutes: Option<u32>) -> Result<u32, Refusal> {
    let minutes = minutes.unwrap_or(DEFAULT_MINUTES);
    if (1..=MOST_MINUTES).contains(&minutes) {
        return Ok(minutes);
    }
    let message = format!("`minutes` must be from 1 to {MOST_MINUTES}.");
    Err(Refusal::of_request(vec![Problem::field(
        ProblemCode::InvalidValue,
        "minutes",
        message,
    )]))
}

/// Makes an answer in a thread of its own.
async fn apart<T: Send + 'static>(
    answer: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let answered = tokio::task::spawn_blocking(answer).await;
    answered.unwrap_or_else(|failure| {
        error!(%failure, "the thread of an answer failed");
        Err(Refusal::internal())
    })
}

/// Parses a request; an empty message counts as `{}`.
fn read<T: DeserializeOwned>(question: &[u8]) -> Result<T, Refusal> {
    let question = if question.trim_ascii().is_empty() {
        b"{}"
    } else {
        question
    };
    serde_json::from_slice(question).map_err(|error| refusal::of_question(&error))
}
