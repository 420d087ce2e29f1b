//! `wombat blocklist` against a running gateway, also where the stored list is damaged.

use std::{fs, process::Output, time::Duration};

use async_nats::jetstream;
use serde_json::{Value, json};
use wombat_testkit::{NatsServer, Site, wait_until};

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
