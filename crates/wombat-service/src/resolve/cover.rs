//! The set of packages that brings a set of components: the smallest binary among those with the freest licence, then
//! the fewest packages.
//!
//! Exact by branch and bound: the scarcest component first, every package that brings it in turn. Components that the
//! same packages bring are one, and parts that packages share count once. A request of usual size takes some dozens of
//! tries; the best cover so far is used where it would take too many, at worst the greedy one.

use wombat_model::catalog::Licence;

/// Packages that are tried in all, over all branches; some milliseconds.
const MOST_TRIES: usize = 40_000;

/// A package that may be chosen.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Which elements it covers.
    pub(super) covers: Vec<usize>,
    pub(super) licence: Licence,
    /// Bytes that it alone adds.
    pub(super) own: u64,
    /// Parts that it shares with others.
    pub(super) parts: Vec<usize>,
}

/// What is to be covered, and with what. Candidates come in the order that decides between equal covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    pub(super) elements: usize,
    pub(super) candidates: &'a [Candidate],
    /// The bytes of the shared parts.
    pub(super) parts: &'a [u64],
    /// Parts that are in the binary anyway.
    pub(super) present: &'a [usize],
    /// The licence of the selection, whatever is chosen.
    pub(super) licence: Licence,
}

impl Task<'_> {
    /// The places of the chosen candidates, ascending; `None` if an element has no candidate.
    pub(super) fn solve(&self) -> Option<Vec<usize>> {
        let classes = [Licence::Apache, Licence::Community, Licence::Rcl];
        let allowed = classes.into_iter().filter(|class| *class >= self.licence);
        allowed.into_iter().find_map(|class| {
            let mut search = Search::new(self, class)?;
            search.extend();
            search.best.map(|best| best.chosen)
        })
    }
}

/// Compared from left to right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cover {
    bytes: u64,
    packages: usize,
    chosen: Vec<usize>,
}

struct Search<'a> {
    task: &'a Task<'a>,
    /// For each group of elements, the candidates that cover it.
    suppliers: Vec<Vec<usize>>,
    /// For each candidate, the groups that it covers.
    groups: Vec<Vec<usize>>,
    /// How often each group is covered.
    covered: Vec<u32>,
    /// How often each part is in the binary.
    present: Vec<u32>,
    chosen: Vec<usize>,
    bytes: u64,
    best: Option<Cover>,
    tries: usize,
}

impl<'a> Search<'a> {
    /// A search among candidates of this licence or a freer one, whose best cover so far is the greedy one.
    fn new(task: &'a Task<'a>, class: Licence) -> Option<Self> {
        let mut of_elements = vec![Vec::new(); task.elements];
        for (index, candidate) in task.candidates.iter().enumerate() {
            if candidate.licence <= class {
                for element in &candidate.covers {
                    of_elements[*element].push(index);
                }
            }
        }
        if of_elements.iter().any(Vec::is_empty) {
            return None;
        }
        of_elements.sort_unstable();
        of_elements.dedup();
        let mut groups = vec![Vec::new(); task.candidates.len()];
        for (group, suppliers) in of_elements.iter().enumerate() {
            for supplier in suppliers {
                groups[*supplier].push(group);
            }
        }
        let mut present = vec![0; task.parts.len()];
        for part in task.present {
            present[*part] = 1;
        }
        let mut search = Self {
            task,
            covered: vec![0; of_elements.len()],
            suppliers: of_elements,
            groups,
            present,
            chosen: Vec::new(),
            bytes: 0,
            best: None,
            tries: 0,
        };
        search.greedy();
        Some(search)
    }

    /// Takes the candidate with the fewest bytes for each group that is missing, until none is.
    fn greedy(&mut self) {
        while let Some(group) = self.scarcest() {
            let price = |search: &Self, index: usize| {
                let gain = search.gain(index).max(1) as u64;
                (search.added(index) / gain, index)
            };
            let suppliers = self.suppliers[group].iter();
            let Some((_, cheapest)) = suppliers.map(|index| price(self, *index)).min() else {
                break;
            };
            self.choose(cheapest);
        }
        self.drop_superfluous();
        self.note();
        while let Some(last) = self.chosen.last().copied() {
            self.leave(last);
        }
    }

    fn drop_superfluous(&mut self) {
        let mut chosen = self.chosen.clone();
        chosen.sort_by_key(|index| std::cmp::Reverse(self.task.candidates[*index].own));
        for index in chosen {
            if self.groups[index].iter().all(|it| self.covered[*it] > 1) {
                self.leave(index);
            }
        }
    }

    fn extend(&mut self) {
        let Some(group) = self.scarcest() else {
            return self.note();
        };
        if self.is_hopeless() || self.tries >= MOST_TRIES {
            return;
        }
        let suppliers = self.suppliers[group].iter();
        let mut next: Vec<(u64, usize)> = suppliers.map(|it| (self.added(*it), *it)).collect();
        self.tries += next.len();
        next.sort_unstable();
        for (_, index) in next {
            self.choose(index);
            self.extend();
            self.leave(index);
        }
    }

    /// The group without a supplier so far that the fewest candidates cover.
    fn scarcest(&self) -> Option<usize> {
        (0..self.covered.len())
            .filter(|group| self.covered[*group] == 0)
            .min_by_key(|group| self.suppliers[*group].len())
    }

    /// Whether no cover with what is chosen so far can be better than the best one.
    fn is_hopeless(&mut self) -> bool {
        let Some(best) = &self.best else { return false };
        let best = (best.bytes, best.packages);
        // Each missing group needs one of its suppliers. Groups without a common supplier need different ones, whose
        // own bytes add up.
        let (mut most, mut sum, mut count) = (0, 0, 0);
        let mut used = vec![false; self.task.candidates.len()];
        for group in (0..self.covered.len()).filter(|group| self.covered[*group] == 0) {
            let suppliers = &self.suppliers[group];
            self.tries += suppliers.len();
            let added = suppliers.iter().map(|index| self.added(*index)).min();
            most = most.max(added.unwrap_or(0));
            if suppliers.iter().all(|index| !used[*index]) {
                let own = suppliers.iter().map(|it| self.task.candidates[*it].own);
                sum += own.min().unwrap_or(0);
                count += 1;
                for index in suppliers {
                    used[*index] = true;
                }
            }
        }
        (self.bytes + most.max(sum), self.chosen.len() + count) > best
    }

    /// How many groups it would cover that aren't covered.
    fn gain(&self, index: usize) -> usize {
        let groups = self.groups[index].iter();
        groups.filter(|group| self.covered[**group] == 0).count()
    }

    /// Bytes that it would add to what is chosen so far.
    fn added(&self, index: usize) -> u64 {
        let candidate = &self.task.candidates[index];
        let parts = candidate.parts.iter();
        let missing = parts.filter(|part| self.present[**part] == 0);
        candidate.own + missing.map(|part| self.task.parts[*part]).sum::<u64>()
    }

    fn choose(&mut self, index: usize) {
        self.bytes += self.added(index);
        self.chosen.push(index);
        self.count(index, |count| *count += 1);
    }

    fn leave(&mut self, index: usize) {
        self.chosen.retain(|it| *it != index);
        self.count(index, |count| *count -= 1);
        self.bytes -= self.added(index);
    }

    fn count(&mut self, index: usize, change: impl Fn(&mut u32)) {
        for group in &self.groups[index] {
            change(&mut self.covered[*group]);
        }
        for part in &self.task.candidates[index].parts {
            change(&mut self.present[*part]);
        }
    }

    fn note(&mut self) {
        let mut chosen = self.chosen.clone();
        chosen.sort_unstable();
        let cover = Cover {
            bytes: self.bytes,
            packages: chosen.len(),
            chosen,
        };
        if self.best.as_ref().is_none_or(|best| cover < *best) {
            self.best = Some(cover);
        }
    }
}

#[cfg(test)]
mod tests;
