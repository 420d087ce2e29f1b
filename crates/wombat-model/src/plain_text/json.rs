//! Plain text in JSON: for fields that repeat what a stranger wrote.

use std::borrow::Cow;

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

use super::{Form, plain};

/// Serializes a text of one line as [`plain`] text.
#[expect(clippy::ref_option, reason = "the form that serde calls")]
pub(crate) fn serialize_line<S: Serializer>(
    text: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let line = text.as_ref().map(|text| plain(text, Form::Line));
    line.serialize(serializer)
}

/// The same for a text of several lines that may be missing.
#[expect(clippy::ref_option, reason = "the form that serde calls")]
pub(crate) fn serialize_optional_lines<S: Serializer>(
    text: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let lines = text.as_ref().map(|text| plain(text, Form::Lines));
    lines.serialize(serializer)
}

/// The same for a text of several lines.
pub(crate) fn serialize_lines<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&plain(text, Form::Lines))
}

/// Reads lines as [`plain`] text, whoever wrote them.
pub(crate) fn deserialize_each_line<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let mut lines = Vec::<String>::deserialize(deserializer)?;
    for line in &mut lines {
        if let Cow::Owned(changed) = plain(line, Form::Line) {
            *line = changed;
        }
    }
    Ok(lines)
}
