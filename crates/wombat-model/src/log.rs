//! What a builder says while it builds: one JSON message of `BUILD_LOGS` an event, numbered per claim.

use serde::{Deserialize, Serialize};

use crate::{BuilderId, Status};

/// A step of a build, in the order in which they come.
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
)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waits for a builder.
    Queued,
    /// The module graph is worked out.
    Resolve,
    /// Modules and the Go toolchain are fetched.
    Download,
    /// Packages are compiled, or taken from the cache.
    Compile,
    /// The linker writes the binary.
    Link,
    /// The binary goes into the object store.
    Upload,
}

impl Phase {
    /// As it is spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Resolve => "resolve",
            Self::Download => "download",
            Self::Compile => "compile",
            Self::Link => "link",
            Self::Upload => "upload",
        }
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

/// One thing that happened.
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
    /// A phase began, or came further.
    Phase {
        /// The phase.
        phase: Phase,
        /// How far it is, where that can be counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
    },
    /// Output of a child process, without control characters.
    Lines {
        /// The lines, without their ends.
        lines: Vec<String>,
    },
    /// The builder had to drop lines: NATS was away, or the log reached its limit.
    Gap {
        /// How many lines are missing here.
        dropped: u64,
    },
    /// The last event of this claim.
    End {
        /// How the claim ended; `new` if the builder gave it back.
        status: Status,
    },
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
}
