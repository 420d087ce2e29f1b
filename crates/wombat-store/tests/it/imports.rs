//! Work on imports: each package has one claimant, and what is damaged is done again.

use wombat_model::catalog::{DefaultReleases, ImportPart, ImportPlan, PackageOutcome, PartState};
use wombat_store::{Catalog, Revision, WatchEvent, Written, roles::NatsRole};
use wombat_testkit::{NatsServer, an_import_plan};

fn plan() -> ImportPlan {
    an_import_plan("parts.example/acme")
}

fn part(state: PartState) -> ImportPart {
    ImportPart::of(&plan(), "parts.example/acme/x".parse().unwrap(), state)
}

/// Claims the package, if nothing is stored of it or `over` takes over what is.
async fn claim(catalog: &Catalog, builder: &str, over: bool) -> Option<Revision> {
    let builder = builder.parse().unwrap();
    let claim = part(PartState::Claimed { builder });
    let module = (&claim.module, &claim.version);
    let (stored, seen) = catalog.import_part(module, &claim.path).await.unwrap();
    if stored.is_some() && !over {
        return None;
    }
    match catalog.write_import_part(claim, seen).await.unwrap() {
        Written::Won(written) => Some(written.revision),
        Written::Lost => None,
    }
}

#[tokio::test]
async fn a_package_has_one_claimant_and_its_result_stays() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let catalog = &store.catalog;
    let (one, two) = tokio::join!(claim(catalog, "one", false), claim(catalog, "two", false));
    let won = one.xor(two).expect("one of them has it");
    assert_eq!(claim(catalog, "three", false).await, None, "it stands");
    // Its builder is gone.
    let again = claim(catalog, "three", true).await.unwrap();
    let done = part(PartState::Done {
        took_ms: 5,
        outcome: PackageOutcome::Excluded {
            reason: "no".to_owned(),
        },
    });
    let late = catalog.write_import_part(done.clone(), Some(won)).await?;
    assert!(matches!(late, Written::Lost), "{late:?}");
    let written = catalog.write_import_part(done.clone(), Some(again)).await?;
    assert!(matches!(written, Written::Won(_)), "{written:?}");

    let plan = plan();
    catalog.store_import_plan(&plan).await?;
    catalog.store_import_plan(&plan).await?;
    let read = catalog.import_plan(&plan.module, &plan.version).await?;
    assert_eq!(read.as_ref(), Some(&plan));
    let mut parts = catalog.watch_import_parts(&plan.module, &plan.version);
    let WatchEvent::Value { key, record, .. } = parts.next().await else {
        panic!("it is stored");
    };
    assert_eq!(record.value, done);

    assert_eq!(parts.next().await, WatchEvent::Ready);

    // What another program wrote there isn't believed, and is replaced.
    let subject = format!("$KV.catalog.{key}");
    connection.client().publish(subject, "{}".into()).await?;
    let WatchEvent::Unreadable { .. } = parts.next().await else {
        panic!("it is damaged");
    };
    assert!(claim(catalog, "four", false).await.is_some());
    catalog
        .forget_import_work(&plan.module, &plan.version)
        .await?;
    assert_eq!(
        catalog.import_plan(&plan.module, &plan.version).await?,
        None
    );
    let free = claim(catalog, "five", false).await.unwrap();
    let module = (&plan.module, &plan.version);
    catalog
        .release_import_part(module, &done.path, free)
        .await?;
    assert!(claim(catalog, "six", false).await.is_some());
    Ok(())
}

#[tokio::test]
async fn roles_may_do_their_part_of_it() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, _store) = nats.store().await?;
    let plan = plan();
    let builder = nats.connection_as(NatsRole::Builder).await?;
    let builder = wombat_store::Store::open(&builder).await?;
    builder.catalog.store_import_plan(&plan).await?;
    assert!(claim(&builder.catalog, "one", false).await.is_some());
    let service = nats.connection_as(NatsRole::Service).await?;
    let service = wombat_store::Store::open(&service).await?;
    let reached = [("a.b/c".parse()?, "v1.0.0".parse()?)].into();
    service.catalog.raise_default_releases(&reached).await?;
    let older = [("a.b/c".parse()?, "v0.9.0".parse()?)].into();
    service.catalog.raise_default_releases(&older).await?;
    let mut defaults = builder.catalog.watch_default_releases();
    let WatchEvent::Value { record, .. } = defaults.next().await else {
        panic!("they are noted");
    };
    assert_eq!(record.value, DefaultReleases { modules: reached });
    service
        .catalog
        .forget_import_work(&plan.module, &plan.version)
        .await?;
    Ok(())
}
