//! The targets that clients request builds for.

use std::sync::Arc;

use parking_lot::Mutex;
use wombat_model::Target;

/// Counts as requested until a build is.
const USUAL_PLATFORM: &str = "linux/amd64";

/// Targets, with the number of requested builds for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestedTargets(Arc<Mutex<Vec<(Target, u64)>>>);

impl RequestedTargets {
    /// Counts a requested build for this target.
    pub(crate) fn note(&self, target: Target) {
        let mut all = self.0.lock();
        match all.iter_mut().find(|(known, _)| *known == target) {
            Some((_, count)) => *count += 1,
            None => all.push((target, 1)),
        }
    }

    /// The targets, the most requested first; the usual one if there is none.
    pub(crate) fn most_requested_first(&self) -> Vec<Target> {
        let mut all = self.0.lock().clone();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let usual = USUAL_PLATFORM.parse().ok();
        let usual = usual.and_then(|platform| Target::new(platform, None).ok());
        if all.is_empty() {
            all.extend(usual.map(|target| (target, 0)));
        }
        all.into_iter().map(|(target, _)| target).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(platform: &str) -> Target {
        Target::new(platform.parse().unwrap(), None).unwrap()
    }

    #[test]
    fn what_is_asked_for_most_comes_first() {
        let asked = RequestedTargets::default();
        assert_eq!(asked.most_requested_first(), [target(USUAL_PLATFORM)]);
        for platform in ["linux/arm64", "darwin/arm64", "darwin/arm64"] {
            asked.note(target(platform));
        }
        let first = [target("darwin/arm64"), target("linux/arm64")];
        assert_eq!(asked.most_requested_first(), first);
    }
}
