//! The protocol between `go` and its cache program, as `cmd/go/internal/cacheprog` in Go's source defines it: one line
//! of JSON per message. The result of a `put` follows its line as one JSON string in base64.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    id::{ActionId, OutputId},
    local::Found,
};

/// A request of `go`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The result of an action.
    Get { id: i64, action: ActionId },
    /// Store a result of `size` bytes, which follow.
    Put {
        id: i64,
        action: ActionId,
        output: OutputId,
        size: u64,
    },
    /// `go` has no more requests.
    Close { id: i64 },
}

/// A request of `go` that isn't part of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("`go` sent its cache program an unknown request: {0}")]
pub(super) struct ProtocolError(String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawRequest<'a> {
    #[serde(rename = "ID")]
    id: i64,
    command: &'a str,
    #[serde(rename = "ActionID", default)]
    action: &'a str,
    #[serde(rename = "OutputID", default)]
    output: &'a str,
    #[serde(default)]
    body_size: u64,
}

impl Request {
    /// Parses a line.
    pub(super) fn parse(line: &[u8]) -> Result<Self, ProtocolError> {
        let raw: RawRequest<'_> =
            serde_json::from_slice(line).map_err(|error| ProtocolError(error.to_string()))?;
        let id = raw.id;
        let action = || decode(raw.action).map(ActionId::from_bytes);
        match raw.command {
            "get" => Ok(Self::Get {
                id,
                action: action()?,
            }),
            "put" => Ok(Self::Put {
                id,
                action: action()?,
                output: OutputId::from_bytes(decode(raw.output)?),
                size: raw.body_size,
            }),
            "close" => Ok(Self::Close { id }),
            other => Err(ProtocolError(format!("command `{other}`"))),
        }
    }
}

fn decode(text: &str) -> Result<[u8; 32], ProtocolError> {
    // The decoder needs room for whole groups of three bytes.
    let mut bytes = [0; 33];
    let count = BASE64_STANDARD
        .decode_slice(text, &mut bytes)
        .map_err(|error| ProtocolError(error.to_string()))?;
    bytes[..count]
        .try_into()
        .map_err(|_| ProtocolError(format!("an id of {count} bytes")))
}

/// A response of the cache program.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Response<'a> {
    #[serde(rename = "ID")]
    id: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    err: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    known_commands: &'a [&'a str],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    miss: bool,
    #[serde(rename = "OutputID", skip_serializing_if = "String::is_empty")]
    output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_path: Option<&'a std::path::Path>,
}

impl<'a> Response<'a> {
    /// The first message: the supported commands.
    pub(super) fn hello() -> Self {
        Self {
            known_commands: &["get", "put", "close"],
            ..Self::default()
        }
    }

    /// A result that was found or stored.
    pub(super) fn found(id: i64, found: &'a Found) -> Self {
        Self {
            id,
            output: BASE64_STANDARD.encode(found.output.as_bytes()),
            size: Some(found.size),
            disk_path: Some(&found.path),
            ..Self::default()
        }
    }

    /// There is no such result.
    pub(super) fn miss(id: i64) -> Self {
        Self {
            id,
            miss: true,
            ..Self::default()
        }
    }

    /// The last response.
    pub(super) fn closed(id: i64) -> Self {
        Self {
            id,
            ..Self::default()
        }
    }

    /// The request failed.
    pub(super) fn failed(id: i64, problem: &'a str) -> Self {
        Self {
            id,
            err: problem,
            ..Self::default()
        }
    }

    /// As a line.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_go_are_understood() {
        let action = BASE64_STANDARD.encode([7; 32]);
        let output = BASE64_STANDARD.encode([9; 32]);
        let parse = |text: String| Request::parse(text.as_bytes());
        assert_eq!(
            parse(format!(
                r#"{{"ID":3,"Command":"get","ActionID":"{action}"}}"#
            ))
            .unwrap(),
            Request::Get {
                id: 3,
                action: ActionId::from_bytes([7; 32])
            }
        );
        assert_eq!(
            parse(format!(
                r#"{{"ID":4,"Command":"put","ActionID":"{action}","OutputID":"{output}","BodySize":12}}"#
            ))
            .unwrap(),
            Request::Put {
                id: 4,
                action: ActionId::from_bytes([7; 32]),
                output: OutputId::from_bytes([9; 32]),
                size: 12
            }
        );
        assert_eq!(
            parse(r#"{"ID":5,"Command":"close"}"#.to_owned()).unwrap(),
            Request::Close { id: 5 }
        );
        for bad in [
            r#"{"ID":5,"Command":"steal"}"#,
            r#"{"ID":5,"Command":"get","ActionID":"AAAA"}"#,
            "{",
        ] {
            assert!(parse(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn answers_are_spelled_as_go_reads_them() {
        let text = |response: Response<'_>| String::from_utf8(response.line()).unwrap();
        assert_eq!(
            text(Response::hello()),
            "{\"ID\":0,\"KnownCommands\":[\"get\",\"put\",\"close\"]}\n"
        );
        assert_eq!(text(Response::miss(2)), "{\"ID\":2,\"Miss\":true}\n");
        assert_eq!(text(Response::closed(9)), "{\"ID\":9}\n");
        let found = Found {
            output: OutputId::from_bytes([0; 32]),
            size: 0,
            path: "/c/00/x-d".into(),
        };
        assert_eq!(
            text(Response::found(4, &found)),
            format!(
                "{{\"ID\":4,\"OutputID\":\"{}\",\"Size\":0,\"DiskPath\":\"/c/00/x-d\"}}\n",
                BASE64_STANDARD.encode([0; 32])
            )
        );
    }
}
