//! Conditional and partial requests for a file that never changes under its tag (RFC 9110 §13, §14).

use std::ops::Range;

use http::{HeaderMap, header};

/// What to send of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Nothing: the client has the file already.
    NotModified,
    /// Nothing: the client wants another version.
    PreconditionFailed,
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Nothing: the file has no such bytes.
    Unsatisfiable,
}

/// What a request selects of a file of `size` bytes with this strong tag, quotes included.
pub(crate) fn select(headers: &HeaderMap, tag: &str, size: u64) -> Selection {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &http::HeaderValue| value.to_str().unwrap_or(""))
    };
    if text(header::IF_MATCH).is_some_and(|tags| !names(tags, tag, Comparison::Strong)) {
        return Selection::PreconditionFailed;
    }
    if matches_none(headers, tag) {
        return Selection::NotModified;
    }
    // A date in If-Range never matches: there is no Last-Modified.
    if text(header::IF_RANGE).is_some_and(|condition| condition.trim() != tag) {
        return Selection::Whole;
    }
    text(header::RANGE).map_or(Selection::Whole, |range| part(range, size))
}

/// Whether `If-None-Match` names this tag.
pub(crate) fn matches_none(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|tags| names(tags, tag, Comparison::Weak))
}

#[derive(Clone, Copy)]
enum Comparison {
    Strong,
    Weak,
}

fn names(tags: &str, tag: &str, comparison: Comparison) -> bool {
    let opaque = |tag| match comparison {
        Comparison::Strong => tag,
        Comparison::Weak => without_weakness(tag),
    };
    let mut given = tags.split(',').map(str::trim);
    given.any(|given| given == "*" || opaque(given) == opaque(tag))
}

fn without_weakness(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// One range of bytes. Several at once, other units and nonsense give the whole file, as the standard allows.
fn part(range: &str, size: u64) -> Selection {
    let Some(range) = range.trim().strip_prefix("bytes=") else {
        return Selection::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else {
        return Selection::Whole;
    };
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first.trim()), number(last.trim())) {
        (Some(first), Some(last)) if last < first => Selection::Whole,
        (Some(first), _) if first >= size => Selection::Unsatisfiable,
        (Some(first), Some(last)) => Selection::Part(first..last.saturating_add(1).min(size)),
        (Some(first), None) if last.trim().is_empty() => Selection::Part(first..size),
        (None, Some(0)) if first.trim().is_empty() => Selection::Unsatisfiable,
        (None, Some(_)) if first.trim().is_empty() && size == 0 => Selection::Unsatisfiable,
        (None, Some(count)) if first.trim().is_empty() => {
            Selection::Part(size.saturating_sub(count)..size)
        }
        (Some(_) | None, None) | (None, Some(_)) => Selection::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(given: &[(&'static str, &str)]) -> Selection {
        let headers = given
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        select(&headers, "\"t\"", 100)
    }

    #[test]
    fn ranges_are_as_the_standard_has_them() {
        let cases = [
            ("bytes=0-9", Selection::Part(0..10)),
            ("bytes=90-", Selection::Part(90..100)),
            ("bytes=90-500", Selection::Part(90..100)),
            ("bytes=-10", Selection::Part(90..100)),
            ("bytes=-500", Selection::Part(0..100)),
            ("bytes=100-", Selection::Unsatisfiable),
            ("bytes=99999999999999999999999-", Selection::Unsatisfiable),
            ("bytes=-0", Selection::Unsatisfiable),
            ("bytes=9-3", Selection::Whole),
            ("bytes=0-1,5-6", Selection::Whole),
            ("bytes=-", Selection::Whole),
            ("bytes=a-b", Selection::Whole),
            ("bytes=5-b", Selection::Whole),
            ("lines=0-1", Selection::Whole),
        ];
        for (range, expected) in cases {
            assert_eq!(selected(&[("range", range)]), expected, "{range}");
        }
    }

    #[test]
    fn conditions_come_before_ranges() {
        let range = ("range", "bytes=0-9");
        assert_eq!(
            selected(&[("if-range", "\"t\""), range]),
            Selection::Part(0..10)
        );
        assert_eq!(selected(&[("if-range", "\"u\""), range]), Selection::Whole);
        assert_eq!(
            selected(&[("if-range", "W/\"t\""), range]),
            Selection::Whole
        );
        assert_eq!(
            selected(&[("if-none-match", "\"a\", W/\"t\""), range]),
            Selection::NotModified
        );
        assert_eq!(selected(&[("if-none-match", "*")]), Selection::NotModified);
        assert_eq!(
            selected(&[("if-match", "\"u\"")]),
            Selection::PreconditionFailed
        );
        assert_eq!(selected(&[("if-match", "\"u\", \"t\"")]), Selection::Whole);
    }

    #[test]
    fn a_weak_tag_is_its_own_and_that_of_the_same_without_weakness() {
        let given = |tags: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, tags.parse().unwrap());
            headers
        };
        for tags in ["W/\"t\"", "\"t\"", "\"a\", W/\"t\"", "*"] {
            assert!(matches_none(&given(tags), "W/\"t\""), "{tags}");
        }
        assert!(!matches_none(&given("W/\"u\""), "W/\"t\""));
    }
}
