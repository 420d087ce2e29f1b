//! Finds the blocks of a segment that can hold the first builds of an order, by each block's least and greatest value.
//!
//! Builds are indexed roughly in order of creation, so the newest of any selection are in a few blocks, and no others
//! are read.

use strum::VariantArray as _;
use tantivy::{DocId, SegmentReader, TantivyError, columnar::Column};

use super::{
    order::{ByValue, Order},
    schema::Sort,
};

/// Documents per block.
pub(super) const BLOCK: u32 = 512;

/// The blocks of a segment, for each order, removed builds included.
pub(super) struct Blocks([Vec<Bounds>; Sort::VARIANTS.len()]);

/// The range of the values of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bounds {
    /// The least and the greatest; `None`: no build has one.
    values: Option<(i64, i64)>,
    /// Whether a build has no value.
    missing: bool,
}

impl Bounds {
    fn add(&mut self, value: Option<i64>) {
        let Some(value) = value else {
            self.missing = true;
            return;
        };
        let (least, greatest) = self.values.unwrap_or((value, value));
        self.values = Some((least.min(value), greatest.max(value)));
    }

    fn best(self, order: Order) -> ByValue {
        let value = self.values.map(
            |(least, greatest)| {
                if order.descending { greatest } else { least }
            },
        );
        ByValue::new(order, value)
    }

    fn worst(self, order: Order) -> ByValue {
        let value = self
            .values
            .filter(|_| !self.missing)
            .map(
                |(least, greatest)| {
                    if order.descending { least } else { greatest }
                },
            );
        ByValue::new(order, value)
    }
}

impl Blocks {
    pub(super) fn read(reader: &SegmentReader) -> Result<Self, TantivyError> {
        let mut sorts = [(); Sort::VARIANTS.len()].map(|()| Vec::new());
        for (bounds, sort) in sorts.iter_mut().zip(Sort::VARIANTS) {
            let column = reader.fast_fields().i64(sort.field())?;
            *bounds = bounds_of(&column, reader.max_doc());
        }
        Ok(Self(sorts))
    }

    /// The blocks that may hold something not before `after`, by number, with the best value that each can hold.
    pub(super) fn in_order(
        &self,
        order: Order,
        after: Option<ByValue>,
    ) -> impl Iterator<Item = (ByValue, u32)> + '_ {
        (0..)
            .zip(&self.0[order.sort as usize])
            .filter(move |(_, bounds)| after.is_none_or(|after| bounds.worst(order) >= after))
            .map(move |(block, bounds)| (bounds.best(order), block))
    }
}

fn bounds_of(column: &Column<i64>, documents: u32) -> Vec<Bounds> {
    let mut all = Vec::new();
    let mut numbers: Vec<DocId> = Vec::new();
    for start in (0..documents).step_by(BLOCK as usize) {
        numbers.clear();
        numbers.extend(start..documents.min(start + BLOCK));
        let mut values = [None; BLOCK as usize];
        column.first_vals(&numbers, &mut values[..numbers.len()]);
        let mut bounds = Bounds::default();
        for value in &values[..numbers.len()] {
            bounds.add(*value);
        }
        all.push(bounds);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_all_that_was_added() {
        for values in [
            vec![Some(3)],
            vec![Some(i64::MIN), Some(0), Some(i64::MAX)],
            vec![None, Some(-5)],
            vec![None, None],
        ] {
            let mut bounds = Bounds::default();
            for value in &values {
                bounds.add(*value);
            }
            for text in ["created", "-created"] {
                let order = Order::parse(Some(text)).unwrap();
                let ranks: Vec<ByValue> = values
                    .iter()
                    .map(|value| ByValue::new(order, *value))
                    .collect();
                assert_eq!(ranks.iter().min(), Some(&bounds.best(order)), "{values:?}");
                assert_eq!(ranks.iter().max(), Some(&bounds.worst(order)), "{values:?}");
            }
        }
    }
}
