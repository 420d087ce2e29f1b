//! `wombat blocklist` against a running gateway, also where the stored list is damaged.

use std::{fs, process::Output, time::Duration};

use async_nats::jetstream;
use serde_json::{Value, json};
use wombat_testkit::{NatsServer, Site, Stack, a_request, artifact_path, wait_until};

use crate::{program, tokens::Tokens};

const LIMIT: Duration = Duration::from_mins(1);

fn blocklist(site: &Site, tokens: &Tokens, words: &[&str]) -> anyhow::Result<Output> {
    let mut command = program().command();
    command.arg("blocklist").args(words);
    command.envs([
        ("WOMBAT_SERVER", site.url.as_str()),
        ("WOMBAT_TOKEN", tokens.of("admin")),
    ]);
    Ok(command.output()?)
}

#[tokio::test]
async fn a_damaged_list_is_told_and_replaced_by_a_saved_one() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let tokens = Tokens::new()?;
    let _service = program().start(&["service", "--nats-url", &nats.url()])?;
    let path = tokens.path()?;
    let (_api, site) = program().gateway(&nats.url(), &["--tokens", &path]).await?;
    let added = blocklist(&site, &tokens, &["add", "a.b/*", "--reason", "malware"])?;
    assert!(added.status.success(), "{added:?}");
    let saved = blocklist(&site, &tokens, &["show", "--json"])?.stdout;
    let file = nats.directory().join("blocklist.json");
    fs::write(&file, &saved)?;

    let jetstream = jetstream::new(nats.connection().await?.client().clone());
    let damaged = jetstream.publish("$KV.catalog.blocklist", "[{".into());
    damaged.await?.await?;
    for words in [&["show"][..], &["add", "c.d"]] {
        let refused = blocklist(&site, &tokens, words)?;
        assert!(!refused.status.success(), "{refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("wombat blocklist replace FILE"), "{said}");
    }
    let body = json!({"goos": "linux", "goarch": "amd64", "components": ["nats"]});
    wait_until("builds to be refused", LIMIT, async || {
        let (status, problem) = site.ask(&body).await?;
        let told = problem.to_string().contains("blocklist can't be read");
        Ok((status == 503 && told).then_some(()))
    })
    .await?;

    let file = file.to_str().unwrap();
    let replaced = blocklist(&site, &tokens, &["replace", file])?;
    assert!(replaced.status.success(), "{replaced:?}");
    let shown = blocklist(&site, &tokens, &["show", "--json"])?.stdout;
    let modules = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap()["modules"].clone();
    assert_eq!(modules(&shown), modules(&saved));
    wait_until("builds to be accepted", LIMIT, async || {
        Ok((site.ask(&body).await?.0 == 202).then_some(()))
    })
    .await?;
    let wrong = blocklist(&site, &tokens, &["replace", "/dev/null"])?;
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(said.contains("show --json"), "{said}");
    Ok(())
}

const EVIL: &str = "evil.example/deep";

/// Waits until a download has this status; returns the body.
async fn until_served(site: &Site, id: &str, status: u16) -> anyhow::Result<String> {
    wait_until("the download to change", LIMIT, async || {
        let answer = site.get(&artifact_path(id)).await?;
        let is_it = answer.status().as_u16() == status;
        let bytes = answer.bytes().await?;
        Ok(is_it.then(|| String::from_utf8_lossy(&bytes).into_owned()))
    })
    .await
}

/// Standard output of `wombat blocklist`.
fn changed(site: &Site, tokens: &Tokens, words: &[&str]) -> anyhow::Result<String> {
    let output = blocklist(site, tokens, words)?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_others_require_is_blocked_in_new_and_in_finished_builds()
-> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let tokens = Tokens::new()?;
    let path = tokens.path()?;
    let url = stack.nats.url();
    let (_api, site) = program().gateway(&url, &["--tokens", &path]).await?;
    // In the build information of each binary.
    stack
        .go
        .requires(&json!([{"Path": EVIL, "Version": "v1.2.3"}]))?;
    let _builder = stack.builder(&[])?;
    let id = site.asked(&a_request(&["nats"])).await?;
    let view = site.until(&id, "success", LIMIT).await?;
    assert!(view.get("blocked").is_none(), "{view}");
    until_served(&site, &id, 200).await?;
    let recipe = site.json(&format!("/api/builds/{id}/recipe")).await?;
    let modules = recipe["modules"].as_array().unwrap();
    let evil = json!({"path": EVIL, "version": "v1.2.3"});
    assert!(modules.contains(&evil), "{recipe}");

    let words = ["add", "evil.example/*", "--reason", "malware"];
    let said = changed(&site, &tokens, &words)?;
    assert!(
        said.contains("`evil.example/*` hits 1 finished build"),
        "{said}"
    );
    let refused = until_served(&site, &id, 451).await?;
    let words = "evil.example/deep v1.2.3, by the entry `evil.example/*` (malware)";
    assert!(refused.contains(words), "{refused}");
    let dl = format!(
        "/dl/linux/amd64?goVersion=1.26.8&packages={}",
        wombat_testkit::connect("nats")
    );
    let lint = format!("{}/api/builds/{id}/lint", site.url);
    let lint = site.client.post(lint).body("input: {}").send().await?;
    assert_eq!(lint.status().as_u16(), 451);
    let view = wait_until("the view to tell", LIMIT, async || {
        let view = site.json(&format!("/api/builds/{id}")).await?;
        Ok(view.get("blocked").is_some().then_some(view))
    })
    .await?;
    let blocked = json!({
        "module": EVIL, "version": "v1.2.3", "pattern": "evil.example/*", "reason": "malware",
    });
    assert_eq!(view["blocked"], blocked, "{view}");
    assert_eq!(site.get(&dl).await?.status().as_u16(), 451);

    // The builder finds it in the binary, and asks for the list then.
    let new = site.asked(&a_request(&["redis"])).await?;
    let failed = site.until(&new, "failed", LIMIT).await?;
    assert_eq!(failed["failure"]["class"], "input", "{failed}");
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains(words), "{error}");

    // A module that is requested is refused at once, and so is the download.
    let module = "github.com/redpanda-data/connect/v4";
    let said = changed(&site, &tokens, &["add", module])?;
    assert!(said.contains("hits 1 finished build"), "{said}");
    let (status, problem) = wait_until("requests to be refused", LIMIT, async || {
        let answer = site.ask(&a_request(&["mqtt"])).await?;
        Ok((answer.0 != 202).then_some(answer))
    })
    .await?;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("module_blocked"))
    );
    assert_eq!(site.get(&dl).await?.status().as_u16(), 451);

    // Another list: what it doesn't block is served, and built although it failed before.
    changed(&site, &tokens, &["remove", module])?;
    let said = changed(&site, &tokens, &["remove", "evil.example/*"])?;
    assert!(said.contains("hits no finished build"), "{said}");
    until_served(&site, &id, 200).await?;
    wait_until("the build to be taken again", LIMIT, async || {
        let (_, view) = site.ask(&a_request(&["redis"])).await?;
        Ok((view["status"] != "failed" && view["id"].is_string()).then_some(()))
    })
    .await?;
    site.until(&new, "success", LIMIT).await?;
    Ok(())
}
