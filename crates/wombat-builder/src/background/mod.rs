//! A builder's background work: builds that clients seem about to request, packages that most builds need, lint of
//! pipelines, imports of catalog releases, questions about other releases, new Go releases.

pub(crate) mod ahead;
pub(crate) mod contained;
pub(crate) mod go_releases;
pub(crate) mod imports;
pub(crate) mod lint;
pub(crate) mod requirements;
pub(crate) mod warm;
