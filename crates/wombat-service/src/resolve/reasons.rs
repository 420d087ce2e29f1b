//! Why a package was chosen, for people.

use std::collections::BTreeSet;

use wombat_model::{
    ImportPath,
    catalog::{Component, Licence, Offer, Release},
};

use super::{
    cover::Candidate,
    sizes::{Sizes, megabytes},
};

/// What was chosen, and from what.
pub(super) struct Choice<'a> {
    /// Places among the candidates.
    pub(super) picked: &'a [usize],
    pub(super) candidates: &'a [Candidate],
    /// The packages of the candidates.
    pub(super) offers: &'a [Offer<'a>],
    pub(super) elements: &'a [&'a Component],
    /// The packages that were selected before, besides the base.
    pub(super) selection: Vec<ImportPath>,
    pub(super) releases: &'a [&'a Release],
    pub(super) sizes: &'a Sizes,
}

impl Choice<'_> {
    /// What a chosen package brings, and why it was preferred to others that bring some of it too.
    pub(super) fn reason(&self, index: usize) -> String {
        let this = &self.candidates[index];
        let names: Vec<String> = this
            .covers
            .iter()
            .map(|element| self.elements[*element].to_string())
            .collect();
        let mut sentences = vec![format!("Brings {}.", names.join(", "))];
        // What no other chosen package brings.
        let own: Vec<usize> = this
            .covers
            .iter()
            .copied()
            .filter(|element| !self.others_cover(index, *element))
            .collect();
        for (other, rival) in self.candidates.iter().enumerate() {
            let competes = own.iter().any(|element| rival.covers.contains(element));
            if competes && !self.picked.contains(&other) {
                sentences.push(self.over(index, &own, other));
            }
        }
        sentences.join(" ")
    }

    fn others_cover(&self, index: usize, element: usize) -> bool {
        let mut others = self.picked.iter().filter(|other| **other != index);
        others.any(|other| self.candidates[*other].covers.contains(&element))
    }

    /// Why this one, and not the rival.
    fn over(&self, index: usize, own: &[usize], other: usize) -> String {
        let rival = &self.candidates[other];
        let name = self.name(other);
        let licences = self.picked.iter().map(|it| self.candidates[*it].licence);
        let licence = licences.max().unwrap_or(Licence::Apache);
        if rival.licence > licence {
            return format!("Chosen over `{name}`, whose licence is less free.");
        }
        if own.iter().any(|element| !rival.covers.contains(element)) {
            return format!("Chosen over `{name}`, which doesn't bring all of that.");
        }
        let instead = self.with_rival(index, other);
        let (Some(now), Some(then)) = (self.bytes(self.picked), self.bytes(&instead)) else {
            return format!("Chosen over `{name}`, which is larger as far as is known.");
        };
        if now == then {
            return format!("Chosen over `{name}`, with which it is as large.");
        }
        let (now, then) = (megabytes(now), megabytes(then));
        format!("Chosen over `{name}`: {now} instead of {then}.")
    }

    fn name(&self, index: usize) -> &str {
        let path = &self.offers[index].package.path;
        let mut releases = self.releases.iter();
        let release = releases.find(|release| release.offer(path).is_some());
        release.map_or(path.as_str(), |release| release.name_of(path))
    }

    /// The choice with the rival in the place of this one, without those that are superfluous then.
    fn with_rival(&self, index: usize, rival: usize) -> Vec<usize> {
        let others = self.picked.iter().filter(|it| **it != index);
        let mut instead: Vec<usize> = others.copied().chain([rival]).collect();
        for index in self.picked {
            let rest = || instead.iter().filter(|it| *it != index);
            let is_covered = |element: &usize| {
                rest().any(|other| self.candidates[*other].covers.contains(element))
            };
            if self.candidates[*index].covers.iter().all(is_covered) {
                instead.retain(|it| it != index);
            }
        }
        instead
    }

    /// The size of a binary with what was selected and these, or what they add if that of the base isn't known; `None`
    /// if one of them wasn't measured.
    fn bytes(&self, picked: &[usize]) -> Option<u64> {
        let picked = picked.iter().map(|it| &self.offers[*it].package.path);
        let all: BTreeSet<&ImportPath> = self.selection.iter().chain(picked).collect();
        if !all.iter().all(|path| self.sizes.is_measured(path)) {
            return None;
        }
        let is_used = |release: &Release| all.iter().any(|path| release.offer(path).is_some());
        let used = self.releases.iter().filter(|release| is_used(release));
        let base = used.filter_map(|release| release.base_bytes).max();
        Some(base.unwrap_or(0) + self.sizes.total(all))
    }
}
