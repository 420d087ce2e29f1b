//! The direct download: one URL that gives a binary, and pipelines that name what they need.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, ensure};
use sha2::{Digest as _, Sha256};
use wombat_testkit::{Poison, Site, Stack, Wombat, wait_until};

use crate::program;

const LIMIT: Duration = Duration::from_secs(10);

/// Everything that a build takes.
async fn start() -> anyhow::Result<(Stack, Wombat)> {
    let stack = Stack::start(&program()).await?;
    let builder = stack.builder(&[])?;
    stack.site.until_builders(1).await?;
    Ok((stack, builder))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_gives_a_binary() -> anyhow::Result<()> {
    let (stack, _builder) = start().await?;
    stack.go.takes_seconds(1.0)?;
    let answer = stack
        .site
        .get("/dl/linux/amd64?components=nats,%20redis")
        .await?;
    ensure!(answer.status() == 200, "{}", answer.status());
    let path = answer.url().path().to_owned();
    ensure!(path.starts_with("/artifacts/linux/amd64/"), "{path}");
    let named = answer.headers()["content-disposition"].to_str()?.to_owned();
    ensure!(named.contains("attachment; filename="), "{named}");
    let digest = hex::encode(Sha256::digest(answer.bytes().await?));
    let sum = stack.site.get(&format!("{path}.sha256")).await?;
    ensure!(sum.text().await?.starts_with(&digest));

    let unknown = stack.site.get("/dl/linux/amd64?components=natz").await?;
    ensure!(unknown.status() == 422, "{}", unknown.status());
    ensure!(unknown.text().await?.contains("did you mean `nats`?"));
    let nothing = stack.site.get("/dl/linux/amd64").await?;
    ensure!(nothing.status() == 400, "{}", nothing.status());
    let strange = stack.site.get("/dl/linux/amd64?component=nats").await?;
    ensure!(strange.status() == 400, "{}", strange.status());

    a_browser_asks_first(&stack.site).await
}

/// Another selection, in a browser: only the button starts its build, and the page ends with the download.
async fn a_browser_asks_first(site: &Site) -> anyhow::Result<()> {
    let url = format!("{}/dl/linux/amd64?components=mqtt", site.url);
    let opened = |destination: &'static str| {
        let request = site.client.get(&url).header("accept", "text/html");
        let request = request.header("sec-fetch-site", "cross-site");
        let request = request.header("sec-fetch-mode", "navigate");
        request.header("sec-fetch-dest", destination)
    };
    for destination in ["iframe", "image"] {
        let embedded = opened(destination).send().await?;
        ensure!(embedded.status() == 403, "{}", embedded.status());
    }
    let question = opened("document").send().await?.text().await?;
    ensure!(question.contains("Nothing has been started"), "{question}");
    let listed = site.json("/api/builds?q=component:mqtt").await?;
    ensure!(listed["total"] == 0, "{listed}");

    let button = site.client.post(&url).header("accept", "text/html");
    let mut page = button.send().await?;
    ensure!(page.url().query() == Some("components=mqtt&round=1"));
    let binary = loop {
        let next = page.headers().get("refresh").context("it goes on")?;
        let (_, next) = next.to_str()?.split_once("url=").context("an address")?;
        if next.starts_with("/artifacts/") {
            break next.to_owned();
        }
        // As a browser does, which then waits for the answer.
        let next = site.client.get(format!("{}{next}", site.url));
        page = next.header("accept", "text/html").send().await?;
    };
    let binary = site.get(&binary).await?;
    let named = binary.headers()["content-disposition"].to_str()?;
    ensure!(named.contains("attachment"), "{named}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_says_so() -> anyhow::Result<()> {
    let (stack, _builder) = start().await?;
    stack.go.misbehaves(Poison::Flood)?;
    let answer = stack.site.get("/dl/linux/amd64?components=nats").await?;
    ensure!(answer.status() == 422, "{}", answer.status());
    let problem: serde_json::Value = answer.json().await?;
    ensure!(problem["code"] == "build_failed", "{problem}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_built_from_its_file() -> anyhow::Result<()> {
    let (stack, _builder) = start().await?;
    let folder = tempfile::tempdir()?;
    let wombat = |arguments: &[&str]| -> anyhow::Result<(bool, String)> {
        let mut command: Command = program().command();
        command.args(arguments).args(["--server", &stack.site.url]);
        let output = command.current_dir(folder.path()).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8(said)?))
    };
    let good = "input:\n  nats: {urls: ['nats://a'], subject: b}\noutput:\n  redis_list: {url: x, key: y}\n";
    fs::write(folder.path().join("good.yaml"), good)?;
    let platform = ["--platform", "linux/amd64"];
    let (done, said) = wombat(&[&["build", "--config", "good.yaml"][..], &platform].concat())?;
    ensure!(done, "{said}");
    ensure!(folder.path().join("wombat").is_file(), "{said}");
    let text = wait_until("the build to be listed", LIMIT, async || {
        let list = stack.site.json("/api/builds?limit=1").await?;
        Ok((list["total"] == 1).then(|| list.to_string()))
    })
    .await?;
    ensure!(
        text.contains("components/nats") && text.contains("components/redis"),
        "{text}"
    );

    fs::write(folder.path().join("bad.yaml"), "input:\n  natz: {}\n")?;
    let (done, said) = wombat(&["build", "--config", "bad.yaml"])?;
    ensure!(
        !done && said.contains("bad.yaml:2:3: There is no input `natz`"),
        "{said}"
    );
    Ok(())
}
