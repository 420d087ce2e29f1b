//! Why a build failed, and who can fix it.

use serde::{Deserialize, Serialize};

use crate::{
    ImportPath,
    plain_text::{Form, LocalNames, plain, shortened},
};

/// Longest message that a record keeps, in bytes; the rest is in the log.
const MAX_MESSAGE: usize = 2048;
/// How the message of a failure begins whose binary isn't what its spec names.
const OTHER_BINARY: &str = "The linked binary isn't what was requested: ";

/// Who has to act.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum FailureClass {
    /// The user: a package or version that doesn't exist. Final.
    Input,
    /// The package's author: it doesn't compile for this target. Final.
    Compile,
    /// The operator: time, memory, disk or output ran over its limit.
    Resource,
    /// The module proxy or NATS was unavailable. A retry may help.
    Infra,
    /// The build lost its builder three times.
    Lost,
    /// A fault in Wombat Builder.
    Internal,
    /// The operator: the record was changed without permission, and there is no result to put it back to.
    Tampered,
}

impl FailureClass {
    /// Whether a retry can't change the outcome.
    pub fn is_final(self) -> bool {
        match self {
            Self::Input | Self::Compile => true,
            Self::Resource | Self::Infra | Self::Lost | Self::Internal | Self::Tampered => false,
        }
    }

    /// As it is spelled on the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a build ended without a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who has to act.
    pub class: FailureClass,
    /// What went wrong, in words for the client.
    pub message: String,
    /// The package that caused it, if one did.
    pub package: Option<ImportPath>,
    /// The module that couldn't be had, such as `a.b/c v1.2.3`, if that caused it. Records don't keep it.
    pub unfetched: Option<String>,
}

impl Failure {
    /// A failure. The message becomes [`plain`] text, since it may quote a stranger's code; an overlong one is cut.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        let message = plain(&message.into(), Form::Lines).into_owned();
        Self {
            class,
            message: shortened(&message, MAX_MESSAGE).into_owned(),
            package: None,
            unfetched: None,
        }
    }

    /// A binary was linked that isn't what the spec names: something that the builder reads was tampered with.
    pub fn other_binary(difference: impl std::fmt::Display) -> Self {
        Self::new(
            FailureClass::Internal,
            format!("{OTHER_BINARY}{difference}."),
        )
    }

    /// Whether it is [`Self::other_binary`].
    pub fn is_other_binary(&self) -> bool {
        self.class == FailureClass::Internal && self.message.starts_with(OTHER_BINARY)
    }

    /// The same, with the package that caused it.
    #[must_use]
    pub fn blaming(self, package: ImportPath) -> Self {
        Self {
            package: Some(package),
            ..self
        }
    }

    /// The same, because this module couldn't be had.
    #[must_use]
    pub fn without(self, module: &str) -> Self {
        Self {
            unfetched: Some(plain(module, Form::Line).into_owned()),
            ..self
        }
    }

    /// The same, without names of this machine in its message.
    #[must_use]
    pub fn hiding(self, names: &LocalNames) -> Self {
        Self {
            message: names.hidden_in(&self.message).into_owned(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded() {
        let failure = Failure::new(FailureClass::Compile, "ü".repeat(5000));
        assert!(failure.message.len() <= MAX_MESSAGE && failure.message.ends_with('…'));
    }

    #[test]
    fn messages_are_plain_text_without_local_names() {
        let names = LocalNames::default().folder("/s/state".as_ref(), "$STATE");
        let failure = Failure::new(
            FailureClass::Compile,
            "a:\n\u{1b}[31m/s/\u{200b}state/x\r\n",
        )
        .without("a.b/c\u{202e} v1")
        .hiding(&names);
        assert_eq!(failure.message, "a:\n$STATE/x\n");
        assert_eq!(failure.unfetched.as_deref(), Some("a.b/c v1"));
    }
}
