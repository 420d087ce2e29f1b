//! The JSON of questions and answers.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tracing::error;
use wombat_model::Refusal;

use crate::ApiError;

/// A question, or an answer of the gateway, as JSON.
pub(crate) fn written(value: &impl Serialize) -> Result<Bytes, ApiError> {
    let written = serde_json::to_vec(value).map_err(|problem| {
        error!(%problem, "can't write a value as JSON");
        ApiError::from(Refusal::internal())
    })?;
    Ok(written.into())
}

/// An answer of a service, parsed.
pub(crate) fn parsed<T: DeserializeOwned>(answer: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(answer).map_err(|problem| {
        error!(%problem, "can't parse an answer of the service");
        Refusal::internal().into()
    })
}
