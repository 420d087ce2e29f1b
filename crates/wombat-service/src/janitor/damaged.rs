//! What to do about a build of which something can't be read.

use tracing::warn;
use wombat_model::BuildKey;
use wombat_store::StoreError;

/// The value, or `None` if something of this build can't be read. Other builds are looked at all the same.
pub(super) fn unless_damaged<T>(
    key: &BuildKey,
    outcome: Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Corrupt { name, problem }) => {
            warn!(%key, name, problem, "a build is left alone, because a value of it can't be read");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
