//! Answers `build.list`.

use tantivy::{Searcher, TantivyDocument, TantivyError};
use tracing::error;
use wombat_model::{
    Problem, Refusal, RefusalStatus, Status,
    log::Phase,
    wire::{BuildView, ListAnswer, ListQuestion},
};

use super::{
    Builds,
    collect::{Page, PageCollector},
    cursor::{self, Order},
    facets, query,
    schema::Fields,
};
use crate::{answers::json, catalog::Snapshot, live::Live, refusal};

/// Builds a page.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;
/// Room for everything in an answer that isn't a build or a count.
const FRAME: usize = 1024;

impl Builds {
    /// One page of the builds that fit, below `max_answer` bytes. What is running or waiting gets its outlook.
    pub(crate) fn list(
        &self,
        question: &ListQuestion,
        catalog: &Snapshot,
        live: &Live,
        max_answer: usize,
    ) -> Result<ListAnswer, Refusal> {
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
            // One more says whether there is another page.
            limit: limit + 1,
        };
        let (page, facets) = if question.facets {
            let counting = facets::collector().map_err(|error| failed(&error))?;
            let (page, results) = searcher
                .search(&query, &(collector, counting))
                .map_err(|error| failed(&error))?;
            let facets = facets::counts(&results).map_err(|error| failed(&error))?;
            (page, Some(facets))
        } else {
            let page = searcher.search(&query, &collector);
            (page.map_err(|error| failed(&error))?, None)
        };

        let mut answer = ListAnswer {
            builds: Vec::new(),
            total: page.total,
            next_cursor: None,
            facets,
        };
        let room = max_answer.saturating_sub(json(&answer.facets)?.len() + FRAME);
        let more = fill(&mut answer, &page, limit, room, &|address| {
            read(&searcher, &searchable.fields, address)
        })?;
        if more {
            answer.next_cursor = answer.builds.last().map(|view| cursor::after(order, view));
        }
        for view in &mut answer.builds {
            if !view.build.status.is_terminal() {
                live.add_queue(view);
            }
            if view.build.status == Status::New {
                view.phase = Some(Phase::Queued);
            }
        }
        Ok(answer)
    }
}

/// Puts as many builds as fit into the answer; whether there are more.
fn fill(
    answer: &mut ListAnswer,
    page: &Page,
    limit: usize,
    mut room: usize,
    read: &dyn Fn(tantivy::DocAddress) -> Result<BuildView, TantivyError>,
) -> Result<bool, Refusal> {
    /// What a queue position and an estimate add.
    const OUTLOOK: usize = 128;
    for (_, address) in page.hits.iter().take(limit) {
        let view = read(*address).map_err(|error| failed(&error))?;
        let size = json(&view)?.len() + OUTLOOK;
        if size > room && !answer.builds.is_empty() {
            return Ok(true);
        }
        room = room.saturating_sub(size);
        answer.builds.push(view);
    }
    Ok(page.hits.len() > limit && limit > 0)
}

fn read(
    searcher: &Searcher,
    fields: &Fields,
    address: tantivy::DocAddress,
) -> Result<BuildView, TantivyError> {
    let document: TantivyDocument = searcher.doc(address)?;
    fields
        .view(&document)
        .ok_or_else(|| TantivyError::InternalError("a stored build can't be read".to_owned()))
}

fn bad(problem: Problem) -> Refusal {
    Refusal::new(RefusalStatus::BadRequest, problem)
}

fn failed(failure: &TantivyError) -> Refusal {
    error!(%failure, "the index of builds can't be searched");
    Refusal::internal()
}
