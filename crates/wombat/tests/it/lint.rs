//! A real binary lints a pipeline, and sees nothing else.

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use wombat_testkit::{Site, a_request};

use crate::real_build::{COLD, up_with};

const GOOD: &str = "input:\n  nats:\n    urls: [nats://localhost:4222]\n    subject: orders\noutput:\n  stdout: {}\n";
/// An unknown field, and a component that isn't in the binary.
const WRONG: &str = "input:\n  nats:\n    urls: [nats://localhost:4222]\n    subject: orders\n    colour: red\noutput:\n  kafka: {}\n";
/// The mapping reads a file when it is checked, and its error quotes the file.
const CURIOUS: &str = "pipeline:\n  processors:\n    - mapping: 'import \"/etc/passwd\"'\n";

async fn lint(site: &Site, id: &str, pipeline: &str) -> anyhow::Result<(u16, Value)> {
    let url = format!("{}/api/builds/{id}/lint", site.url);
    let response = site
        .client
        .post(url)
        .body(pipeline.to_owned())
        .send()
        .await?;
    let status = response.status().as_u16();
    Ok((status, serde_json::from_str(&response.text().await?)?))
}

/// Requests of a client that doesn't wait for the answers: few of them are worked on.
async fn a_flood_of_one_client_keeps_no_other_waiting(site: &Site, id: &str) -> anyhow::Result<()> {
    let request = || {
        let url = format!("{}/api/builds/{id}/lint", site.url);
        let request = site.client.post(url).body(GOOD);
        request.header("x-forwarded-for", "198.51.100.7").send()
    };
    let mut flood: JoinSet<_> = (0..200).map(|_| request()).collect();
    let refused = loop {
        let response = flood.join_next().await.context("all were answered")???;
        if response.status() != 200 {
            break response;
        }
    };
    drop(flood);
    let retry_after = refused.headers().get("retry-after").cloned();
    let words: Value = serde_json::from_str(&refused.text().await?)?;
    assert_eq!(words["code"], "too_busy", "{words}");
    assert!(words.to_string().contains("one at a time"), "{words}");
    let seconds: u64 = retry_after.context("Retry-After")?.to_str()?.parse()?;
    assert!((1..60).contains(&seconds), "{seconds}");
    let (status, other) = lint(site, id, WRONG).await?;
    assert_eq!(
        (status, &other["accepted"]),
        (200, &json!(false)),
        "{other}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_says_what_it_thinks_of_a_pipeline() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-lint-")?;
    let state = folder.path().join("state");
    std::fs::create_dir(&state)?;
    let running = up_with(&state, &["--trusted-proxy", "127.0.0.1"])?;
    let site = Site::new(running.first_line()?);
    site.until_ready().await?;
    let id = site.asked(&a_request(&["nats"])).await?;
    site.until(&id, "success", COLD).await?;

    let accepted = json!({"accepted": true, "complaints": []});
    assert_eq!(lint(&site, &id, GOOD).await?, (200, accepted));
    let (status, wrong) = lint(&site, &id, WRONG).await?;
    assert_eq!(
        (status, &wrong["accepted"]),
        (200, &json!(false)),
        "{wrong}"
    );
    let complaints = wrong["complaints"].as_array().unwrap();
    assert!(!complaints.is_empty(), "{wrong}");
    assert!(complaints.iter().all(|it| it["line"].is_u64()), "{wrong}");
    assert!(wrong.to_string().contains("kafka"), "{wrong}");

    // Without the sandbox the error would quote the file.
    let (status, curious) = lint(&site, &id, CURIOUS).await?;
    assert_eq!(
        (status, &curious["accepted"]),
        (200, &json!(false)),
        "{curious}"
    );
    assert!(
        curious.to_string().contains("permission denied"),
        "{curious}"
    );
    assert!(!curious.to_string().contains(":x:0:"), "{curious}");

    a_flood_of_one_client_keeps_no_other_waiting(&site, &id).await?;

    // No builder here runs this platform.
    let mut elsewhere = a_request(&["nats"]);
    elsewhere["goos"] = json!("windows");
    let other = site.asked(&elsewhere).await?;
    let (status, early) = lint(&site, &other, GOOD).await?;
    assert!(status == 202 || status == 422, "{early}");
    site.until(&other, "success", COLD).await?;
    let (status, problem) = lint(&site, &other, GOOD).await?;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("unsupported_platform")),
        "{problem}"
    );
    Ok(())
}
