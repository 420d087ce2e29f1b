//! Kinds of components.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

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
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = String, parse_err_fn = unknown_kind)]
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
    /// Connects SQL components to databases of one kind. It is the value of their field `driver`.
    Driver,
}

impl ComponentKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// As it is spelled on the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn unknown_kind(text: &str) -> String {
    let all: Vec<&str> = ComponentKind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    format!(
        "`{}` is not a kind of component; the kinds are {}",
        text.escape_debug(),
        all.join(", ")
    )
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
