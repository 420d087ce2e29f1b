//! What each endpoint answers. Nothing here knows of subjects or headers: a question in, an answer or a refusal out.

mod ahead;
mod blocklist;
mod builds;
mod imports;
mod log;

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tracing::error;
use wombat_model::{
    Problem, ProblemCode, Refusal,
    wire::{
        BuildersAnswer, CatalogAnswer, CatalogQuestion, ComponentQuestion, ComponentsAnswer,
        HealthAnswer, IdQuestion, ListQuestion, NoQuestion, SelectQuestion, StatsQuestion,
    },
};
use wombat_store::{Connection, Store};

use crate::{
    ServiceArgs,
    catalog::{self, Catalog, Imports},
    index::Builds,
    live::Live,
    micro::Endpoint,
    quota::Quotas,
    refusal,
    repeats::Repeats,
    room::{self, RoomForBuilds},
    select::select,
};

/// From so many builds on, a list is looked for in a thread of its own.
const MANY_BUILDS: u64 = 50_000;

/// How far statistics look back.
const DEFAULT_MINUTES: u32 = 60;
const MOST_MINUTES: u32 = 24 * 60;

/// Everything that answers are made from.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) connection: Connection,
    pub(crate) store: Store,
    pub(crate) catalog: Catalog,
    pub(crate) imports: Imports,
    pub(crate) live: Live,
    pub(crate) builds: Builds,
    pub(crate) quotas: Quotas,
    pub(crate) repeats: Repeats,
    pub(crate) room: RoomForBuilds,
    pub(crate) args: ServiceArgs,
    /// Answers stay below this, in bytes: half of what a message may hold.
    pub(crate) max_answer: usize,
}

impl Answers {
    /// The answer to a question that was asked before, where it is known without asking anybody.
    pub(crate) fn at_once(&self, endpoint: Endpoint, question: &[u8]) -> Option<Bytes> {
        match endpoint {
            Endpoint::Request => self.repeats.repeated(question, &self.catalog.snapshot()),
            Endpoint::Get => {
                let question: IdQuestion = serde_json::from_slice(question).ok()?;
                self.repeats.known(&question.id)
            }
            Endpoint::Force
            | Endpoint::Cancel
            | Endpoint::Purge
            | Endpoint::Resolve
            | Endpoint::Ahead
            | Endpoint::Log
            | Endpoint::List
            | Endpoint::Builders
            | Endpoint::Stats
            | Endpoint::Health
            | Endpoint::Search
            | Endpoint::Components
            | Endpoint::Component
            | Endpoint::Select
            | Endpoint::Blocklist
            | Endpoint::Block
            | Endpoint::Import
            | Endpoint::Imports => None,
        }
    }

    /// Answers one question, as JSON. `client` is who asked the gateway, if one passed the question on.
    pub(crate) async fn answer(
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
            Endpoint::Search => json(&self.search(&read(question)?)?),
            Endpoint::Components => json(&self.components(&read(question)?)?),
            Endpoint::Select => self.select(read(question)?).await,
            Endpoint::Component => {
                let question: ComponentQuestion = read(question)?;
                let (snapshot, schemas) = self.catalog.schemas();
                json(&catalog::component(
                    &snapshot,
                    &schemas,
                    &question.component,
                )?)
            }
        }
    }

    /// One page of builds. Where there are many, looking for it would hold up every other answer.
    async fn list(&self, question: ListQuestion) -> Result<Bytes, Refusal> {
        let (builds, live) = (self.builds.clone(), self.live.clone());
        let (catalog, max_answer) = (self.catalog.snapshot(), self.max_answer);
        let list = move || json(&builds.list(&question, &catalog, &live, max_answer)?);
        if self.builds.count() < MANY_BUILDS {
            return list();
        }
        apart(list).await
    }

    /// What a pipeline needs. Walking one takes a while, and would hold up every other answer.
    async fn select(&self, question: SelectQuestion) -> Result<Bytes, Refusal> {
        let (snapshot, schemas) = self.catalog.schemas();
        let policy = self.args.policy();
        apart(move || json(&select(&question, &snapshot, &schemas, &policy)?)).await
    }

    /// How full the stores are, and whether writes are acknowledged.
    async fn health(&self) -> Result<HealthAnswer, Refusal> {
        let room = self.connection.room().await;
        let room = room.map_err(|failure| refusal::of_store(&failure))?;
        let open = self.live.open_builds();
        Ok(HealthAnswer {
            stores: room.iter().map(|room| room::health(room, open)).collect(),
            unacknowledged: self.connection.unacknowledged(),
            index: self.builds.trouble(),
        })
    }

    /// As many packages as fit into a message.
    fn search(&self, question: &CatalogQuestion) -> Result<CatalogAnswer, Refusal> {
        let mut answer = catalog::search(&self.catalog.snapshot(), question);
        self.fit(&mut answer.packages)?;
        Ok(answer)
    }

    /// As many components as fit into a message.
    fn components(&self, question: &CatalogQuestion) -> Result<ComponentsAnswer, Refusal> {
        let (snapshot, schemas) = self.catalog.schemas();
        let mut answer = catalog::components(&snapshot, &schemas, question);
        self.fit(&mut answer.components)?;
        Ok(answer)
    }

    /// Leaves out what a message has no room for.
    fn fit<T: Serialize>(&self, items: &mut Vec<T>) -> Result<(), Refusal> {
        let mut room = self.max_answer;
        let mut fit = 0;
        for item in &*items {
            let size = json(item)?.len() + 1;
            if size > room {
                break;
            }
            room -= size;
            fit += 1;
        }
        items.truncate(fit);
        Ok(())
    }
}

/// Minutes that can be looked back.
fn span(minutes: Option<u32>) -> Result<u32, Refusal> {
    let minutes = minutes.unwrap_or(DEFAULT_MINUTES);
    if (1..=MOST_MINUTES).contains(&minutes) {
        return Ok(minutes);
    }
    let message = format!("Write a number of minutes from 1 to {MOST_MINUTES}.");
    Err(Refusal::of_request(vec![Problem::field(
        ProblemCode::InvalidValue,
        "minutes",
        message,
    )]))
}

/// Answers in a thread of its own.
async fn apart(
    answer: impl FnOnce() -> Result<Bytes, Refusal> + Send + 'static,
) -> Result<Bytes, Refusal> {
    let answered = tokio::task::spawn_blocking(answer).await;
    answered.unwrap_or_else(|failure| {
        error!(%failure, "an answer failed");
        Err(Refusal::internal())
    })
}

/// Reads a question; an empty message is one without fields.
fn read<T: DeserializeOwned>(question: &[u8]) -> Result<T, Refusal> {
    let question = if question.trim_ascii().is_empty() {
        b"{}"
    } else {
        question
    };
    serde_json::from_slice(question).map_err(|error| refusal::of_question(&error))
}

pub(crate) fn json(answer: &impl Serialize) -> Result<Bytes, Refusal> {
    serde_json::to_vec(answer)
        .map(Bytes::from)
        .map_err(|error| {
            tracing::error!(%error, "an answer can't be written");
            Refusal::internal()
        })
}
