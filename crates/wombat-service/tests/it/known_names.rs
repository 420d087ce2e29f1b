//! Imports of modules that register names of official components.

use std::{collections::BTreeMap, time::Duration};

use async_nats::Client;
use serde_json::{Value, json};
use wombat_model::catalog::{CatalogPackage, Import, ImportState, Release, ReleaseDocument};
use wombat_store::{Store, Versioned, WatchEvent};
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    lacking::newest_of,
    support::{CONNECT, Instance, ask, body, unlimited},
};

const EVIL: &str = "a.evil/parts";
const LIMIT: Duration = Duration::from_secs(30);

/// A release with packages of Connect v4.105.0 under another module's paths, which are smaller than the real ones.
async fn evil(store: &Store, names: &[&str]) -> anyhow::Result<Release> {
    let real = newest_of(store).await?;
    let packages = names.iter().map(|name| {
        let path = format!("{CONNECT}/{name}").parse()?;
        let package = real.package(&path).expect("it is a package of Connect");
        anyhow::Ok(CatalogPackage {
            path: format!("{EVIL}/{name}").parse()?,
            added_bytes: Some(1),
            ..package.clone()
        })
    });
    Ok(Release {
        module: EVIL.parse()?,
        version: "v1.0.0".parse()?,
        packages: packages.collect::<Result<_, _>>()?,
        component_root: String::new(),
        drivers: Vec::new(),
        shared: Vec::new(),
        excluded: BTreeMap::new(),
        unfetched: BTreeMap::new(),
        ..real
    })
}

/// Requests the import of a release, gives its result as a builder does, and returns its end.
async fn imported(
    (client, store): (&Client, &Store),
    release: &Release,
    question: Value,
) -> anyhow::Result<Import> {
    let asked = ask(client, "catalog.import", &question).await;
    let asked: Import = serde_json::from_value(asked.unwrap())?;
    let is_same = |import: &Import| import.requested == asked.requested;
    let open = next(store, |it| is_same(it) && it.state == ImportState::New).await?;
    let document = ReleaseDocument {
        release: release.clone(),
        documentation: Vec::new(),
        stream: Vec::new(),
    };
    let time = open.value.requested.unix_timestamp_nanos();
    let name = format!("{}/{}/{time}", release.module, release.version);
    let bytes = serde_json::to_vec(&document)?;
    store.documents.put_bytes(&name, &bytes).await?;
    let storing = open.value.at(ImportState::Storing {
        document: name.clone(),
    });
    store.catalog.write_import(storing, open.revision).await?;
    let over = next(store, |it| is_same(it) && it.is_over()).await?.value;
    let is_refused = matches!(over.state, ImportState::Failed { .. });
    wait_until("the refused document to be removed", LIMIT, async || {
        // Reading it fails while it is being removed.
        let read = store.documents.bytes(&name, 64 << 20).await;
        Ok((matches!(read, Ok(None)) == is_refused).then_some(()))
    })
    .await?;
    Ok(over)
}

/// The next state of an import like this.
async fn next(store: &Store, is_it: impl Fn(&Import) -> bool) -> anyhow::Result<Versioned<Import>> {
    let mut imports = store.catalog.watch_imports();
    let looking = async {
        loop {
            if let WatchEvent::Value { record, .. } = imports.next().await
                && is_it(&record.value)
            {
                return record;
            }
        }
    };
    Ok(tokio::time::timeout(LIMIT, looking).await?)
}

async fn packages(client: &Client, component: &str) -> Vec<Value> {
    let resolved = ask(client, "build.resolve", &body(component)).await;
    let resolved = resolved.unwrap();
    let packages = resolved["packages"].as_array().unwrap().iter();
    let added = packages.filter(|package| package["base"] != true);
    added.map(|package| package["url"].clone()).collect()
}

#[tokio::test]
async fn known_names_need_a_word_and_stay_official() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    let both = (&client, &store);
    let nats = json!([format!("{CONNECT}/nats")]);
    let release = evil(&store, &["nats", "redis"]).await?;

    let question = json!({"module": EVIL, "version": "v1.0.0"});
    let refused = imported(both, &release, question.clone()).await?;
    let state = serde_json::to_value(&refused)?;
    assert_eq!(state["status"], "failed", "{state}");
    assert_eq!(state["code"], "known_names", "{state}");
    let message = state["message"].as_str().unwrap();
    for words in [
        "a.evil/parts v1.0.0 registers",
        "`input/nats`",
        " more.",
        "`allowKnownNames`",
        "--allow-known-names",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let search = json!({"module": EVIL});
    let listed = ask(&client, "catalog.search", &search).await.unwrap();
    assert_eq!(listed["total"], 0, "{listed}");
    assert_eq!(json!(packages(&client, "nats").await), nats);

    let mut allowing = question;
    allowing["allowKnownNames"] = json!(true);
    let done = imported(both, &release, allowing).await?;
    assert_eq!(done.state, ImportState::Success { packages: 2 });
    wait_until("the release to be listed", LIMIT, async || {
        let listed = ask(&client, "catalog.search", &search).await.unwrap();
        Ok((listed["total"] == 2).then_some(()))
    })
    .await?;
    assert_eq!(json!(packages(&client, "nats").await), nats);
    let pipeline = "input: {nats: {urls: [a], subject: b}}\noutput: {drop: {}}\n";
    let question = json!({"pipeline": pipeline, "goos": "linux", "goarch": "amd64"});
    let selected = ask(&client, "catalog.select", &question).await.unwrap();
    assert_eq!(selected["request"]["packages"], nats, "{selected}");
    // By its path it can be had.
    let by_path = json!({"goos": "linux", "goarch": "amd64", "packages": [format!("{EVIL}/nats")]});
    let by_path = ask(&client, "build.resolve", &by_path).await.unwrap();
    assert_eq!(by_path["modules"][EVIL], "v1.0.0", "{by_path}");
    let listed = ask(
        &client,
        "catalog.component",
        &json!({"component": "input/nats"}),
    )
    .await;
    let listed = listed.unwrap();
    assert_eq!(listed["providers"][0]["package"], nats[0], "{listed}");
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_newer_official_release_needs_no_word() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    let newer = Release {
        version: "v4.999.0".parse()?,
        ..newest_of(&store).await?
    };
    let question = json!({"module": newer.module, "version": "v4.999.0"});
    let done = imported((&client, &store), &newer, question).await?;
    assert!(
        matches!(done.state, ImportState::Success { .. }),
        "{done:?}"
    );
    instance.stop().await?;
    Ok(())
}
