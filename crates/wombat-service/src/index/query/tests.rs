//! Accepted queries, refused queries, and that none panics.

use wombat_model::{ProblemCode, Status};

use super::*;
use crate::{fixture, index::schema};

fn refused(query: &str) -> Option<String> {
    let index = Index::create_in_ram(schema::schema());
    schema::register_tokenizers(&index);
    parse(&index, &schema::fields(), &fixture::catalog(), query)
        .err()
        .inspect(|problem| assert_eq!(problem.code, ProblemCode::InvalidQuery))
        .map(|problem| problem.message)
}

#[test]
fn takes_words_fields_and_operators() {
    for query in [
        "",
        "  ",
        "nats",
        "NATS linux",
        "status:success goos:linux",
        "status:success AND (goos:linux OR goos:darwin)",
        "-status:failed",
        "NOT status:failed",
        "*",
        "component:aws_s3",
        "component:input/kafka",
        "package:github.com/redpanda-data/connect/v4/public/components/nats",
        "module:github.com/redpanda-data/connect/v4@v4.105.0",
        "go:1.26.8",
        "goarch: IN [amd64 arm64]",
        "created:2026-11-21",
        "created:\"2026-11-21T07:00:00Z\"",
        "created:[2026-11-20 TO 2026-11-21]",
        "created:>2026-11-20",
        "created:[* TO 2026-11-21}",
        "\"no such host\"",
        "redpanda-data",
    ] {
        assert_eq!(refused(query), None, "{query}");
    }
}

#[test]
fn refuses_what_is_unknown_or_unbounded() {
    let long = "x".repeat(MAX_QUERY + 1);
    let deep = format!("{}a{}", "(".repeat(17), ")".repeat(17));
    let wide: Vec<String> = (0..33).map(|n| format!("a{n}")).collect();
    let wide = wide.join(" ");
    let negated = "NOT ".repeat(40) + "a";
    let signs = "-".repeat(400) + "a";
    for (query, words) in [
        (long.as_str(), "512"),
        (&deep, "16"),
        (&wide, "32 terms"),
        (&negated, "deep"),
        (&signs, "deep"),
        ("colour:red", "`colour`"),
        ("_view:x", "`_view`"),
        ("_text:x", "`_text`"),
        ("status:", ""),
        ("(nats", ""),
        ("\"nats", ""),
        ("status:/s.*/", "Regular"),
        ("status:[a TO b]", "`created`"),
        ("created:yesterday", "neither"),
        ("created:[2026-13-01 TO *]", "neither"),
        ("status:*", "value"),
    ] {
        let message = refused(query).unwrap_or_else(|| panic!("{query} was taken"));
        assert!(message.contains(words), "{query}: {message}");
    }
}

#[test]
fn components_of_the_base_are_found_by_its_packages() {
    let index = Index::create_in_ram(schema::schema());
    schema::register_tokenizers(&index);
    let shown = |query| {
        let parsed = parse(&index, &schema::fields(), &fixture::catalog(), query);
        format!("{:?}", parsed.unwrap())
    };
    let pure = format!("{BENTHOS}/public/components/pure");
    for query in ["component:mapping", "component:Processor/Mapping"] {
        assert!(shown(query).contains(&pure), "{query}: {}", shown(query));
    }
    assert!(!shown("component:nats").contains("public/components"));
}

#[test]
fn nothing_makes_it_panic() {
    let parts = [
        "(",
        ")",
        "\"",
        "'",
        "a",
        ":",
        "status:",
        "created:",
        "[",
        "]",
        "{",
        "}",
        " TO ",
        "*",
        "-",
        "+",
        "NOT ",
        " AND ",
        " OR ",
        "^2",
        "~3",
        "/",
        "\\",
        "IN [",
        ">",
        "<=",
        "é",
        "\u{0}",
        "2026-01-01",
    ];
    let mut state = 7_u64;
    for _ in 0..5_000 {
        let mut query = String::new();
        for _ in 0..8 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            query.push_str(parts[usize::try_from(state >> 33).unwrap() % parts.len()]);
        }
        drop(refused(&query));
    }
}

#[test]
fn statuses_in_the_documentation_exist() {
    for text in [
        include_str!("../../../../../README.md"),
        include_str!("../../../../../docs/NATS.md"),
        include_str!("../../../../../docs/REST.md"),
        include_str!("../../../../../ui/src/pages/DocsPage.vue"),
    ] {
        for after in text.split("status:").skip(1) {
            let word: String = after.chars().take_while(char::is_ascii_lowercase).collect();
            let is_a_status = serde_json::from_value::<Status>(word.as_str().into()).is_ok();
            assert!(word.is_empty() || is_a_status, "`status:{word}`");
        }
    }
}
