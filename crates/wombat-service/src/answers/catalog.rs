//! What the catalog has. Nothing is missing from it before the leader was asked.

use bytes::Bytes;
use serde::Serialize;
use wombat_model::{
    Refusal,
    wire::{CatalogQuestion, ComponentAnswer, ComponentQuestion, SelectAnswer, SelectQuestion},
};

use super::{Answers, apart};
use crate::{catalog, json::json, select::select};

impl Answers {
    /// The packages that a pipeline needs, found in a thread of its own: a long pipeline would block other answers.
    pub(super) async fn select(&self, question: SelectQuestion) -> Result<Bytes, Refusal> {
        let before = self.catalog.snapshot().releases_revision();
        let (answer, question) = self.select_once(question).await?;
        let has_unknown = !answer.mistakes.is_empty() || !answer.problems.is_empty();
        if has_unknown && self.catalog.catch_up(&self.store, before).await {
            return json(&self.select_once(question).await?.0);
        }
        json(&answer)
    }

    async fn select_once(
        &self,
        question: SelectQuestion,
    ) -> Result<(SelectAnswer, SelectQuestion), Refusal> {
        let (snapshot, schemas) = self.catalog.schemas();
        let snapshot = self.knowing_of(&question, snapshot).await?;
        let policy = self.args.policy();
        apart(move || Ok((select(&question, &snapshot, &schemas, &policy)?, question))).await
    }

    /// A component, and the packages that bring it.
    pub(super) fn component(
        &self,
        question: &ComponentQuestion,
    ) -> Result<ComponentAnswer, Refusal> {
        let (snapshot, schemas) = self.catalog.schemas();
        catalog::component(&snapshot, &schemas, &question.component)
    }

    /// As many packages as fit into a message.
    pub(super) async fn search(&self, question: &CatalogQuestion) -> Result<Bytes, Refusal> {
        let before = self.catalog.snapshot().releases_revision();
        let search = || catalog::search(&self.catalog.snapshot(), question);
        let mut answer = search();
        if answer.total == 0 && self.knows_more(question, before).await {
            answer = search();
        }
        let whole = json(&answer)?;
        if whole.len() <= self.max_answer {
            return Ok(whole);
        }
        self.fit(&mut answer.packages)?;
        json(&answer)
    }

    /// As many components as fit into a message.
    pub(super) async fn components(&self, question: &CatalogQuestion) -> Result<Bytes, Refusal> {
        let before = self.catalog.snapshot().releases_revision();
        let search = || {
            let (snapshot, schemas) = self.catalog.schemas_of(question);
            catalog::components(&snapshot, &schemas, question)
        };
        let mut answer = search();
        if answer.total == 0 && self.knows_more(question, before).await {
            answer = search();
        }
        let whole = json(&answer)?;
        if whole.len() <= self.max_answer {
            return Ok(whole);
        }
        self.fit(&mut answer.components)?;
        json(&answer)
    }

    /// Whether another look at the catalog may find what this one of a module didn't. Words that nothing has are no
    /// reason: they are searched for with every key that is pressed.
    async fn knows_more(&self, question: &CatalogQuestion, before: u64) -> bool {
        question.module.is_some() && self.catalog.catch_up(&self.store, before).await
    }

    /// Drops the items that don't fit into a message.
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
