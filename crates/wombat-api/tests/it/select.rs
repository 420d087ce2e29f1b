//! Questions about pipelines: as a text, as JSON and as a form, answered by a real service.

use anyhow::Context;
use reqwest::{Method, header};
use serde_json::{Value, json};
use wombat_testkit::NatsServer;

use crate::{service::Service, support::Api};

const PIPELINE: &str = "input: {stdin: {}}\noutput:\n  my_out: {key: '${KEY:a}'}\n";
const TEMPLATE: &str = "name: my_out\ntype: output\nfields: [{name: key, type: string}]\nmapping: root.redis_list.key = this.key\n";

/// Sends a body of this media type; returns the status and the answer.
async fn ask(
    api: &Api,
    media: &str,
    body: impl Into<reqwest::Body>,
) -> anyhow::Result<(u16, Value)> {
    let request = api.request(Method::POST, "/api/catalog/select?goarch=arm64");
    let request = request.header(header::CONTENT_TYPE, media).body(body);
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await?))
}

/// A form with these parts: name, name of the file, text.
fn form(parts: &[(&str, Option<&str>, &str)]) -> String {
    let parts = parts.iter().map(|(name, file, text)| {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
    });
    parts.collect::<Vec<_>>().concat() + "--x--\r\n"
}

const FORM: &str = "multipart/form-data; boundary=x";

#[tokio::test]
async fn many_files_are_one_question_in_json_and_in_a_form() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let _service = Service::start(&server).await?;
    let api = Api::start(&server).await?;

    let files =
        json!({"files": {"p.yaml": PIPELINE, "t/my.yaml": TEMPLATE}, "components": ["nats"]});
    let (status, by_json) = ask(&api, "application/json", files.to_string()).await?;
    assert_eq!(status, 200, "{by_json}");
    let parts = [
        ("file", Some("p.yaml"), PIPELINE),
        ("file", Some("t/my.yaml"), TEMPLATE),
        ("components", None, "nats"),
    ];
    let (status, by_form) = ask(&api, FORM, form(&parts)).await?;
    assert_eq!((status, &by_form), (200, &by_json));
    assert_eq!(by_json["mistakes"], json!([]));
    assert_eq!(by_json["request"]["goarch"], "arm64");
    let packages = by_json["request"]["packages"]
        .as_array()
        .context("no packages")?;
    assert_eq!(packages.len(), 2, "{packages:?}");
    let roles: Vec<&Value> = by_json["files"]
        .as_array()
        .context("no files")?
        .iter()
        .map(|it| &it["roles"][0])
        .collect();
    assert_eq!(roles, ["pipeline", "template"]);
    let places = &by_json["variables"][0]["places"];
    assert_eq!(
        places,
        &json!([{"file": "p.yaml", "line": 3, "column": 18}])
    );

    let (status, plain) = ask(&api, "application/yaml", TEMPLATE).await?;
    assert_eq!(status, 200, "{plain}");
    assert_eq!(plain["files"], json!([{"roles": ["template"]}]));
    Ok(())
}

#[tokio::test]
async fn limits_of_pipelines_are_their_own_and_named() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let _service = Service::start(&server).await?;
    let api = Api::start(&server).await?;
    let most = 256 * 1024;
    let large = format!(
        "input: {{stdin: {{}}}}\n{}",
        "# \"quoted\"\n".repeat(most / 11 - 2)
    );
    assert!(large.len() > 200 * 1024 && large.len() < most);
    let (status, answer) = ask(&api, "application/yaml", large.clone()).await?;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = ask(
        &api,
        "application/json",
        json!({"files": {"a.yaml": large}}).to_string(),
    )
    .await?;
    assert_eq!(status, 200, "{answer}");

    let too_large = "#".repeat(most + 1);
    let halves = json!({"files": {"a": "#".repeat(most / 2), "b": "#".repeat(most / 2), "c": "#"}});
    for (media, body) in [
        ("application/yaml", too_large.clone()),
        (
            "application/json",
            json!({"pipeline": too_large}).to_string(),
        ),
        ("application/json", halves.to_string()),
        (FORM, form(&[("file", Some("a.yaml"), &too_large)])),
    ] {
        let (status, answer) = ask(&api, media, body).await?;
        assert_eq!(status, 413, "{media}: {answer}");
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("262144"), "{media}: {detail}");
    }
    let huge = "#".repeat(1024 * 1024 + 1);
    let (status, answer) = ask(&api, "application/json", huge).await?;
    assert_eq!(status, 413);
    assert!(
        answer["detail"]
            .as_str()
            .unwrap_or_default()
            .contains("1048576"),
        "{answer}"
    );

    // Other calls keep theirs.
    let small = api
        .request(Method::POST, "/api/resolve")
        .body("#".repeat(64 * 1024 + 1));
    let answer = small.send().await?;
    assert_eq!(answer.status().as_u16(), 413);
    let document: Value = answer.json().await?;
    assert!(
        document["detail"]
            .as_str()
            .unwrap_or_default()
            .contains("65536"),
        "{document}"
    );

    for (media, body) in [
        ("multipart/form-data", String::new()),
        (FORM, "--x\r\n".to_owned()),
        (FORM, form(&[("config", None, "a")])),
    ] {
        let (status, answer) = ask(&api, media, body).await?;
        assert_eq!(status, 400, "{media}: {answer}");
    }
    Ok(())
}
