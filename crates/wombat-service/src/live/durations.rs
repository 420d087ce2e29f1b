//! How long the last builds of each platform took.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use wombat_model::Platform;

/// Durations per platform that the median is taken from.
const SAMPLES: usize = 64;

/// The last durations of each platform, and their medians.
#[derive(Debug, Default)]
pub(super) struct Durations(HashMap<Platform, Recent>);

#[derive(Debug, Default)]
struct Recent {
    durations: VecDeque<Duration>,
    median: Option<Duration>,
}

impl Durations {
    /// Adds the duration of a build that has just succeeded.
    pub(super) fn add(&mut self, platform: Platform, duration: Duration) {
        let recent = self.0.entry(platform).or_default();
        recent.durations.push_back(duration);
        if recent.durations.len() > SAMPLES {
            recent.durations.pop_front();
        }
        recent.median = median(&recent.durations);
    }

    /// The median of this platform. It is computed when a build finishes, not here: one estimate asks for it once per
    /// waiting build.
    pub(super) fn median(&self, platform: Platform) -> Option<Duration> {
        self.0.get(&platform)?.median
    }
}

fn median(durations: &VecDeque<Duration>) -> Option<Duration> {
    #[cfg(test)]
    COMPUTED.set(COMPUTED.get() + 1);
    let mut sorted: Vec<Duration> = durations.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
thread_local! {
    /// How many medians this thread, which is one test's own, has computed.
    pub(super) static COMPUTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_follows_the_last_builds_of_its_platform() {
        let platform = "linux/amd64".parse().unwrap();
        let mut durations = Durations::default();
        assert_eq!(durations.median(platform), None);
        let seconds = Duration::from_secs;
        for n in [9, 1, 5] {
            durations.add(platform, seconds(n));
        }
        assert_eq!(durations.median(platform), Some(seconds(5)));
        for _ in 0..SAMPLES {
            durations.add(platform, seconds(7));
        }
        assert_eq!(durations.median(platform), Some(seconds(7)));
        let elsewhere = "darwin/arm64".parse().unwrap();
        assert_eq!(durations.median(elsewhere), None);
    }
}
