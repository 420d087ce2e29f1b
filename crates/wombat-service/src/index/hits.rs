//! Finds one page of hits in a custom order, counts all hits, and counts their values.

use std::sync::Arc;

use roaring::RoaringBitmap;
use tantivy::{
    DocAddress, DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::Column,
};

use super::{
    blocks::BLOCK,
    first::First,
    order::{ByValue, Order, Rank},
    schema::TIE,
    values::{Counts, SegmentValues, Values},
};

/// The hits of a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Hits on all pages.
    pub(super) total: u64,
    /// Those of this page, in order.
    pub(super) hits: Vec<(Rank, DocAddress)>,
    /// How often each value occurs among all hits, if requested.
    pub(super) counts: Counts,
}

/// Collects the first `limit` hits after a rank.
pub(super) struct PageCollector<'a> {
    pub(super) order: Order,
    pub(super) after: Option<Rank>,
    pub(super) limit: usize,
    pub(super) values: &'a Values,
    /// Whether values are counted.
    pub(super) counted: bool,
}

impl Collector for PageCollector<'_> {
    type Fruit = Page;
    type Child = SegmentPage;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentPage> {
        Ok(SegmentPage {
            segment,
            sorted_by: reader.fast_fields().i64(self.order.sort.field())?,
            ties: reader.fast_fields().u64(TIE)?,
            order: self.order,
            after: self.after,
            limit: self.limit,
            total: 0,
            hits: Hits::new(reader.max_doc()),
            values: self.values.of(reader)?,
            counted: self.counted,
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

/// Collects within one segment: all hits, then the first of them.
pub(super) struct SegmentPage {
    segment: SegmentOrdinal,
    sorted_by: Column<i64>,
    ties: Column<u64>,
    order: Order,
    after: Option<Rank>,
    limit: usize,
    total: u64,
    hits: Hits,
    values: Arc<SegmentValues>,
    counted: bool,
}

impl SegmentPage {
    /// Reads one block after the other, the most promising first, until no other can hold anything better.
    fn first(&self) -> Vec<(Rank, DocId)> {
        let after = self.after.map(|after| after.by_value);
        let mut blocks: Vec<(ByValue, u32)> = self
            .values
            .blocks
            .in_order(self.order, after)
            .filter(|(_, block)| self.hits.any(*block))
            .collect();
        blocks.sort_unstable();
        let mut first = First::new(self.limit);
        let mut documents = Vec::with_capacity(BLOCK as usize);
        for (best, block) in blocks {
            if first.is_behind(best) {
                break;
            }
            documents.clear();
            documents.extend(self.hits.of_block(block));
            let mut values = [None; BLOCK as usize];
            self.sorted_by
                .first_vals(&documents, &mut values[..documents.len()]);
            for (document, value) in documents.iter().zip(values) {
                self.offer(&mut first, *document, value);
            }
            first.cut();
        }
        first.into_vec()
    }

    fn offer(&self, first: &mut First, document: DocId, value: Option<i64>) {
        let by_value = ByValue::new(self.order, value);
        if first.is_behind(by_value) {
            return;
        }
        let rank = Rank {
            by_value,
            tie: self.ties.first(document).unwrap_or_default(),
        };
        if self.after.is_none_or(|after| rank > after) {
            first.push(rank, document);
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
        self.hits.add(documents);
    }

    fn harvest(self) -> Page {
        let segment = self.segment;
        let first = self.first().into_iter();
        let counts = self
            .counted
            .then(|| self.values.count(&self.hits.into_bitmap()));
        Page {
            total: self.total,
            hits: first
                .map(|(rank, document)| (rank, DocAddress::new(segment, document)))
                .collect(),
            counts: counts.unwrap_or_default(),
        }
    }
}

/// Hits of a segment, one bit per document: compressed bitmaps take hundreds of times as long to fill one by one.
struct Hits(Vec<u8>);

/// Bytes of a block.
const BYTES: usize = (BLOCK / u8::BITS) as usize;

impl Hits {
    fn new(documents: u32) -> Self {
        Self(vec![0; documents.div_ceil(BLOCK) as usize * BYTES])
    }

    fn add(&mut self, documents: &[DocId]) {
        for document in documents {
            self.0[(document / u8::BITS) as usize] |= 1 << (document % u8::BITS);
        }
    }

    fn bytes(&self, block: u32) -> &[u8] {
        &self.0[block as usize * BYTES..][..BYTES]
    }

    fn any(&self, block: u32) -> bool {
        self.bytes(block).iter().any(|byte| *byte != 0)
    }

    fn of_block(&self, block: u32) -> impl Iterator<Item = DocId> + '_ {
        (block * BLOCK..)
            .step_by(u8::BITS as usize)
            .zip(self.bytes(block))
            .flat_map(|(start, byte)| {
                (0..u8::BITS)
                    .filter(move |bit| byte & (1 << bit) != 0)
                    .map(move |bit| start + bit)
            })
    }

    fn into_bitmap(self) -> RoaringBitmap {
        RoaringBitmap::from_lsb0_bytes(0, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use tantivy::{Index, IndexWriter, TantivyDocument, query::AllQuery};

    use super::*;
    use crate::index::schema::{Sort, register_tokenizers, schema};

    #[test]
    fn pages_of_any_order_are_what_sorting_everything_gives() {
        let index = Index::create_in_ram(schema());
        register_tokenizers(&index);
        let field = |name| index.schema().get_field(name).unwrap();
        let (ties, sizes) = (field(TIE), field(Sort::Size.field()));
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
        let mut builds: Vec<(Option<i64>, u64)> = Vec::new();
        for n in 0..4000_i64 {
            let value = (n % 11 != 0).then_some(n * 7919 % 1009 - 500);
            let tie = u64::try_from(n * 31 % 4001).unwrap();
            let mut document = TantivyDocument::new();
            document.add_u64(ties, tie);
            if let Some(value) = value {
                document.add_i64(sizes, value);
            }
            // In order of creation, as dates are.
            document.add_i64(field(Sort::Created.field()), n / 2);
            writer.add_document(document).unwrap();
            builds.push((value, tie));
            if n == 3000 {
                writer.commit().unwrap();
            }
        }
        writer.commit().unwrap();
        let searcher = index.reader().unwrap().searcher();
        assert!(searcher.segment_readers().len() > 1);
        let values = Values::default();
        for text in ["created", "-created", "size", "-size", "duration"] {
            let order = Order::parse(Some(text)).unwrap();
            let rank = |(n, build): (usize, &(Option<i64>, u64))| {
                let value = match order.sort {
                    Sort::Created => i64::try_from(n / 2).ok(),
                    Sort::Size => build.0,
                    _ => None,
                };
                Rank::new(order, value, build.1)
            };
            let mut expected: Vec<Rank> = builds.iter().enumerate().map(rank).collect();
            expected.sort_unstable();
            let mut after = None;
            for page in expected.chunks(21) {
                let collector = PageCollector {
                    order,
                    after,
                    limit: 21,
                    values: &values,
                    counted: false,
                };
                let found = searcher.search(&AllQuery, &collector).unwrap();
                assert_eq!(found.total, 4000);
                let ranks = found.hits.iter().map(|(rank, _)| *rank);
                assert!(ranks.eq(page.iter().copied()), "{text} after {after:?}");
                after = page.last().copied();
            }
        }
    }

    #[test]
    fn hits_are_the_documents_of_their_blocks_and_their_bitmap() {
        for documents in [0, 1, 8, 9, 512, 513, 200_000] {
            let all: Vec<DocId> = (0..documents)
                .filter(|document| document % 7 != 3 && document / BLOCK != 3)
                .collect();
            let mut hits = Hits::new(documents);
            for block in all.chunks(64) {
                hits.add(block);
            }
            let blocks = 0..documents.div_ceil(BLOCK);
            let found = blocks.clone().flat_map(|block| hits.of_block(block));
            assert!(found.eq(all.iter().copied()));
            assert!(
                blocks
                    .filter(|block| !hits.any(*block))
                    .eq((documents > 3 * BLOCK).then_some(3))
            );
            assert!(hits.into_bitmap().iter().eq(all));
        }
    }
}
