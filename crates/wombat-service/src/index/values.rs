//! Which builds have which value: one bitmap per value and segment, so that the values of many hits are counted by
//! intersecting bitmaps.
//!
//! Segments never change, so their bitmaps are made once, when a segment becomes searchable.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use parking_lot::RwLock;
use roaring::RoaringBitmap;
use tantivy::{
    Searcher, SearcherGeneration, SegmentReader, TantivyError, Warmer, columnar::StrColumn,
    index::SegmentId,
};
use wombat_model::wire::{FacetCount, Facets};

use super::{blocks::Blocks, schema::FACETS};

/// Values per field in an answer, the most frequent ones.
const MAX_VALUES: usize = 100;

/// The bitmaps of all segments.
#[derive(Default)]
pub(super) struct Values(RwLock<HashMap<SegmentId, Arc<SegmentValues>>>);

impl Values {
    /// The values of a segment.
    pub(super) fn of(&self, reader: &SegmentReader) -> Result<Arc<SegmentValues>, TantivyError> {
        let id = reader.segment_id();
        let known = self.0.read();
        if let Some(values) = known.get(&id) {
            return Ok(Arc::clone(values));
        }
        drop(known);
        let values = Arc::new(SegmentValues::read(reader)?);
        let mut known = self.0.write();
        Ok(Arc::clone(known.entry(id).or_insert(values)))
    }
}

impl Warmer for Values {
    fn warm(&self, searcher: &Searcher) -> Result<(), TantivyError> {
        let mut readers = searcher.segment_readers().iter();
        readers.try_for_each(|reader| self.of(reader).map(drop))
    }

    fn garbage_collect(&self, generations: &[&SearcherGeneration]) {
        let searched: HashSet<SegmentId> = generations
            .iter()
            .flat_map(|generation| generation.segments().keys().copied())
            .collect();
        let mut known = self.0.write();
        known.retain(|id, _| searched.contains(id));
    }
}

/// The values of one segment.
pub(super) struct SegmentValues {
    /// The values of all facet fields, with the builds that have them, removed ones included.
    having: [Vec<(Arc<str>, RoaringBitmap)>; FACETS.len()],
    /// Bounds of the values that builds are sorted by.
    pub(super) blocks: Blocks,
}

impl SegmentValues {
    fn read(reader: &SegmentReader) -> Result<Self, TantivyError> {
        let mut having = [(); FACETS.len()].map(|()| Vec::new());
        for (values, (_, field)) in having.iter_mut().zip(FACETS) {
            if let Some(column) = reader.fast_fields().str(field)? {
                *values = bitmaps(&column, reader.max_doc())?;
            }
        }
        Ok(Self {
            having,
            blocks: Blocks::read(reader)?,
        })
    }

    /// How often each value occurs among these builds.
    pub(super) fn count(&self, hits: &RoaringBitmap) -> Counts {
        let mut counts = Counts::default();
        for (counts, values) in counts.0.iter_mut().zip(&self.having) {
            for (value, having) in values {
                let count = having.intersection_len(hits);
                if count > 0 {
                    counts.insert(Arc::clone(value), count);
                }
            }
        }
        counts
    }
}

fn bitmaps(
    column: &StrColumn,
    documents: u32,
) -> Result<Vec<(Arc<str>, RoaringBitmap)>, TantivyError> {
    let mut having = vec![RoaringBitmap::new(); column.num_terms()];
    for document in 0..documents {
        for ordinal in column.ords().values_for_doc(document) {
            let place = usize::try_from(ordinal).unwrap_or(usize::MAX);
            if let Some(bitmap) = having.get_mut(place) {
                bitmap.insert(document);
            }
        }
    }
    let mut value = String::new();
    (0..)
        .zip(having)
        .map(|(ordinal, bitmap)| {
            value.clear();
            column.ord_to_str(ordinal, &mut value)?;
            Ok((Arc::from(value.as_str()), bitmap))
        })
        .collect()
}

/// How often each value of each facet field occurs.
#[derive(Debug, Default)]
pub(super) struct Counts([BTreeMap<Arc<str>, u64>; FACETS.len()]);

impl Counts {
    /// Adds the counts of other builds.
    pub(super) fn add(&mut self, other: Self) {
        for (counts, other) in self.0.iter_mut().zip(other.0) {
            for (value, count) in other {
                *counts.entry(value).or_default() += count;
            }
        }
    }

    /// By field, the most frequent values first.
    pub(super) fn into_facets(self) -> Facets {
        let facets = FACETS.into_iter().zip(self.0).map(|((name, _), counts)| {
            let mut counts: Vec<(Arc<str>, u64)> = counts.into_iter().collect();
            // Equally frequent values stay in their order.
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            counts.truncate(MAX_VALUES);
            let counts = counts.into_iter().map(|(value, count)| FacetCount {
                value: value.as_ref().to_owned(),
                count,
            });
            (name.to_owned(), counts.collect())
        });
        facets.collect()
    }
}
