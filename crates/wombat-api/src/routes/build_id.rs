//! The id of a build in a path.

use wombat_model::BuildKey;

use crate::ApiError;

/// The build that the id in a path names.
pub(super) fn key(id: &str) -> Result<BuildKey, ApiError> {
    id.parse()
        .map_err(|error| ApiError::not_found(format!("{error}.")))
}
