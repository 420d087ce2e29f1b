//! Text of strangers from end to end: what a compiler, a request or a server says reaches records, logs, answers and the
//! terminal as text alone, and without names of the builder's machine.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Output,
    time::Duration,
};

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_testkit::{Stack, a_request, connect, wait_until};

use crate::program;

const SOON: Duration = Duration::from_mins(1);
const HOME: &str = "/home/kim";
/// Hostile texts, and what of each may be shown: the table of the unit tests.
const CORPUS: &str = include_str!("../../../wombat-model/src/plain_text/corpus.json");
/// A short hostile text.
const EVIL: &str = "a\u{1b}[2J\u{1b}]0;b\u{7}\u{202e}c\u{9b}1m\u{200b}\u{feff}d\u{8}";

/// Fails if a text could do more than be read.
fn check(whose: &str, text: &str) {
    let evil = |it: char| {
        it.is_control() && it != '\n'
            || ('\u{2028}'..='\u{202e}').contains(&it)
            || ('\u{2066}'..='\u{2069}').contains(&it)
            || "\u{61c}\u{200b}\u{200e}\u{200f}\u{ad}\u{feff}".contains(it)
    };
    let found = text.find(evil);
    assert!(found.is_none(), "{whose}, at {found:?}: {text:?}");
    assert!(!text.contains(HOME), "{whose}: {text}");
}

/// The output of a command, checked, as one text.
fn said(words: &[&str], server: &str) -> anyhow::Result<String> {
    let mut command = program().command();
    let Output { stdout, stderr, .. } =
        command.args(words).env("WOMBAT_SERVER", server).output()?;
    let text = String::from_utf8(stdout)? + &String::from_utf8(stderr)?;
    check(&format!("{words:?}"), &text);
    Ok(text)
}

/// The raw text of a path, checked.
async fn answer(stack: &Stack, path: &str) -> anyhow::Result<String> {
    let text = stack.site.get(path).await?.text().await?;
    check(path, &text);
    // JSON may hide a character behind an escape.
    if let Ok(json) = serde_json::from_str::<Value>(&text) {
        let mut texts = vec![&json];
        while let Some(value) = texts.pop() {
            match value {
                Value::String(text) => check(path, text),
                Value::Array(all) => texts.extend(all),
                Value::Object(all) => texts.extend(all.values()),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
    }
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_compiler_prints_is_only_text() -> anyhow::Result<()> {
    let program = program().env("HOME", HOME);
    let stack = Stack::start(&program).await?;
    let state = TempDir::with_prefix("wombat-state-")?;
    let folder = state.path().display().to_string();
    let _builder = stack.builder_in(state.path(), &[])?;

    let corpus: Vec<Value> = serde_json::from_str(CORPUS)?;
    let text = |case: &Value, name: &str| case[name].as_str().map(str::to_owned);
    let package = connect("nats");
    let event = |action: &str, words: &str| {
        let event = json!({"ImportPath": package, "Action": action, "Output": words});
        format!("{event}\n")
    };
    let local = format!("x.go:1: open {folder}/a and {HOME}/b\n");
    let mut events = event("build-output", &local) + &event("build-output", EVIL);
    let mut errors = Vec::new();
    for case in &corpus {
        if let Some(input) = text(case, "input") {
            events += &event("build-output", &format!("{input}\n"));
        } else {
            errors.extend(hex::decode(text(case, "hex").context("hex")?)?);
            errors.push(b'\n');
        }
    }
    events += &event("build-fail", "");
    stack.go.fails(&events, "")?;
    std::fs::write(stack.go.folder().join("fails"), errors)?;

    let id = stack.site.asked(&a_request(&["nats"])).await?;
    let view = stack.site.until(&id, "failed", SOON).await?;
    assert_eq!(view["failure"]["package"], *package, "{view}");
    let error = view["error"].as_str().context("an error")?;
    assert!(
        error.contains("x.go:1: open $STATE/a and $HOME/b\nacd\nred and bold"),
        "{error}"
    );

    let log = answer(&stack, &format!("/api/builds/{id}/log")).await?;
    for case in &corpus {
        let wanted = text(case, "lines").or_else(|| text(case, "line"));
        for line in wanted.context("lines")?.trim_end().split('\n') {
            assert!(log.lines().any(|it| it.trim_end() == line), "{case}\n{log}");
        }
    }
    assert!(!log.contains(&folder), "{log}");
    wait_until("the list to tell of it", SOON, async || {
        let list = stack.site.json("/api/builds").await?;
        Ok((list["builds"][0]["status"] == "failed").then_some(()))
    })
    .await?;
    for path in [format!("/api/builds/{id}"), "/api/builds".to_owned()] {
        let text = answer(&stack, &path).await?;
        assert!(
            text.contains("$STATE/a") && !text.contains(&folder),
            "{text}"
        );
    }

    let server = &stack.site.url;
    let build = [
        "build",
        "nats",
        "--platform",
        "linux/amd64",
        "--go",
        "1.26.8",
    ];
    let shown = "$STATE/a and $HOME/b\n          acd\n          red and bold";
    for (words, expected) in [
        (&build[..], shown),
        (&["get", &id], shown),
        (&["get", &id, "--json"], "\\nacd\\nred and bold"),
        (&["logs", &id], "\nacd\nred and bold"),
        (&["logs", "--follow", &id], "\nacd\nred and bold"),
        (&["logs", "--follow", "--json", &id], "\"red and bold\""),
        (&["list", "status:failed"], &id),
    ] {
        let text = said(words, server)?;
        assert!(text.contains(expected), "{words:?}: {text}");
        assert!(!text.contains(&folder), "{words:?}: {text}");
    }

    // What a request holds is repeated as text.
    let mut request = a_request(&[]);
    request["components"] = json!([EVIL]);
    request[EVIL] = json!(1);
    for request in [request, json!({"goos": EVIL, "goarch": EVIL})] {
        let (status, refusal) = stack.site.ask(&request).await?;
        assert!(status.is_client_error(), "{refusal}");
        check("a refusal", &refusal.to_string().replace("\\n", "\n"));
        for problem in refusal["problems"].as_array().context("problems")? {
            check(
                "a problem",
                problem["message"].as_str().context("a message")?,
            );
        }
    }
    said(&["build", EVIL, "--platform", "linux/amd64"], server)?;
    said(&["list", &format!("status:{EVIL}")], server)?;
    Ok(())
}

/// A server that isn't ours may send anything.
#[test]
fn what_a_server_sends_is_only_text_on_the_terminal() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = format!("http://{}", listener.local_addr()?);
    let problem = json!({"code": "not_found", "field": EVIL, "message": format!("{EVIL}\nno")});
    let refusal = json!({"detail": EVIL, "problems": [problem]}).to_string();
    let blocked =
        json!({"revision": 1, "modules": [{"module": "a.b/c", "reason": "x\u{202e}y\u{200b}"}]});
    let answers = [
        ("404 Not Found", refusal),
        ("200 OK", format!("line\n{EVIL}\n")),
        ("200 OK", json!({EVIL: 1}).to_string()),
        ("200 OK", blocked.to_string()),
    ];
    let serving = std::thread::spawn(move || -> anyhow::Result<()> {
        for (status, body) in answers {
            let (mut connection, _) = listener.accept()?;
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                connection.read_exact(&mut byte)?;
                request.extend(byte);
            }
            let length = body.len();
            write!(
                connection,
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )?;
        }
        Ok(())
    });
    let hash = "a".repeat(64);
    let id = format!("build.linux.amd64.1_26_8.{hash}");
    for (words, expected) in [
        (&["get", &id][..], "error: acd: acd\n       no"),
        (&["logs", &id], "line\nacd"),
        (&["list"], "unexpected answer"),
        (&["blocklist", "show", "--json"], "\"xy\""),
    ] {
        let text = said(words, &server)?;
        assert!(text.contains(expected), "{words:?}: {text}");
    }
    serving.join().expect("no panic")
}
