//! Answers `build.list`.

use serde_json::value::{RawValue, to_raw_value};
use tantivy::{
    DocAddress, Searcher, TantivyDocument, TantivyError, collector::DocSetCollector,
    query::TermQuery, schema::IndexRecordOption,
};
use tracing::error;
use wombat_model::{
    BuildKey, Problem, Refusal, RefusalStatus, Status,
    log::Phase,
    wire::{BuildView, ListAnswer, ListQuestion},
};

use super::{
    Builds, cursor,
    hits::PageCollector,
    order::Order,
    query,
    schema::{Fields, Stored},
};
use crate::{catalog::Snapshot, json::json, live::Live, refusal};

/// Builds per page.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;
/// Room in an answer for everything except builds and counts.
const FRAME: usize = 1024;

impl Builds {
    /// One page of matching builds, below `max_answer` bytes. Open builds get their outlook.
    pub(crate) fn list(
        &self,
        question: &ListQuestion,
        catalog: &Snapshot,
        live: &Live,
        max_answer: usize,
    ) -> Result<ListAnswer<Box<RawValue>>, Refusal> {
        let searchable = self.searchable().ok_or_else(refusal::catching_up)?;
        let searcher = searchable.reader.searcher();
        let order = Order::parse(question.sort.as_deref()).map_err(bad)?;
        let after = question.cursor.as_deref();
        let after = after
            .map(|cursor| cursor::parse(order, cursor))
            .transpose()
            .map_err(bad)?;
        let limit = question.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT) as usize;
        let query = query::parse(
            searcher.index(),
            &searchable.fields,
            catalog,
            &question.query,
        )
        .map_err(bad)?;
        let collector = PageCollector {
            order,
            after,
            // One more shows whether there is another page.
            limit: limit + 1,
            values: &searchable.values,
            counted: question.facets,
        };
        let page = searcher
            .search(&query, &collector)
            .map_err(|error| failed(&error))?;
        let facets = question.facets.then(|| page.counts.into_facets());

        let mut room = max_answer.saturating_sub(json(&facets)?.len() + FRAME);
        let mut more = page.hits.len() > limit && limit > 0;
        let mut builds: Vec<Box<RawValue>> = Vec::with_capacity(limit);
        for (_, address) in page.hits.into_iter().take(limit) {
            let stored = read(&searcher, &searchable.fields, address);
            let build = match stored.map_err(|error| failed(&error))? {
                Stored::Finished(build) => build,
                Stored::Open(view) => to_raw_value(&with_outlook(*view, live))
                    .map_err(|error| failed(&unreadable(&error)))?,
            };
            let size = build.get().len() + 1;
            if size > room && !builds.is_empty() {
                more = true;
                break;
            }
            room = room.saturating_sub(size);
            builds.push(build);
        }
        let last = builds.last().filter(|_| more);
        let next_cursor = last
            .map(|build| cursor::after(order, build.get()))
            .transpose()
            .map_err(|error| failed(&unreadable(&error)))?;
        Ok(ListAnswer {
            builds,
            total: page.total,
            next_cursor,
            facets,
        })
    }
}

impl Builds {
    /// A build as it is listed; `None` if it isn't.
    pub(crate) fn seen(&self, id: &BuildKey, live: &Live) -> Option<BuildView> {
        let searchable = self.searchable()?;
        let searcher = searchable.reader.searcher();
        let query = TermQuery::new(searchable.fields.id(id), IndexRecordOption::Basic);
        let hits = searcher.search(&query, &DocSetCollector).ok()?;
        let stored = read(&searcher, &searchable.fields, hits.into_iter().next()?).ok()?;
        match stored {
            Stored::Finished(build) => serde_json::from_str(build.get()).ok(),
            Stored::Open(view) => Some(with_outlook(*view, live)),
        }
    }
}

fn with_outlook(mut view: BuildView, live: &Live) -> BuildView {
    live.add_queue(&mut view);
    if view.build.status == Status::New {
        view.phase = Some(Phase::Queued);
    }
    view
}

fn read(searcher: &Searcher, fields: &Fields, address: DocAddress) -> Result<Stored, TantivyError> {
    let document: TantivyDocument = searcher.doc(address)?;
    fields
        .stored(&document)
        .ok_or_else(|| unreadable(&"its stored answer is missing"))
}

fn unreadable(error: &dyn std::fmt::Display) -> TantivyError {
    TantivyError::InternalError(format!("a stored build can't be read: {error}"))
}

fn bad(problem: Problem) -> Refusal {
    Refusal::new(RefusalStatus::BadRequest, problem)
}

fn failed(failure: &TantivyError) -> Refusal {
    error!(%failure, "the index of builds can't be searched");
    Refusal::internal()
}
