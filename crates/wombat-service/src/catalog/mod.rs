//! The catalog as this instance sees it: seeded from the embedded releases, then defined by the `catalog` bucket.
//!
//! A [`Snapshot`] never changes; a request works with one from beginning to end. [`Catalog`] hands out the newest.

mod components;
mod defaults;
mod documents;
mod embedded;
mod follow;
mod go_releases;
mod imports;
mod leader;
mod nearest;
pub(crate) mod not_offered;
mod official;
mod refetch;
mod requirements;
mod schemas;
mod search;
mod snapshot;
mod told;
mod version_policy;

pub(crate) use components::components;
pub(crate) use defaults::{Choices, ChosenReleases};
#[cfg(test)]
pub(crate) use documents::Documented;
#[cfg(test)]
pub(crate) use embedded::releases as embedded_releases;
pub(crate) use follow::Catalog;
pub use go_releases::{default_go_line, go_releases};
pub(crate) use imports::Imports;
pub(crate) use nearest::{nearest, or_nearest};
pub(crate) use official::{OfficialNames, is_official, some_of};
pub(crate) use refetch::Refetch;
pub(crate) use requirements::{RequirementsDesk, UnlistedRelease};
pub(crate) use schemas::Schemas;
pub(crate) use search::{component, go_releases_answer, search};
#[cfg(test)]
pub(crate) use snapshot::Releases;
pub(crate) use snapshot::{Requirements, Snapshot};
pub use version_policy::VersionPolicy;

/// The module whose `pure` and `io` are the base of every binary.
pub(crate) use wombat_model::names::BASE_MODULE as BENTHOS;
