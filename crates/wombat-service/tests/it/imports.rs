//! What builders write of imports is believed only where a service was asked for the import.

use std::time::Duration;

use serde_json::json;
use wombat_model::{
    ModuleVersion,
    catalog::{Import, ImportState, Release, ReleaseDocument},
};
use wombat_store::{Revision, Store, Versioned, WatchEvent, Written, roles::NatsRole};
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    lacking::{MODULE, default, newest_of},
    support::{Instance, ask, unlimited},
};

const LIMIT: Duration = Duration::from_secs(30);
const VERSION: &str = "v4.999.0";

/// A builder whose key was stolen.
struct Thief {
    store: Store,
    /// A real release under another version, with one package that isn't real.
    release: Release,
}

impl Thief {
    async fn new(server: &NatsServer, store: &Store) -> anyhow::Result<Self> {
        let mut release = Release {
            version: VERSION.parse()?,
            ..newest_of(store).await?
        };
        release.packages[0].description = "Forged.".to_owned();
        let connection = server.connection_as(NatsRole::Builder).await?;
        let store = Store::open(&connection).await?;
        Ok(Self { store, release })
    }

    fn import(&self) -> Import {
        let now = self.store.builds.server_time();
        let (module, version) = (self.release.module.clone(), VERSION.parse().unwrap());
        Import::new(module, version, Vec::new(), now)
    }

    /// Stores a result, and returns the state that names it.
    async fn result(&self, name: &str) -> anyhow::Result<ImportState> {
        let document = ReleaseDocument {
            release: self.release.clone(),
            documentation: Vec::new(),
            stream: Vec::new(),
        };
        let bytes = serde_json::to_vec(&document)?;
        self.store.documents.put_bytes(name, &bytes).await?;
        Ok(ImportState::Storing {
            document: name.to_owned(),
        })
    }

    async fn write(&self, import: Import, seen: Revision) -> anyhow::Result<Revision> {
        match self.store.catalog.write_import(import, seen).await? {
            Written::Won(written) => Ok(written.revision),
            Written::Lost => anyhow::bail!("the import was written meanwhile"),
        }
    }
}

/// The import once it is in a later state than the one that was written.
async fn after(store: &Store, revision: Revision) -> Versioned<Import> {
    let mut imports = store.catalog.watch_imports();
    let looking = async {
        loop {
            if let WatchEvent::Value { record, .. } = imports.next().await
                && record.revision > revision
            {
                return record;
            }
        }
    };
    let found = tokio::time::timeout(LIMIT, looking).await;
    found.expect("a service writes the import")
}

async fn has(store: &Store, version: &str) -> Option<Release> {
    let version: ModuleVersion = version.parse().unwrap();
    let mut releases = store.catalog.watch();
    let mut found = None;
    loop {
        match releases.next().await {
            WatchEvent::Value { record, .. } if record.value.version == version => {
                found = Some(record.value);
            }
            WatchEvent::Ready => return found,
            WatchEvent::Value { .. }
            | WatchEvent::Removed { .. }
            | WatchEvent::Unreadable { .. }
            | WatchEvent::Reset => {}
        }
    }
}

fn message(import: &Import) -> &str {
    match &import.state {
        ImportState::Failed { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_import_that_no_service_was_asked_for_changes_nothing() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    let before = default(&client).await;
    let thief = Thief::new(&server, &store).await?;
    let result = thief.result(&format!("{MODULE}/{VERSION}/forged")).await?;
    let import = thief.import();
    let written = thief.write(import.at(result), Revision::ZERO).await?;
    let refused = after(&store, written).await;
    let words = message(&refused.value);
    assert!(words.contains("wasn't requested"), "{words}");
    assert!(has(&store, VERSION).await.is_none());
    assert_eq!(default(&client).await, before);
    // Honest builders don't take such an import either.
    let written = thief.write(import, refused.revision).await?;
    message(&after(&store, written).await.value);

    // Then it is requested.
    let question = json!({"module": MODULE, "version": VERSION});
    let asked = ask(&client, "catalog.import", &question).await.unwrap();
    assert_eq!(asked["status"], "new", "{asked}");
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn an_import_that_was_open_before_the_upgrade_is_requested_again() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    let thief = Thief::new(&server, &store).await?;
    let state = instance.stop().await?;
    // A service of version 0.1.0 left no more than this.
    let written = thief.write(thief.import(), Revision::ZERO).await?;
    let instance = Box::pin(Instance::start_in(&server, unlimited(), state)).await?;
    let refused = after(&store, written).await;
    let words = message(&refused.value);
    assert!(words.contains("Request it again"), "{words}");
    let question = json!({"module": MODULE, "version": VERSION});
    let asked = ask(&client, "catalog.import", &question).await.unwrap();
    assert_eq!(asked["status"], "new", "{asked}");
    let again = ask(&client, "catalog.import", &question).await.unwrap();
    assert_eq!(again["requested"], asked["requested"], "it is kept");
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn an_import_is_over_when_a_service_stored_it() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    let other = Box::pin(Instance::start(&server, unlimited())).await?;
    let mut thief = Thief::new(&server, &store).await?;
    let question = json!({"module": MODULE, "version": VERSION});
    ask(&client, "catalog.import", &question).await.unwrap();
    let asked = after(&store, Revision::ZERO).await;

    // Not done, and not what was requested.
    let claimed = asked.value.at(ImportState::Success { packages: 9 });
    let written = thief.write(claimed, asked.revision).await?;
    let asked = after(&store, written).await;
    assert_eq!(asked.value.state, ImportState::New);
    let foreign = thief.result("another.example/m/v1.0.0/x").await?;
    let written = thief.write(asked.value.at(foreign), asked.revision).await?;
    let refused = after(&store, written).await;
    let words = message(&refused.value);
    assert!(words.contains("can't be the result"), "{words}");

    // Requested again, and done.
    ask(&client, "catalog.import", &question).await.unwrap();
    let asked = after(&store, refused.revision).await;
    let result = thief.result(&format!("{MODULE}/{VERSION}/real")).await?;
    let written = thief.write(asked.value.at(result), asked.revision).await?;
    let done = after(&store, written).await;
    assert!(
        matches!(done.value.state, ImportState::Success { .. }),
        "{done:?}"
    );
    let release = has(&store, VERSION).await.expect("it is stored");

    // Another result of the same import comes too late.
    thief.release.packages[0].description = "Forged again.".to_owned();
    let late = thief.result(&format!("{MODULE}/{VERSION}/late")).await?;
    let written = thief.write(done.value.at(late), done.revision).await?;
    let still = after(&store, written).await;
    assert_eq!(still.value, done.value);
    assert_eq!(has(&store, VERSION).await, Some(release));

    // What was requested can't be changed on the way.
    ask(&client, "catalog.import", &question).await.unwrap();
    let asked = after(&store, still.revision).await;
    let only = vec![thief.release.packages[0].path.clone()];
    let changed = asked.value.clone().of_only(only);
    let written = thief.write(changed, asked.revision).await?;
    wait_until("the import to fail", LIMIT, async || {
        let import = after(&store, written).await.value;
        let failed = matches!(import.state, ImportState::Failed { .. });
        Ok((failed && import.only.is_empty()).then_some(()))
    })
    .await?;
    instance.stop().await?;
    other.stop().await?;
    Ok(())
}
