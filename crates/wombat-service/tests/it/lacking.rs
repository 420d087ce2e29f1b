//! A release that an import couldn't try in full: it makes nothing impossible, and is completed later.

use std::time::Duration;

use serde_json::{Value, json};
use wombat_model::catalog::{Import, ImportState, PackageDocumentation, Release, ReleaseDocument};
use wombat_service::ServiceArgs;
use wombat_store::{Store, WatchEvent};
use wombat_testkit::{NatsServer, wait_until};

use crate::support::{CONNECT, Instance, ask, body, unlimited};

pub(crate) const MODULE: &str = "github.com/redpanda-data/connect/v4";
const LIMIT: Duration = Duration::from_secs(30);

/// What an import of v4.999.0 found where the dependency of `sql` is refused.
async fn store_lacking(store: &Store) -> anyhow::Result<Release> {
    let known = newest_of(store).await?;
    let mut release = Release {
        version: "v4.999.0".parse()?,
        ..known
    };
    let sql = format!("{CONNECT}/sql").parse()?;
    release.packages.retain(|package| package.path != sql);
    let why = json!({"reason": "The module proxy refuses a.b/driver v1.0.0.", "dependency": "a.b/driver v1.0.0", "tried": "2026-01-02T03:04:05Z"});
    release.unfetched = [(sql, serde_json::from_value(why)?)].into();
    assert!(store.catalog.seed(release.clone()).await?);
    Ok(release)
}

/// The embedded v4.105.0.
pub(crate) async fn newest_of(store: &Store) -> anyhow::Result<Release> {
    let mut watcher = store.catalog.watch();
    loop {
        if let WatchEvent::Value { record, .. } = watcher.next().await
            && record.value.version.as_str() == "v4.105.0"
        {
            return Ok(record.value);
        }
    }
}

fn at_999(components: &[&str]) -> Value {
    json!({"goos": "linux", "goarch": "amd64", "components": components, "modules": {MODULE: "v4.999.0"}})
}

pub(crate) async fn default(client: &async_nats::Client) -> String {
    let found = ask(client, "catalog.search", &json!({"module": MODULE})).await;
    let found = found.unwrap();
    let releases = found["releases"].as_array().unwrap().iter();
    let mut newest = releases.filter(|it| it["module"] == MODULE && it["newest"] == true);
    newest.next().unwrap()["version"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_release_that_lacks_a_package_makes_nothing_impossible() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    let instance = Instance::start(&server, unlimited()).await?;
    let before = ask(&client, "build.resolve", &body("sql_insert"))
        .await
        .unwrap();
    store_lacking(&store).await?;
    let summary = wait_until("the release to be known", LIMIT, async || {
        let found = ask(&client, "catalog.search", &json!({"module": MODULE})).await;
        let found = found.unwrap();
        let releases = found["releases"].as_array().unwrap().clone();
        Ok(releases.into_iter().find(|it| it["version"] == "v4.999.0"))
    })
    .await?;
    let why = &summary["unfetched"][format!("{CONNECT}/sql")];
    assert_eq!(why["dependency"], "a.b/driver v1.0.0", "{summary}");
    assert_eq!(summary["newest"], false);
    let default_version = default(&client).await;
    assert_ne!(default_version, "v4.999.0");
    let after = ask(&client, "build.resolve", &body("sql_insert"))
        .await
        .unwrap();
    assert_eq!(after["id"], before["id"], "{after}");

    // Asked for by its version, it says what it lacks, and who has it.
    let refused = ask(&client, "build.resolve", &at_999(&["sql_insert"])).await;
    let refused = refused.unwrap_err();
    let message = refused["error"]["problems"][0]["message"].as_str().unwrap();
    for word in [
        "v4.999.0 lacks `sql`",
        "a.b/driver v1.0.0",
        "has it",
        &default_version,
    ] {
        assert!(message.contains(word), "{word}: {refused}");
    }
    let other = ask(&client, "build.resolve", &at_999(&["nats"])).await;
    assert_eq!(other.unwrap()["modules"][MODULE], "v4.999.0");
    instance.stop().await?;

    // The operator may prefer it: what it lacks still comes from the release that has it.
    let preferring = ServiceArgs {
        default_release: vec![format!("{MODULE}=v4.999.0").parse()?],
        ..unlimited()
    };
    let instance = Instance::start(&server, preferring).await?;
    assert_eq!(default(&client).await, "v4.999.0");
    let nats = ask(&client, "build.resolve", &body("nats")).await.unwrap();
    assert_eq!(nats["modules"][MODULE], "v4.999.0");
    let sql = ask(&client, "build.resolve", &body("sql_insert"))
        .await
        .unwrap();
    assert_eq!(sql["id"], before["id"], "{sql}");
    assert!(
        sql["notes"].to_string().contains("v4.999.0 lacks `sql`"),
        "{sql}"
    );
    // All drivers come with the package that it lacks.
    let pipeline = "input: {stdin: {}}\noutput: {sql_insert: {driver: '${DRIVER}', dsn: a, table: b, columns: [c], args_mapping: 'root = []'}}\n";
    let question = json!({"pipeline": pipeline, "goos": "linux", "goarch": "amd64"});
    let selected = ask(&client, "catalog.select", &question).await.unwrap();
    assert_eq!(selected["mistakes"], json!([]), "{selected}");
    assert_eq!(
        selected["resolution"]["modules"][MODULE], default_version,
        "{selected}"
    );
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn what_could_not_be_fetched_is_tried_again_and_added() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    let often = ServiceArgs {
        refetch_interval: Duration::from_secs(2),
        ..unlimited()
    };
    let instance = Instance::start(&server, often).await?;
    let lacking = store_lacking(&store).await?;
    let mut imports = store.catalog.watch_imports();
    let import = loop {
        if let WatchEvent::Value { record, .. } = imports.next().await
            && record.value.version == lacking.version
        {
            break record;
        }
    };
    let sql = lacking.unfetched.keys().next().unwrap().clone();
    assert_eq!(import.value.only, std::slice::from_ref(&sql));
    assert_eq!(import.value.state, ImportState::New);

    // As a builder that could have it.
    let whole = newest_of(&store).await?;
    let package = whole.package(&sql).unwrap().clone();
    let document = ReleaseDocument {
        documentation: vec![PackageDocumentation {
            path: sql.clone(),
            components: Vec::new(),
        }],
        stream: Vec::new(),
        release: Release {
            packages: vec![package],
            unfetched: std::collections::BTreeMap::new(),
            ..lacking
        },
    };
    let name = format!("{MODULE}/v4.999.0/test");
    let bytes = serde_json::to_vec(&document)?;
    store.documents.put_bytes(&name, &bytes).await?;
    let storing = import.value.at(ImportState::Storing {
        document: name.clone(),
    });
    store.catalog.write_import(storing, import.revision).await?;
    wait_until("the release to be complete", LIMIT, async || {
        Ok((default(&client).await == "v4.999.0").then_some(()))
    })
    .await?;
    let sql = ask(&client, "build.resolve", &body("sql_insert"))
        .await
        .unwrap();
    assert_eq!(sql["modules"][MODULE], "v4.999.0", "{sql}");
    let mut releases = store.catalog.watch();
    let release = loop {
        if let WatchEvent::Value { record, .. } = releases.next().await
            && record.value.version.as_str() == "v4.999.0"
        {
            break record.value;
        }
    };
    assert!(release.unfetched.is_empty());
    assert_eq!(release.added_documents, [name]);
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn an_import_that_adds_nothing_leaves_no_document() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = Box::pin(server.store()).await?;
    let instance = Instance::start(&server, unlimited()).await?;
    let lacking = store_lacking(&store).await?;
    let (module, version) = (lacking.module.clone(), lacking.version.clone());
    let only = lacking.unfetched.keys().cloned().collect();
    let now = store.builds.server_time();
    let import = Import::new(module, version, Vec::new(), now).of_only(only);
    let asked = store.catalog.ask_for_import(import).await?;

    // As a builder that couldn't have it either.
    let document = ReleaseDocument {
        documentation: Vec::new(),
        stream: Vec::new(),
        release: Release {
            packages: Vec::new(),
            ..lacking
        },
    };
    let name = format!("{MODULE}/v4.999.0/nothing");
    let bytes = serde_json::to_vec(&document)?;
    store.documents.put_bytes(&name, &bytes).await?;
    let storing = asked.value.at(ImportState::Storing {
        document: name.clone(),
    });
    store.catalog.write_import(storing, asked.revision).await?;
    let mut imports = store.catalog.watch_imports();
    let state = loop {
        if let WatchEvent::Value { record, .. } = imports.next().await
            && record.value.is_over()
        {
            break record.value.state;
        }
    };
    assert_eq!(state, ImportState::Success { packages: 0 });
    wait_until("the document to be removed", LIMIT, async || {
        // Reading it fails while it is being removed.
        let read = store.documents.bytes(&name, 64 << 20).await;
        Ok(matches!(read, Ok(None)).then_some(()))
    })
    .await?;
    instance.stop().await?;
    Ok(())
}
