//! Requests that can't be built: refused at once with a message that names the field, and nothing is written.

use crate::program;
use serde_json::{Value, json};
use wombat_testkit::NatsServer;

use wombat_testkit::{Stack, a_request, connect};

/// A request with some fields changed.
fn with(changes: &Value) -> Value {
    let mut body = a_request(&["nats"]);
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

async fn records(nats: &NatsServer) -> anyhow::Result<u64> {
    let connection = nats.connection().await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    Ok(jetstream
        .get_stream("KV_builds")
        .await?
        .cached_info()
        .state
        .messages)
}

/// A request, its status, and the field that is named.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<(&'static str, Value, u16, &'static str)> {
    let many: Vec<String> = (0..65).map(|n| format!("example.com/m/p{n}")).collect();
    let packages = |path: &str| with(&json!({"packages": [path]}));
    vec![
        (
            "unknown goos",
            with(&json!({"goos": "plan10"})),
            422,
            "goos",
        ),
        (
            "impossible pair",
            with(&json!({"goos": "windows", "goarch": "s390x"})),
            422,
            "goarch",
        ),
        (
            "Go that doesn't exist",
            with(&json!({"goVersion": "1.99.0"})),
            422,
            "goVersion",
        ),
        (
            "malformed Go",
            with(&json!({"goVersion": "latest"})),
            422,
            "goVersion",
        ),
        ("quote", packages("example.com/a\"b"), 422, "packages[0]"),
        ("newline", packages("example.com/a\nb"), 422, "packages[0]"),
        (
            "parent folder",
            packages("example.com/../b"),
            422,
            "packages[0]",
        ),
        (
            "upper-case escape",
            packages("github.com/!azure/x"),
            422,
            "packages[0]",
        ),
        (
            "65 packages",
            with(&json!({"packages": many})),
            422,
            "packages",
        ),
        (
            "unknown field",
            with(&json!({"colour": "red"})),
            400,
            "colour",
        ),
        (
            "wrong type",
            with(&json!({"packages": "nats"})),
            400,
            "packages",
        ),
        (
            "latest of an unlisted module",
            with(&json!({"packages": ["example.com/m/p@latest"]})),
            422,
            "packages[0]",
        ),
        (
            "unlisted module without version",
            packages("example.com/m/p"),
            422,
            "packages[0]",
        ),
        ("cgo", packages(&connect("zeromq")), 422, "packages[0]"),
        (
            "empty on this target",
            with(&json!({"goarch": "arm", "packages": [connect("couchbase")]})),
            422,
            "packages[0]",
        ),
        ("licence", packages(&connect("mysql")), 422, "packages[0]"),
        (
            "not in the release",
            packages(&connect("natz")),
            422,
            "packages[0]",
        ),
        (
            "unknown component",
            with(&json!({"components": ["natz"]})),
            422,
            "components[0]",
        ),
        (
            "too old a Go",
            with(&json!({"goVersion": "1.26.3"})),
            422,
            "goVersion",
        ),
        (
            "unused module",
            with(&json!({"modules": {"example.com/m": "v1.0.0"}})),
            422,
            "modules.example.com/m",
        ),
    ]
}

#[tokio::test]
async fn each_is_a_problem_document_that_names_the_field_and_writes_nothing() -> anyhow::Result<()>
{
    let stack = Stack::start(&program()).await?;
    for (name, body, wanted, field) in cases() {
        let (status, problem) = stack.site.ask(&body).await?;
        assert_eq!(status, wanted, "{name}: {problem}");
        let fields: Vec<&str> = problem["problems"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|problem| problem["field"].as_str())
            .collect();
        assert!(fields.contains(&field), "{name}: {problem}");
        assert_eq!(problem["status"], wanted, "{name}");
        assert!(problem["requestId"].is_string(), "{name}");
    }
    let (_, problem) = stack
        .site
        .ask(&with(&json!({"goVersion": "1.26.3"})))
        .await?;
    assert!(
        problem.to_string().contains("1.26.5"),
        "the lowest that would do is named: {problem}"
    );

    let response = stack
        .site
        .client
        .post(format!("{}/api/builds", stack.site.url))
        .body("{")
        .send()
        .await?;
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let large = stack
        .site
        .client
        .post(format!("{}/api/builds", stack.site.url))
        .body(vec![b' '; 70_000])
        .send()
        .await?;
    assert_eq!(large.status(), 413);
    assert_eq!(records(&stack.nats).await?, 0, "nothing was written");
    Ok(())
}
