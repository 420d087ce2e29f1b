//! The limits of a build.

use std::time::Duration;

use wombat_go::{Limit, Origin};

/// The options that set the limits of uncatalogued builds, for messages.
const OUTPUT_OPTION: &str = "--uncatalogued-output-limit";
const TIME_OPTION: &str = "--uncatalogued-time-limit";

/// The limits of all builds, and lower ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) all: GeneralLimits,
    pub(crate) uncatalogued: UncataloguedLimits,
}

/// What all builds may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GeneralLimits {
    pub(crate) time: Duration,
    pub(crate) memory: u64,
    pub(crate) output: u64,
    pub(crate) processes: u32,
    pub(crate) log: u64,
    pub(crate) parallelism: usize,
}

/// Limits of builds with a module from outside the catalog, where they are lower; 0: as for all builds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UncataloguedLimits {
    pub(crate) time: Duration,
    pub(crate) output: u64,
}

impl Limits {
    /// How long a build may take.
    pub(crate) fn time(&self, origin: Origin) -> Limit<Duration> {
        lower(origin, self.all.time, self.uncatalogued.time, TIME_OPTION)
    }

    /// How many bytes a file may have that a build writes.
    pub(crate) fn output(&self, origin: Origin) -> Limit<u64> {
        let (all, lower_one) = (self.all.output, self.uncatalogued.output);
        lower(origin, all, lower_one, OUTPUT_OPTION)
    }
}

fn lower<T: Copy + Default + Ord>(
    origin: Origin,
    general: T,
    uncatalogued: T,
    option: &'static str,
) -> Limit<T> {
    let is_set = uncatalogued != T::default();
    match origin {
        Origin::Elsewhere if is_set && uncatalogued < general => {
            Limit::of_uncatalogued(uncatalogued, option)
        }
        Origin::Elsewhere | Origin::Catalog => Limit::of_all(general),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lower_limit_counts_and_only_for_uncatalogued_builds() {
        let of = |uncatalogued| {
            let pick = |origin| lower(origin, 900, uncatalogued, "--x");
            (pick(Origin::Elsewhere), pick(Origin::Catalog))
        };
        let all = Limit::of_all(900);
        assert_eq!(of(300), (Limit::of_uncatalogued(300, "--x"), all));
        for as_all in [0, 900, 1000] {
            assert_eq!(of(as_all), (all, all), "{as_all}");
        }
    }
}
