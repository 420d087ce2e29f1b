//! Queries that could exhaust a parser, and random ones.

use std::time::{Duration, Instant};

use anyhow::ensure;
use fastrand::Rng;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use serde_json::json;
use wombat_testkit::Stack;

use super::{escaped, randomness};
use crate::program;

/// Longest time for any of these, on a busy machine.
const LIMIT: Duration = Duration::from_secs(2);
const QUERIES: usize = 5_000;

const TOKENS: [&str; 32] = [
    "kafka",
    "goos:linux",
    "status:",
    "created:",
    "created:[2026-01-01 TO *]",
    "created:{a TO b}",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "^",
    "~",
    "~2",
    "+",
    "-",
    "NOT ",
    " AND ",
    " OR ",
    "*",
    "?",
    ":",
    "\\",
    "/.*a{9}/",
    "IN [",
    "package:\"a b\"",
    "^99999999999",
    "\u{202e}",
    "é",
];

fn query(random: &mut Rng) -> String {
    (0..random.usize(1..40))
        .map(|_| *random.choice(&TOKENS).unwrap_or(&""))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_end_is_refused() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let client = stack.nats.connection().await?.client().clone();
    let terms: Vec<String> = (0..100).map(|n| format!("a{n}")).collect();
    let many = |piece: &str, count: usize| piece.repeat(count);
    for (what, query) in [
        ("parentheses", many("(", 100_000)),
        ("pairs of them", many("(", 50_000) + &many(")", 50_000)),
        ("alternatives", many("a OR ", 20_000) + "a"),
        ("negations", many("-", 60_000) + "a"),
        ("a few parentheses", many("(", 250) + "a" + &many(")", 250)),
        ("a few negations", many("-", 500) + "a"),
        ("a few terms", terms.join(" ")),
        ("a pattern", "package:/(a+)+$/".to_owned()),
    ] {
        let question = json!({"query": query}).to_string();
        let start = Instant::now();
        let reply = client.request("build.list", question.into()).await?;
        let took = start.elapsed();
        let code = reply
            .headers
            .as_ref()
            .and_then(|headers| headers.get("Nats-Service-Error-Code"));
        let code = code.map(ToString::to_string);
        ensure!(code.as_deref() == Some("400"), "{what}: {code:?}");
        ensure!(took < LIMIT, "{what} took {took:?}");
    }
    ensure!(stack.site.get("/api/builds?q=goos:linux").await?.status() == 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_query_is_answered_or_refused() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let mut random = randomness();
    let queries: Vec<String> = (0..QUERIES).map(|_| query(&mut random)).collect();
    let ask = async |query: &String| -> anyhow::Result<bool> {
        let mut taken = false;
        for path in ["/api/builds", "/api/catalog"] {
            let start = Instant::now();
            let answer = stack
                .site
                .get(&format!("{path}?q={}", escaped(query)))
                .await?;
            let status = answer.status();
            ensure!(
                status == StatusCode::OK || status == StatusCode::BAD_REQUEST,
                "{path}: {status} for {query:?}"
            );
            ensure!(start.elapsed() < LIMIT, "{path}: {query:?} takes too long");
            taken |= status == StatusCode::OK && path == "/api/builds";
        }
        Ok(taken)
    };
    let taken: Vec<bool> = stream::iter(&queries)
        .map(ask)
        .buffer_unordered(8)
        .try_collect()
        .await?;
    let taken = taken.into_iter().filter(|taken| *taken).count();
    ensure!(taken > 0 && taken < QUERIES, "{taken} were taken: too dull");
    stack.logs_have_no_panic()
}
