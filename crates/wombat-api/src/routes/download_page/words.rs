//! A selection and a build in words.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wombat_model::{
    Status, Variant,
    catalog::Licence,
    request::RequestBody,
    wire::{BuildView, ResolveAnswer, ResolvedPackage},
};

use crate::html::Text;

/// Characters that a value in a query can't have as they are, or that would hide where it ends.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'/')
    .remove(b',');
/// Most names in a sentence.
const MOST_NAMES: usize = 6;

/// What the address names, as the end of a sentence in HTML.
pub(super) fn names(wanted: &RequestBody) -> String {
    let all: Vec<&String> = wanted.components.iter().chain(&wanted.packages).collect();
    let code = |name: &&String| format!("<code>{}</code>", Text(name));
    let mut shown: Vec<String> = all.iter().take(MOST_NAMES).map(code).collect();
    let further = all.len().saturating_sub(MOST_NAMES);
    if further > 0 {
        shown.push(format!("{further} more"));
    }
    match shown.split_last() {
        None => "the base packages alone".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// Everything that the choices have become, and what they cost, as a list in HTML.
pub(super) fn facts(wanted: &RequestBody, answer: &ResolveAnswer) -> String {
    let variant = if answer.variant == Variant::None {
        String::new()
    } else {
        format!(" ({})", answer.variant)
    };
    let is_picked = |package: &&ResolvedPackage| !package.base;
    let packages = answer.packages.iter().filter(is_picked);
    let packages: Vec<String> = packages
        .map(|package| {
            let (path, version) = (&package.url, &package.version);
            format!("<li><code>{}</code> {}</li>", Text(path), Text(version))
        })
        .collect();
    let own = [&wanted.name, &wanted.version].map(|own| own.as_deref().unwrap_or_default());
    let mut rows = vec![
        (
            "Platform",
            format!("{}/{}{variant}", answer.goos, answer.goarch),
        ),
        ("Go", answer.go_version.to_string()),
        ("Packages", format!("<ul>{}</ul>", packages.concat())),
        ("Distribution", Text(own.join(" ").trim()).to_string()),
        ("Licence", licence(answer.licence).to_owned()),
        ("Size", estimated_size(answer)),
        ("Time", time(answer)),
        ("Cost", cost(answer).to_owned()),
    ];
    rows.retain(|(name, value)| match *name {
        "Packages" => !packages.is_empty(),
        _ => !value.is_empty(),
    });
    let rows = rows
        .iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n"));
    format!("<dl>\n{}</dl>\n", rows.collect::<String>())
}

fn licence(licence: Option<Licence>) -> &'static str {
    match licence {
        None => "unknown: it has packages that aren't in the catalog",
        Some(Licence::Apache) => "Apache-2.0",
        Some(Licence::Community) => {
            "Apache-2.0, with some files under the Redpanda Community Licence"
        }
        Some(Licence::Rcl) => "Redpanda Community Licence",
    }
}

fn estimated_size(answer: &ResolveAnswer) -> String {
    let bytes = answer.estimated_bytes;
    bytes.map_or_else(
        || "unknown: it has packages that weren't measured".to_owned(),
        |bytes| format!("about {}", size(bytes)),
    )
}

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn time(answer: &ResolveAnswer) -> String {
    match (answer.status, answer.estimated_ms) {
        (Some(Status::Success), _) => "it is built already".to_owned(),
        (Some(Status::New | Status::Building), _) => "it is being built already".to_owned(),
        (Some(Status::Failed | Status::Cancelled) | None, Some(milliseconds)) => format!(
            "{}, as builds for this platform usually do, and the download",
            about(Duration::from_millis(milliseconds))
        ),
        (Some(Status::Failed | Status::Cancelled) | None, None) => {
            "from a few seconds to some minutes, and the download".to_owned()
        }
    }
}

fn cost(answer: &ResolveAnswer) -> &'static str {
    match answer.status {
        Some(Status::Success | Status::New | Status::Building) => "",
        Some(Status::Failed | Status::Cancelled) | None => {
            "a builder of this service is busy meanwhile; it counts as one of your new builds here"
        }
    }
}

fn about(time: Duration) -> String {
    match time.as_secs() {
        0 | 1 => "about a second".to_owned(),
        seconds @ ..90 => format!("about {seconds} seconds"),
        seconds => format!("about {} minutes", (seconds + 30) / 60),
    }
}

/// Remarks on the selection, as HTML.
pub(super) fn notes(answer: &ResolveAnswer) -> String {
    if answer.notes.is_empty() {
        return String::new();
    }
    let notes = answer.notes.iter();
    let notes = notes.map(|note| format!("<li>{}</li>\n", Text(note)));
    format!("<ul class=\"soft\">\n{}</ul>\n", notes.collect::<String>())
}

/// How far a build is that isn't finished.
pub(super) fn progress(build: &BuildView) -> String {
    let left = build.eta_seconds.map(|eta| about(Duration::from_secs(eta)));
    let left = left.map(|left| format!(" It is probably done in {left}."));
    let left = left.unwrap_or_default();
    match (build.build.status, build.queue) {
        (Status::New, Some(queue)) if queue.builders == 0 => {
            "It waits for a builder, and none that could build it is running.".to_owned()
        }
        (Status::New, Some(queue)) => format!(
            "It waits for a builder, at place {} of {}.{left}",
            queue.position, queue.length
        ),
        (Status::New, None) => format!("It waits for a builder.{left}"),
        (Status::Building | Status::Success | Status::Failed | Status::Cancelled, _) => {
            format!("A builder is at work on it.{left}")
        }
    }
}

/// The selection as the query of the site's page. The version of the template has no place there.
pub(super) fn site_query(wanted: &RequestBody) -> String {
    let (packages, components) = (wanted.packages.join(","), wanted.components.join(","));
    let platform = format!("{}/{}", wanted.goos, wanted.goarch);
    let base = wanted.base.as_deref().filter(|base| *base == "pure");
    let parts = [
        ("p", Some(packages.as_str())),
        ("c", Some(components.as_str())),
        ("platform", Some(platform.as_str())),
        ("variant", wanted.variant.as_deref()),
        ("go", wanted.go_version.as_deref()),
        ("base", base),
        ("name", wanted.name.as_deref()),
        ("version", wanted.version.as_deref()),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(format!("{name}={}", utf8_percent_encode(value, ESCAPED)))
    });
    parts.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(components: &[&str]) -> RequestBody {
        RequestBody {
            goos: "linux".to_owned(),
            goarch: "amd64".to_owned(),
            components: components.iter().map(|name| (*name).to_owned()).collect(),
            ..RequestBody::default()
        }
    }

    #[test]
    fn selections_are_sentences() {
        assert_eq!(names(&wanted(&["<b>"])), "<code>&lt;b&gt;</code>");
        let two = names(&wanted(&["nats", "redis"]));
        assert_eq!(two, "<code>nats</code> and <code>redis</code>");
        let many = names(&wanted(&["a", "b", "c", "d", "e", "f", "g", "h"]));
        assert!(many.ends_with("<code>f</code> and 2 more"), "{many}");
    }

    #[test]
    fn the_site_gets_the_same_selection() {
        let wanted = RequestBody {
            packages: vec!["a.b/c@v1.0.0+x".to_owned()],
            base: Some("pure".to_owned()),
            version: Some("1.4.0+7".to_owned()),
            ..wanted(&["input/nats", "redis"])
        };
        assert_eq!(
            site_query(&wanted),
            "p=a.b/c%40v1.0.0%2Bx&c=input/nats,redis&platform=linux/amd64&base=pure&version=1.4.0%2B7"
        );
    }

    #[test]
    fn numbers_are_rounded() {
        assert_eq!(size(26_449_999), "26.4 MB");
        assert_eq!(size(49_999), "0.0 MB");
        let times = [0, 1, 8, 89, 90, 600].map(|seconds| about(Duration::from_secs(seconds)));
        let expected = [
            "about a second",
            "about a second",
            "about 8 seconds",
            "about 89 seconds",
            "about 2 minutes",
            "about 10 minutes",
        ];
        assert_eq!(times, expected);
    }
}
