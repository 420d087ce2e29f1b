//! The log of a build: one JSON message in `BUILD_LOGS` per event, numbered per claim.

use serde::{Deserialize, Serialize};

use crate::{BuilderId, ClaimId, Status, plain_text::json::deserialize_each_line};

/// A phase of a build, in order.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Phase {
    /// Waits for a builder.
    Queued,
    /// The module graph is resolved.
    Resolve,
    /// Modules and the Go toolchain are fetched.
    Download,
    /// Packages are compiled, or taken from the cache.
    Compile,
    /// The linker writes the binary.
    Link,
    /// The binary is uploaded to the object store.
    Upload,
}

impl Phase {
    /// As it is spelled on the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Packages done so far; every number is counted, none is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Progress {
    /// Packages that are ready, whether compiled or cached.
    pub done: u32,
    /// Packages that the binary needs.
    pub total: u32,
    /// Of those done, how many came from the compile cache.
    pub cached: u32,
}

/// An event of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum LogEvent {
    /// A builder took the build.
    Claimed {
        /// The builder.
        builder: BuilderId,
        /// Which claim of this build it is, from 1.
        attempt: u32,
    },
    /// A phase began or progressed.
    Phase {
        /// The phase.
        phase: Phase,
        /// Its progress, where that can be counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
    },
    /// Output of a child process, as plain text.
    Lines {
        /// The lines, without their ends.
        #[serde(deserialize_with = "deserialize_each_line")]
        lines: Vec<String>,
    },
    /// The builder had to drop lines: NATS was unavailable, or the log reached its limit.
    Gap {
        /// How many lines are missing here.
        dropped: u64,
        /// How many bytes they had, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
    /// The last event of this claim.
    End {
        /// How the claim ended; `new` if the builder gave it back.
        status: Status,
    },
}

impl LogEvent {
    /// How many lines are missing, and how many bytes if that is known, as a sentence.
    pub fn missing(dropped: u64, bytes: Option<u64>) -> String {
        let (lines, are) = match dropped {
            1 => ("1 line".to_owned(), "is"),
            _ => (format!("{dropped} lines"), "are"),
        };
        match bytes {
            Some(bytes) => format!("{lines} ({bytes} bytes) {are} missing here"),
            None => format!("{lines} {are} missing here"),
        }
    }
}

/// Where the log of a claim ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LogEnd {
    /// The claim.
    pub claim: ClaimId,
    /// Sequence of its last message in the stream of logs; none of the claim's follows it.
    pub last: u64,
}

/// A message of `BUILD_LOGS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LogEntry {
    /// Number of the event within its claim, from 1, without holes.
    pub n: u64,
    /// Milliseconds since the claim.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: LogEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_spelled_as_documented() {
        let progress = Some(Progress {
            done: 3,
            total: 9,
            cached: 1,
        });
        let entry = LogEntry {
            n: 2,
            at: 15,
            event: LogEvent::Phase {
                phase: Phase::Compile,
                progress,
            },
        };
        let text = r#"{"n":2,"at":15,"event":"phase","phase":"compile","progress":{"done":3,"total":9,"cached":1}}"#;
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
        assert_eq!(serde_json::from_str::<LogEntry>(text).unwrap(), entry);
    }

    #[test]
    fn lines_are_text_alone_whatever_wrote_them() {
        let text = r#"{"n":1,"at":2,"event":"lines","lines":["a\u001b[2Jb","c\nd\u202e","e"]}"#;
        let entry: LogEntry = serde_json::from_str(text).unwrap();
        let lines = ["ab", "c d", "e"].map(str::to_owned).into();
        assert_eq!(entry.event, LogEvent::Lines { lines });
    }

    #[test]
    fn a_gap_of_an_older_builder_has_no_bytes() {
        let gap = |bytes| LogEntry {
            n: 1,
            at: 2,
            event: LogEvent::Gap { dropped: 3, bytes },
        };
        let old = r#"{"n":1,"at":2,"event":"gap","dropped":3}"#;
        assert_eq!(serde_json::from_str::<LogEntry>(old).unwrap(), gap(None));
        assert_eq!(serde_json::to_string(&gap(None)).unwrap(), old);
        let new = r#"{"n":1,"at":2,"event":"gap","dropped":3,"bytes":40}"#;
        assert_eq!(serde_json::to_string(&gap(Some(40))).unwrap(), new);
        assert_eq!(
            LogEvent::missing(3, Some(40)),
            "3 lines (40 bytes) are missing here"
        );
        assert_eq!(LogEvent::missing(1, None), "1 line is missing here");
    }
}
