//! The workshop in which the packages of a release are built.

use anyhow::Context;
use wombat_go::{GoOptions, Workshop};
use wombat_model::catalog::Licence;

use crate::state_directory::StateDirectory;

/// Its folder in the state directory.
pub(super) const STATE: &str = "catalog-import";

pub(super) async fn workshop(go: &GoOptions, state: &StateDirectory) -> anyhow::Result<Workshop> {
    let folder = state.path().join(STATE);
    let helper = std::env::current_exe().context("finding this program")?;
    let settings = go.discover(&folder, helper).await?;
    Ok(Workshop::new(settings, &folder, Licence::Rcl).await?)
}
