//! What yaml.v3 refuses, although YAML has it or newer parsers read it.

use std::ops::Range;

use libyaml_safer::{EventData, ScalarStyle};

use super::{failure::Failure, prepare::Prepared};

/// Refuses an event whose range in the text is `at`. `is_flow`: it is within `[…]` or `{…}`.
pub(super) fn check(
    event: &EventData,
    at: &Range<usize>,
    is_flow: bool,
    prepared: &Prepared,
) -> Result<(), Failure> {
    let written = prepared.text.as_str().get(at.clone()).unwrap_or_default();
    match event {
        EventData::DocumentStart {
            version_directive: Some(version),
            ..
        } if (version.major, version.minor) != (1, 1) => {
            let problem = "The YAML can't be read here: only `%YAML 1.1` is known.";
            Err(Failure::new(at.start, problem))
        }
        EventData::Scalar {
            style: ScalarStyle::DoubleQuoted,
            ..
        } => match escaped_slash(written) {
            None => Ok(()),
            Some(place) => Err(Failure::new(
                at.start + place,
                "The YAML can't be read here: `\\/` is no escape; write `/`.",
            )),
        },
        EventData::Scalar {
            style: ScalarStyle::Plain,
            ..
        } if is_flow => match written.find('?') {
            None => Ok(()),
            Some(place) => Err(Failure::new(
                at.start + place,
                "The YAML can't be read here: put text with `?` in quotes within `[…]` and `{…}`.",
            )),
        },
        _ => Ok(()),
    }
}

/// Offset of `\/` in a text in double quotes.
fn escaped_slash(written: &str) -> Option<usize> {
    let mut bytes = written.bytes().enumerate();
    while let Some((place, byte)) = bytes.next() {
        if byte == b'\\' && bytes.next().is_some_and(|(_, next)| next == b'/') {
            return Some(place);
        }
    }
    None
}
