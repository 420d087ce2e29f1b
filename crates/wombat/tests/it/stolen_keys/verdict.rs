//! What becomes of an attack.

use std::fmt;

use serde_json::Value;

/// What becomes of an attack. Of its parts, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// nats-server refuses it.
    Refused,
    /// nats-server takes it, and it has no effect.
    Dropped,
    /// It has an effect until the service undoes it.
    PutBack,
    /// It works.
    Possible,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Dropped => "dropped",
            Self::PutBack => "put back",
            Self::Possible => "possible",
        })
    }
}

/// What the server or another role answers to a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// The user lacks the permission.
    Denied,
    /// JetStream refuses it with this code.
    Refused(u64),
    /// Nothing receives it.
    Nothing,
    /// It is accepted; null, if the answer isn't JSON.
    Accepted(Value),
}

impl Answer {
    pub(super) fn of(payload: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(payload).unwrap_or_default();
        match value["error"]["err_code"].as_u64() {
            Some(code) => Self::Refused(code),
            None => Self::Accepted(value),
        }
    }

    pub(super) fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }

    /// The verdict if whatever is accepted works.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Denied | Self::Refused(_) => Verdict::Refused,
            Self::Nothing => Verdict::Dropped,
            Self::Accepted(_) => Verdict::Possible,
        }
    }
}

/// The verdict of an attack with these parts, each of which works if it is accepted.
pub(super) fn verdict<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Verdict {
    let all = answers.into_iter().map(Answer::verdict);
    all.max().unwrap_or(Verdict::Refused)
}
