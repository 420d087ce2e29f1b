//! The smallest set of packages that brings a set of components.
//!
//! Exact by branch and bound: the scarcest component first, every package that brings it in turn. The catalog is small
//! and overlaps little, so this ends fast; if not, the best cover so far is used, at worst the greedy one.

use std::cmp::Ordering;

/// Steps after which the best cover so far is taken.
const MAX_STEPS: usize = 200_000;

/// A package that may be chosen.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    /// Identifies it for the caller; ties are broken by its order.
    pub(super) id: T,
    /// Which elements it covers, ascending.
    pub(super) covers: Vec<usize>,
    /// Its cost, apart from being one more package.
    pub(super) cost: Cost,
}

/// Compared after the number of packages: licence before size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    /// Packages under the Redpanda Community Licence.
    pub(super) rcl: u32,
    /// Packages of the community bundle with files under it.
    pub(super) community: u32,
    /// Files under it.
    pub(super) rcl_files: u32,
    /// Components that they register in all, as a measure of their size.
    pub(super) components: usize,
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self {
            rcl: self.rcl + other.rcl,
            community: self.community + other.community,
            rcl_files: self.rcl_files + other.rcl_files,
            components: self.components + other.components,
        }
    }
}

/// Indices of the cheapest cover of all `elements`; `None` if an element has no candidate.
pub(super) fn cheapest<T: Ord>(elements: usize, candidates: &[Candidate<T>]) -> Option<Vec<usize>> {
    let mut suppliers = vec![Vec::new(); elements];
    for (index, candidate) in candidates.iter().enumerate() {
        for element in &candidate.covers {
            suppliers[*element].push(index);
        }
    }
    let mut search = Search {
        candidates,
        suppliers: &suppliers,
        best: None,
        steps: 0,
    };
    search.best = Some(search.greedy(elements)?);
    let mut covered = vec![0_u32; elements];
    search.extend(&mut Vec::new(), &mut covered, Cost::default());
    search.best.map(|best| best.chosen)
}

struct Search<'a, T> {
    candidates: &'a [Candidate<T>],
    /// Which candidates cover an element.
    suppliers: &'a [Vec<usize>],
    best: Option<Best>,
    steps: usize,
}

struct Best {
    chosen: Vec<usize>,
    cost: Cost,
}

impl<T: Ord> Search<'_, T> {
    /// Takes the candidate that covers most of what is missing, until nothing is.
    fn greedy(&self, elements: usize) -> Option<Best> {
        let mut covered = vec![false; elements];
        let mut best = Best {
            chosen: Vec::new(),
            cost: Cost::default(),
        };
        while covered.contains(&false) {
            let gain = |candidate: &Candidate<T>| {
                candidate.covers.iter().filter(|e| !covered[**e]).count()
            };
            let (index, candidate) = self
                .candidates
                .iter()
                .enumerate()
                .filter(|(_, candidate)| gain(candidate) > 0)
                .max_by(|(_, left), (_, right)| {
                    gain(left)
                        .cmp(&gain(right))
                        .then_with(|| right.cost.cmp(&left.cost))
                        .then_with(|| right.id.cmp(&left.id))
                })?;
            best.chosen.push(index);
            best.cost = best.cost.plus(candidate.cost);
            for element in &candidate.covers {
                covered[*element] = true;
            }
        }
        Some(best)
    }

    fn extend(&mut self, chosen: &mut Vec<usize>, covered: &mut [u32], cost: Cost) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return;
        }
        let Some(element) = self.scarcest(covered) else {
            if self.beats_best(chosen, cost) {
                self.best = Some(Best {
                    chosen: chosen.clone(),
                    cost,
                });
            }
            return;
        };
        let limit = self
            .best
            .as_ref()
            .map_or(usize::MAX, |best| best.chosen.len());
        if chosen.len() + self.needed_at_least(covered) > limit {
            return;
        }
        let suppliers = self.suppliers;
        for &index in &suppliers[element] {
            let candidate = &self.candidates[index];
            let cost = cost.plus(candidate.cost);
            for element in &candidate.covers {
                covered[*element] += 1;
            }
            chosen.push(index);
            self.extend(chosen, covered, cost);
            chosen.pop();
            for element in &self.candidates[index].covers {
                covered[*element] -= 1;
            }
        }
    }

    /// The uncovered element that the fewest candidates bring.
    fn scarcest(&self, covered: &[u32]) -> Option<usize> {
        (0..covered.len())
            .filter(|element| covered[*element] == 0)
            .min_by_key(|element| self.suppliers[*element].len())
    }

    /// How many more packages it takes even if each brought as much as the best of them.
    fn needed_at_least(&self, covered: &[u32]) -> usize {
        let missing = covered.iter().filter(|count| **count == 0).count();
        let gain = |candidate: &Candidate<T>| {
            let new = candidate.covers.iter().filter(|e| covered[**e] == 0);
            new.count()
        };
        let most = self.candidates.iter().map(gain).max().unwrap_or(0);
        missing.div_ceil(most.max(1))
    }

    fn beats_best(&self, chosen: &[usize], cost: Cost) -> bool {
        let Some(best) = &self.best else {
            return true;
        };
        let names = |chosen: &[usize]| {
            let mut chosen = chosen.to_vec();
            chosen.sort_by(|l, r| self.candidates[*l].id.cmp(&self.candidates[*r].id));
            chosen
        };
        let order = chosen
            .len()
            .cmp(&best.chosen.len())
            .then_with(|| cost.cmp(&best.cost))
            .then_with(|| {
                let (left, right) = (names(chosen), names(&best.chosen));
                let ids = |list: Vec<usize>| list.into_iter().map(|i| &self.candidates[i].id);
                ids(left).cmp(ids(right))
            });
        order == Ordering::Less
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: u32, covers: &[usize], rcl_files: u32) -> Candidate<u32> {
        Candidate {
            id,
            covers: covers.to_vec(),
            cost: Cost {
                community: u32::from(rcl_files > 0),
                rcl_files,
                components: covers.len(),
                ..Cost::default()
            },
        }
    }

    #[test]
    fn few_packages_then_licence_then_size_then_name() {
        type Case = (&'static str, usize, Vec<Candidate<u32>>, Option<Vec<usize>>);
        let cases: [Case; 6] = [
            ("nothing to cover", 0, vec![], Some(vec![])),
            ("no candidate", 1, vec![], None),
            (
                "one of two beats two of three",
                2,
                vec![
                    candidate(0, &[0], 0),
                    candidate(1, &[1], 0),
                    candidate(2, &[0, 1], 9),
                ],
                Some(vec![2]),
            ),
            (
                "licence before size",
                1,
                vec![candidate(0, &[0], 30), candidate(1, &[0], 1)],
                Some(vec![1]),
            ),
            (
                "greedy takes three, two are enough",
                6,
                vec![
                    candidate(0, &[0, 1, 2, 3], 0),
                    candidate(1, &[0, 1, 4], 0),
                    candidate(2, &[2, 3, 5], 0),
                ],
                Some(vec![1, 2]),
            ),
            (
                "the name decides at last",
                1,
                vec![candidate(7, &[0], 0), candidate(3, &[0], 0)],
                Some(vec![1]),
            ),
        ];
        for (name, elements, candidates, expected) in cases {
            let mut found = cheapest(elements, &candidates);
            if let Some(found) = &mut found {
                found.sort_unstable();
            }
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_hard_one_ends() {
        let candidates: Vec<_> = (0..60_u32)
            .map(|id| {
                let first = id as usize;
                let mut covers = vec![first, (first * 7 + 3) % 60, (first * 11 + 5) % 60];
                covers.sort_unstable();
                covers.dedup();
                candidate(id, &covers, id % 3)
            })
            .collect();
        let start = std::time::Instant::now();
        let found = cheapest(60, &candidates).unwrap();
        assert!(found.len() >= 20);
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }
}
