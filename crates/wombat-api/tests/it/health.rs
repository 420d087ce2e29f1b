//! Whether all is well, for machines and for people.

use async_nats::jetstream;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    service::Service,
    support::{Api, Options, PATIENCE},
};

async fn report(api: &Api) -> anyhow::Result<Value> {
    let answer = api.get("/api/health").send().await?;
    assert_eq!(answer.status(), StatusCode::OK);
    Ok(answer.json().await?)
}

#[tokio::test]
async fn a_store_that_takes_no_new_builds_makes_it_unready_and_is_named() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, _store) = server.store().await?;
    let _service = Service::start(&server).await?;
    let api = Api::start(&server).await?;
    wait_until("all is well", PATIENCE, async || {
        Ok((report(&api).await?["status"] == "ok").then_some(()))
    })
    .await?;
    let ready = api.get("/readyz").send().await?;
    assert_eq!(ready.text().await?, "ready\n");
    let all = report(&api).await?;
    assert_eq!(all["nats"]["connected"], true);
    assert_eq!(all["nats"]["acknowledges"], true);
    assert_eq!(all["cache"]["usable"], true);
    assert_eq!(all["stores"].as_array().unwrap().len(), 8);

    let jetstream = jetstream::new(connection.client().clone());
    let fill = async |stream: &str, subject: &'static str| {
        let mut config = jetstream
            .get_stream(stream)
            .await?
            .cached_info()
            .config
            .clone();
        config.max_bytes = 1_000_000;
        jetstream.update_stream(config).await?;
        for n in 0..2 {
            let sent = jetstream.publish(format!("{subject}.y.{n}"), vec![0; 490_000].into());
            sent.await?.await?;
        }
        anyhow::Ok(())
    };
    // Slower builds refuse nothing to clients.
    fill("OBJ_catalog-docs", "$O.catalog-docs.C.x").await?;
    let all = report(&api).await?;
    assert_eq!(all["status"], "impaired", "{all}");
    assert!(
        all["notes"][0].as_str().unwrap().contains("catalog-docs"),
        "{all}"
    );
    let ready = api.get("/readyz").send().await?;
    assert_eq!(ready.status(), StatusCode::OK);
    assert!(
        ready
            .text()
            .await?
            .contains("note: The store `catalog-docs` is full")
    );

    fill("OBJ_artifacts", "$O.artifacts.C.x").await?;
    let all = report(&api).await?;
    assert_eq!(all["status"], "unavailable", "{all}");
    let stores = all["stores"].as_array().unwrap();
    let binaries = stores
        .iter()
        .find(|store| store["name"] == "artifacts")
        .unwrap();
    assert_eq!(
        (&binaries["full"], &binaries["refusesBuilds"]),
        (&true.into(), &true.into())
    );
    let unready = api.get("/readyz").send().await?;
    assert_eq!(unready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem: Value = unready.json().await?;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("The store of binaries is full"), "{detail}");
    assert!(
        detail.contains("wombat setup --artifacts-limit"),
        "{detail}"
    );
    Ok(())
}

#[tokio::test]
async fn a_blocklist_that_cant_be_read_makes_it_unready_until_it_is_written_anew()
-> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, _store) = server.store().await?;
    let _service = Service::start(&server).await?;
    let options = Options {
        open_control: true,
        ..Options::default()
    };
    let api = Api::with(&server.url(), options).await?;
    let is_ready = async || {
        let answer = api.get("/readyz").send().await?;
        anyhow::Ok(answer.status() == StatusCode::OK)
    };
    wait_until("all is well", PATIENCE, async || {
        Ok(is_ready().await?.then_some(()))
    })
    .await?;
    let jetstream = jetstream::new(connection.client().clone());
    let damaged = jetstream.publish("$KV.catalog.blocklist", "[{".into());
    damaged.await?.await?;
    wait_until("it is told", PATIENCE, async || {
        Ok((!is_ready().await?).then_some(()))
    })
    .await?;
    let all = report(&api).await?;
    assert_eq!(all["status"], "unavailable", "{all}");
    let problems = all["problems"].to_string();
    assert!(
        problems.contains("blocklist can't be read") && problems.contains("PUT /api/blocklist"),
        "{problems}"
    );
    let anew = api.request(Method::PUT, "/api/blocklist");
    let anew = anew.body(r#"{"modules": []}"#).send().await?;
    assert_eq!(anew.status(), StatusCode::OK, "{}", anew.text().await?);
    wait_until("all is well again", PATIENCE, async || {
        Ok(is_ready().await?.then_some(()))
    })
    .await
}

/// Without a service the gateway looks itself; what only the service knows is left out.
#[tokio::test]
async fn without_a_service_the_stores_are_looked_at_from_here() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, _store) = server.store().await?;
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("artifact-cache"), "not a folder")?;
    let options = Options {
        directory: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let api = Api::with(&server.url(), options).await?;
    let all = report(&api).await?;
    assert_eq!(all["status"], "unavailable");
    assert_eq!(all["stores"].as_array().unwrap().len(), 8, "{all}");
    assert!(all["nats"].get("acknowledges").is_none(), "{all}");
    assert_eq!(all["cache"]["usable"], false);
    let words = all["cache"]["words"].as_str().unwrap();
    assert!(
        words.contains("downloads come straight from the object store"),
        "{words}"
    );
    assert!(!all.to_string().contains(directory.path().to_str().unwrap()));
    Ok(())
}
