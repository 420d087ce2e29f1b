//! The protocol between a cache helper and its builder: one line of JSON per message.

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    id::{ActionId, OutputId},
    local::Found,
};

/// A message of the helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromHelper {
    /// The first message: the token of the build.
    Hello { token: String },
    /// Request for a result that no local folder has.
    Get { id: i64, action: ActionId },
    /// A new result, which is in the folder now.
    Made { action: ActionId },
    /// The last message: all results that were requested and then found or made.
    End { asked: ActionList },
}

/// A message of the builder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToHelper {
    /// The result is in the folder now.
    Found {
        id: i64,
        output: OutputId,
        size: u64,
        path: PathBuf,
    },
    /// The result isn't available.
    Miss { id: i64 },
}

impl ToHelper {
    pub(super) fn answer(id: i64, found: Option<Found>) -> Self {
        match found {
            Some(Found { output, size, path }) => Self::Found {
                id,
                output,
                size,
                path,
            },
            None => Self::Miss { id },
        }
    }
}

/// Actions in the order in which a build requested them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct ActionList(pub(super) Vec<ActionId>);

impl From<ActionList> for String {
    fn from(asked: ActionList) -> Self {
        let bytes: Vec<u8> = asked.0.iter().flat_map(|id| *id.as_bytes()).collect();
        BASE64_STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for ActionList {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_STANDARD.decode(text)?;
        let (ids, _) = bytes.as_chunks::<32>();
        Ok(Self(
            ids.iter().copied().map(ActionId::from_bytes).collect(),
        ))
    }
}

/// A message as a line.
pub(super) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_survive_the_way() {
        let asked = ActionList((0..3).map(|n| ActionId::from_bytes([n; 32])).collect());
        let sent = FromHelper::End { asked };
        let read: FromHelper = serde_json::from_slice(&line(&sent)).unwrap();
        assert_eq!(read, sent);
    }
}
