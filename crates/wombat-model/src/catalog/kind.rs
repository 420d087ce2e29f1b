//! Kinds of components.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a component does in a pipeline.
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
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// Reads messages.
    Input,
    /// Writes messages.
    Output,
    /// Changes messages.
    Processor,
    /// Stores values for others.
    Cache,
    /// Holds messages between input and output.
    Buffer,
    /// Slows others down.
    RateLimit,
    /// Exports metrics.
    Metric,
    /// Exports traces.
    Tracer,
    /// Cuts a stream of bytes into messages.
    Scanner,
    /// A function of the mapping language.
    BloblangFunction,
    /// A method of the mapping language.
    BloblangMethod,
}

impl ComponentKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: &[Self] = &[
        Self::Input,
        Self::Output,
        Self::Processor,
        Self::Cache,
        Self::Buffer,
        Self::RateLimit,
        Self::Metric,
        Self::Tracer,
        Self::Scanner,
        Self::BloblangFunction,
        Self::BloblangMethod,
    ];

    /// As it is spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Processor => "processor",
            Self::Cache => "cache",
            Self::Buffer => "buffer",
            Self::RateLimit => "rate_limit",
            Self::Metric => "metric",
            Self::Tracer => "tracer",
            Self::Scanner => "scanner",
            Self::BloblangFunction => "bloblang_function",
            Self::BloblangMethod => "bloblang_method",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ComponentKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                let all: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
                format!(
                    "`{}` is not a kind of component; the kinds are {}",
                    text.escape_debug(),
                    all.join(", ")
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_spelled_alike_everywhere() {
        for kind in ComponentKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }
}
