//! The catalog as this instance sees it: seeded from the embedded releases, then defined by the `catalog` bucket.
//!
//! A [`Snapshot`] never changes; a request works with one from beginning to end. [`Catalog`] hands out the newest.

mod components;
mod documents;
mod embedded;
mod follow;
mod imports;
mod leader;
mod nearest;
mod schemas;
mod search;
mod snapshot;

pub(crate) use components::components;
#[cfg(test)]
pub(crate) use embedded::releases as embedded_releases;
pub(crate) use follow::Catalog;
pub(crate) use imports::Imports;
pub(crate) use nearest::{nearest, or_nearest};
pub(crate) use schemas::Schemas;
pub(crate) use search::{component, search};
#[cfg(test)]
pub(crate) use snapshot::Releases;
pub(crate) use snapshot::Snapshot;

/// The module whose `pure` and `io` are the base of every binary.
pub(crate) use wombat_model::names::BASE_MODULE as BENTHOS;
