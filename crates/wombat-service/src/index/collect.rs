//! Finds one page of hits in an order of our own, and counts all of them.

use std::collections::BinaryHeap;

use tantivy::{
    DocAddress, DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::Column,
};

use super::{cursor::Order, schema::TIE};

/// Place of a build in an order, smallest first: builds without a value last, then by value, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    missing: bool,
    value: i64,
    tie: u64,
}

impl Rank {
    pub(super) fn new(order: Order, value: Option<i64>, tie: u64) -> Self {
        Self {
            missing: value.is_none(),
            // The complement turns the order of all numbers around, the smallest included.
            value: match value {
                Some(value) if order.descending => !value,
                Some(value) => value,
                None => 0,
            },
            tie,
        }
    }
}

/// The hits of a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Hits on all pages.
    pub(super) total: u64,
    /// Those of this page, in order.
    pub(super) hits: Vec<(Rank, DocAddress)>,
}

/// Collects the first `limit` hits after a rank.
pub(super) struct PageCollector {
    pub(super) order: Order,
    pub(super) after: Option<Rank>,
    pub(super) limit: usize,
}

impl Collector for PageCollector {
    type Fruit = Page;
    type Child = SegmentPage;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentPage> {
        Ok(SegmentPage {
            segment,
            values: reader.fast_fields().i64(self.order.sort.field())?,
            ties: reader.fast_fields().u64(TIE)?,
            order: self.order,
            after: self.after,
            limit: self.limit,
            total: 0,
            first: BinaryHeap::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, pages: Vec<Page>) -> tantivy::Result<Page> {
        let mut all = Page::default();
        for page in pages {
            all.total += page.total;
            all.hits.extend(page.hits);
        }
        all.hits.sort_unstable();
        all.hits.truncate(self.limit);
        Ok(all)
    }
}

/// The same within one segment.
pub(super) struct SegmentPage {
    segment: SegmentOrdinal,
    values: Column<i64>,
    ties: Column<u64>,
    order: Order,
    after: Option<Rank>,
    limit: usize,
    total: u64,
    /// The smallest ranks so far, the largest of them on top.
    first: BinaryHeap<(Rank, DocId)>,
}

impl SegmentCollector for SegmentPage {
    type Fruit = Page;

    fn collect(&mut self, document: DocId, _: Score) {
        self.total += 1;
        let tie = self.ties.first(document).unwrap_or_default();
        let rank = Rank::new(self.order, self.values.first(document), tie);
        if self.after.is_some_and(|after| rank <= after) {
            return;
        }
        if self.first.len() < self.limit {
            self.first.push((rank, document));
        } else if let Some(mut largest) = self.first.peek_mut()
            && rank < largest.0
        {
            *largest = (rank, document);
        }
    }

    fn harvest(self) -> Page {
        let segment = self.segment;
        let hits = self.first.into_iter();
        Page {
            total: self.total,
            hits: hits
                .map(|(rank, document)| (rank, DocAddress::new(segment, document)))
                .collect(),
        }
    }
}
