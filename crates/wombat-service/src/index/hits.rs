//! Finds one page of hits in an order of our own, counts all of them, and the values of all of them.

use std::sync::Arc;

use roaring::RoaringBitmap;
use tantivy::{
    COLLECT_BLOCK_BUFFER_LEN, DocAddress, DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::Column,
};

use super::{
    cursor::Order,
    schema::TIE,
    values::{Counts, SegmentValues, Values},
};

/// Place of a build in an order, smallest first: builds without a value last, then by value, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    by_value: ByValue,
    tie: u64,
}

/// The part of a rank that most builds differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ByValue {
    missing: bool,
    value: i64,
}

impl ByValue {
    fn new(order: Order, value: Option<i64>) -> Self {
        Self {
            missing: value.is_none(),
            // The complement turns the order of all numbers around, the smallest included.
            value: match value {
                Some(value) if order.descending => !value,
                Some(value) => value,
                None => 0,
            },
        }
    }
}

impl Rank {
    pub(super) fn new(order: Order, value: Option<i64>, tie: u64) -> Self {
        Self {
            by_value: ByValue::new(order, value),
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
    /// How often each value occurs among all hits, if that was asked for.
    pub(super) counts: Counts,
}

/// Collects the first `limit` hits after a rank.
pub(super) struct PageCollector<'a> {
    pub(super) order: Order,
    pub(super) after: Option<Rank>,
    pub(super) limit: usize,
    /// Where values are counted from; `None`: they aren't.
    pub(super) values: Option<&'a Values>,
}

impl Collector for PageCollector<'_> {
    type Fruit = Page;
    type Child = SegmentPage;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentPage> {
        let values = self.values.map(|values| values.of(reader)).transpose()?;
        Ok(SegmentPage {
            segment,
            sorted_by: reader.fast_fields().i64(self.order.sort.field())?,
            block: [None; COLLECT_BLOCK_BUFFER_LEN],
            ties: reader.fast_fields().u64(TIE)?,
            order: self.order,
            after: self.after,
            first: First::new(self.limit),
            total: 0,
            counted: values.map(|values| (values, Hits::new(reader.max_doc()))),
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
            all.counts.add(page.counts);
        }
        all.hits.sort_unstable();
        all.hits.truncate(self.limit);
        Ok(all)
    }
}

/// The same within one segment.
pub(super) struct SegmentPage {
    segment: SegmentOrdinal,
    sorted_by: Column<i64>,
    /// What a block of hits is sorted by.
    block: [Option<i64>; COLLECT_BLOCK_BUFFER_LEN],
    ties: Column<u64>,
    order: Order,
    after: Option<Rank>,
    first: First,
    total: u64,
    /// All hits, where their values are to be counted.
    counted: Option<(Arc<SegmentValues>, Hits)>,
}

impl SegmentPage {
    fn offer(&mut self, document: DocId, value: Option<i64>) {
        let by_value = ByValue::new(self.order, value);
        if self.first.is_behind(by_value) {
            return;
        }
        let rank = Rank {
            by_value,
            tie: self.ties.first(document).unwrap_or_default(),
        };
        if self.after.is_none_or(|after| rank > after) {
            self.first.push(rank, document);
        }
    }
}

impl SegmentCollector for SegmentPage {
    type Fruit = Page;

    fn collect(&mut self, document: DocId, _: Score) {
        self.collect_block(&[document]);
    }

    fn collect_block(&mut self, documents: &[DocId]) {
        self.total += documents.len() as u64;
        if let Some((_, hits)) = &mut self.counted {
            hits.add(documents);
        }
        for documents in documents.chunks(COLLECT_BLOCK_BUFFER_LEN) {
            self.sorted_by
                .first_vals(documents, &mut self.block[..documents.len()]);
            for (place, document) in documents.iter().enumerate() {
                self.offer(*document, self.block[place]);
            }
        }
    }

    fn harvest(self) -> Page {
        let segment = self.segment;
        let hits = self.first.into_vec().into_iter();
        Page {
            total: self.total,
            hits: hits
                .map(|(rank, document)| (rank, DocAddress::new(segment, document)))
                .collect(),
            counts: self
                .counted
                .map(|(values, hits)| values.count(&hits.into_bitmap()))
                .unwrap_or_default(),
        }
    }
}

/// Hits of a segment, a bit a document: compressed bitmaps take hundreds of times as long to be filled one by one.
struct Hits(Vec<u8>);

impl Hits {
    fn new(documents: u32) -> Self {
        Self(vec![0; documents.div_ceil(u8::BITS) as usize])
    }

    fn add(&mut self, documents: &[DocId]) {
        for document in documents {
            self.0[(document / u8::BITS) as usize] |= 1 << (document % u8::BITS);
        }
    }

    fn into_bitmap(self) -> RoaringBitmap {
        RoaringBitmap::from_lsb0_bytes(0, &self.0)
    }
}

/// The smallest ranks of many. Builds come in the order of their making, in which each newer one is the first of all:
/// a heap would be turned over with every one of them, so more than needed are gathered, and cut from time to time.
struct First {
    limit: usize,
    ranks: Vec<(Rank, DocId)>,
    /// No rank beyond it is among the first.
    last: Option<Rank>,
}

impl First {
    /// Ranks gathered beyond the limit.
    const SPARE: usize = 256;

    fn new(limit: usize) -> Self {
        Self {
            limit,
            ranks: Vec::with_capacity(limit + Self::SPARE),
            last: None,
        }
    }

    /// Whether nothing with this value is among the first.
    fn is_behind(&self, by_value: ByValue) -> bool {
        self.last.is_some_and(|last| by_value > last.by_value)
    }

    fn push(&mut self, rank: Rank, document: DocId) {
        if self.last.is_some_and(|last| rank > last) {
            return;
        }
        self.ranks.push((rank, document));
        if self.ranks.len() >= self.limit + Self::SPARE {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.limit == 0 {
            self.ranks.clear();
        } else if self.ranks.len() > self.limit {
            let (_, last, _) = self.ranks.select_nth_unstable(self.limit - 1);
            self.last = Some(last.0);
            self.ranks.truncate(self.limit);
        }
    }

    fn into_vec(mut self) -> Vec<(Rank, DocId)> {
        self.cut();
        self.ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(value: i64, tie: u64) -> Rank {
        let by_value = ByValue {
            missing: false,
            value,
        };
        Rank { by_value, tie }
    }

    #[test]
    fn hits_are_the_documents_of_their_bitmap() {
        for documents in [0, 1, 8, 9, 200_000] {
            let all: Vec<DocId> = (0..documents)
                .filter(|document| document % 7 != 3)
                .collect();
            let mut hits = Hits::new(documents);
            for block in all.chunks(64) {
                hits.add(block);
            }
            assert!(hits.into_bitmap().iter().eq(all));
        }
    }

    #[test]
    fn the_smallest_ranks_are_kept_in_whatever_order_they_come() {
        let orders: [fn(i64) -> i64; 3] = [|n| n, |n| -n, |n| n * 7919 % 10_007];
        for order in orders {
            for limit in [0, 1, 21, 5000, 20_000] {
                let mut first = First::new(limit);
                let mut all = Vec::new();
                for n in 0..10_000_u32 {
                    // Every value is there twice.
                    let rank = rank(order(i64::from(n / 2)), u64::from(n % 2));
                    all.push((rank, n));
                    if !first.is_behind(rank.by_value) {
                        first.push(rank, n);
                    }
                }
                all.sort_unstable();
                all.truncate(limit);
                let mut kept = first.into_vec();
                kept.sort_unstable();
                assert_eq!(kept, all, "limit {limit}");
            }
        }
    }
}
