//! Which workers take which builds: hostile modules can hold up every worker that may take them, so some take only
//! builds of the catalog.

use std::num::NonZeroUsize;

/// How a builder's workers are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lanes {
    workers: usize,
    /// Workers that take only builds of the catalog; fewer than all.
    reserved: usize,
}

/// No worker would take builds with modules from outside the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "--catalog-workers {reserved} (WOMBAT_CATALOG_WORKERS) leaves no worker for other builds; it must be less than the number of workers, which is {workers} (--workers)"
)]
pub(crate) struct NoWorkerLeft {
    reserved: usize,
    workers: usize,
}

/// Which builds the next free worker may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// All.
    All,
    /// All, but others only if none of the catalog waits.
    CatalogFirst,
    /// Those of the catalog.
    CatalogOnly,
}

impl Lanes {
    /// `reserved`: the operator's choice; by default one of several workers.
    pub(crate) fn new(
        workers: NonZeroUsize,
        reserved: Option<usize>,
    ) -> Result<Self, NoWorkerLeft> {
        let workers = workers.get();
        let reserved = reserved.unwrap_or_else(|| usize::from(workers > 1));
        if reserved >= workers {
            return Err(NoWorkerLeft { reserved, workers });
        }
        Ok(Self { workers, reserved })
    }

    pub(crate) fn workers(self) -> usize {
        self.workers
    }

    pub(crate) fn reserved(self) -> usize {
        self.reserved
    }

    /// What a free worker takes while the others have this many builds with modules from outside the catalog.
    pub(crate) fn next(self, uncatalogued: usize) -> Lane {
        if self.workers == 1 {
            Lane::CatalogFirst
        } else if uncatalogued < self.workers - self.reserved {
            Lane::All
        } else {
            Lane::CatalogOnly
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(workers: usize, reserved: Option<usize>) -> Result<Lanes, NoWorkerLeft> {
        Lanes::new(NonZeroUsize::new(workers).unwrap(), reserved)
    }

    #[test]
    fn one_of_several_workers_is_for_the_catalog_alone() {
        assert_eq!(lanes(1, None).unwrap().next(0), Lane::CatalogFirst);
        let four = lanes(4, None).unwrap();
        assert_eq!(four.next(2), Lane::All);
        assert_eq!(four.next(3), Lane::CatalogOnly);
        let two_of_four = lanes(4, Some(2)).unwrap();
        assert_eq!(two_of_four.next(1), Lane::All);
        assert_eq!(two_of_four.next(2), Lane::CatalogOnly);
        assert_eq!(lanes(2, Some(0)).unwrap().next(1), Lane::All);
    }

    #[test]
    fn a_worker_must_be_left_for_other_builds() {
        assert!(lanes(1, Some(0)).is_ok());
        for (workers, reserved) in [(1, 1), (2, 2), (2, 9)] {
            let error = lanes(workers, Some(reserved)).unwrap_err().to_string();
            assert!(error.contains("--catalog-workers"), "{error}");
        }
    }
}
