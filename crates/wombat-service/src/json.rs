//! Serializes answers.

use bytes::Bytes;
use serde::Serialize;
use tracing::error;
use wombat_model::Refusal;

pub(crate) fn json(answer: &impl Serialize) -> Result<Bytes, Refusal> {
    serde_json::to_vec(answer)
        .map(Bytes::from)
        .map_err(|error| {
            error!(%error, "an answer can't be serialized");
            Refusal::internal()
        })
}
