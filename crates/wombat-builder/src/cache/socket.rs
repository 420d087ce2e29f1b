//! What a helper and its builder say to each other, a line of JSON each.

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    id::{ActionId, OutputId},
    local::Found,
};

/// Words of the helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromHelper {
    /// The first: which build it works for.
    Hello { token: String },
    /// A result that no folder here holds.
    Get { id: i64, action: ActionId },
    /// A result that was made and is in the folder now.
    Made { action: ActionId },
    /// The last: everything that was asked for and found or made.
    End { asked: Asked },
}

/// Words of the builder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToHelper {
    /// It is in the folder now.
    Found {
        id: i64,
        output: OutputId,
        size: u64,
        path: PathBuf,
    },
    /// Nobody has it.
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

/// Actions in the order in which a build asked for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Asked(pub(super) Vec<ActionId>);

impl From<Asked> for String {
    fn from(asked: Asked) -> Self {
        let bytes: Vec<u8> = asked.0.iter().flat_map(|id| *id.as_bytes()).collect();
        BASE64_STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Asked {
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
        let asked = Asked((0..3).map(|n| ActionId::from_bytes([n; 32])).collect());
        let sent = FromHelper::End { asked };
        let read: FromHelper = serde_json::from_slice(&line(&sent)).unwrap();
        assert_eq!(read, sent);
    }
}
