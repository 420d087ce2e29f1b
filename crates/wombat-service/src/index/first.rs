//! The first of many ranks.

use tantivy::DocId;

use super::order::{ByValue, Rank};

/// The smallest ranks of many. Builds come in order of creation, in which each newer one is the first of all: a heap
/// would be reordered by every one of them, so more than needed are collected, and cut from time to time.
pub(super) struct First {
    limit: usize,
    ranks: Vec<(Rank, DocId)>,
    /// No rank beyond it is among the first.
    last: Option<Rank>,
}

impl First {
    /// Ranks gathered beyond the limit.
    const SPARE: usize = 256;

    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ranks: Vec::with_capacity(limit + Self::SPARE),
            last: None,
        }
    }

    /// Whether nothing with this value is among the first.
    pub(super) fn is_behind(&self, by_value: ByValue) -> bool {
        self.last.is_some_and(|last| by_value > last.by_value)
    }

    pub(super) fn push(&mut self, rank: Rank, document: DocId) {
        if self.last.is_some_and(|last| rank > last) {
            return;
        }
        self.ranks.push((rank, document));
        if self.ranks.len() >= self.limit + Self::SPARE {
            self.cut();
        }
    }

    /// Drops all but the smallest, and remembers the last of these.
    pub(super) fn cut(&mut self) {
        if self.limit == 0 {
            self.ranks.clear();
        } else if self.ranks.len() >= self.limit {
            let (_, last, _) = self.ranks.select_nth_unstable(self.limit - 1);
            self.last = Some(last.0);
            self.ranks.truncate(self.limit);
        }
    }

    pub(super) fn into_vec(mut self) -> Vec<(Rank, DocId)> {
        self.cut();
        self.ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::order::Order;

    fn rank(value: i64, tie: u64) -> Rank {
        Rank::new(Order::parse(Some("created")).unwrap(), Some(value), tie)
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
