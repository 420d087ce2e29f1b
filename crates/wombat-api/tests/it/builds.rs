//! Builds and the catalog, with a real service.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use wombat_model::{BuildKey, Status, log::LogEvent};
use wombat_store::{Claim, ClaimOutcome, Connection, Store};
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    event_stream::EventStream,
    service::Service,
    support::{Api, Options, PATIENCE, fail, header, line, say, succeed},
};

struct World {
    api: Api,
    store: Store,
    _service: Service,
    _connection: Connection,
    _server: NatsServer,
}

async fn world() -> anyhow::Result<World> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let service = Box::pin(Service::start(&server)).await?;
    let options = Options {
        open_control: true,
        ..Options::default()
    };
    Ok(World {
        api: Api::with(&server.url(), options).await?,
        store,
        _service: service,
        _connection: connection,
        _server: server,
    })
}

impl World {
    async fn post(&self, query: &str, body: &Value) -> anyhow::Result<Response> {
        let request = self
            .api
            .request(Method::POST, &format!("/api/builds{query}"));
        Ok(request.body(body.to_string()).send().await?)
    }

    async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.api.get(path).send().await?;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        Ok(answer.json().await?)
    }

    async fn claim(&self, key: &BuildKey) -> anyhow::Result<Claim> {
        let record = self.store.builds.get(key).await?.expect("it was asked for");
        match self.store.builds.claim(record, &"fox-1".parse()?).await? {
            ClaimOutcome::Won(claim) => Ok(*claim),
            ClaimOutcome::Lost => anyhow::bail!("another claim came first"),
        }
    }
}

fn request(component: &str) -> Value {
    json!({"goos": "linux", "goarch": "arm64", "components": [component]})
}

async fn key(answer: Response) -> anyhow::Result<BuildKey> {
    let view: Value = answer.json().await?;
    Ok(view["id"].as_str().unwrap_or_default().parse()?)
}

#[tokio::test]
async fn a_build_is_asked_for_watched_and_found_again() -> anyhow::Result<()> {
    let world = world().await?;
    let first = world.post("", &request("nats")).await?;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    assert!(header(&first, "retry-after").parse::<u64>()? >= 1);
    let location = header(&first, "location").to_owned();
    let key = key(first).await?;
    assert_eq!(location, format!("/api/builds/{key}"));

    let answer = world.api.get(&location).send().await?;
    let tag = header(&answer, "etag").to_owned();
    let view: Value = answer.json().await?;
    assert_eq!(tag, format!("\"{}\"", view["revision"]));
    assert_eq!(view["queue"]["position"], 1);
    let known = world.api.get(&location).header("If-None-Match", &tag);
    let answer = known.send().await?;
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&answer, "etag"), tag);

    // With the tag, any change is waited for; without it, the end.
    let changes = world.api.get(&format!("{location}?wait=30"));
    let changes = changes.header("If-None-Match", &tag).send();
    let end = world.api.get(&format!("{location}?wait=30")).send();
    let asked_again = world.api.request(Method::POST, "/api/builds");
    let asked_again = asked_again
        .header("Prefer", "respond-async, wait=30")
        .body(request("nats").to_string())
        .send();
    let (changes, end, asked_again) = (
        tokio::spawn(changes),
        tokio::spawn(end),
        tokio::spawn(asked_again),
    );
    let claim = world.claim(&key).await?;
    let first_change: Value = changes.await??.json().await?;
    assert_eq!(first_change["status"], "building");
    assert!(!end.is_finished() && !asked_again.is_finished());
    say(&world.store, &claim, 1, line("hello")).await?;
    let status = Status::Success;
    say(&world.store, &claim, 2, LogEvent::End { status }).await?;
    let recipe = json!({"files": {}, "environment": {}, "command": "go build", "sha256": "x"});
    let name = format!(
        "{}.recipe",
        wombat_model::ArtifactName::new(&key, claim.id())
    );
    let recipe_path = format!("{location}/recipe");
    let early = world.api.get(&recipe_path).send().await?;
    assert_eq!(early.status(), StatusCode::CONFLICT);
    world
        .store
        .artifacts
        .put_bytes(&name, recipe.to_string().as_bytes())
        .await?;
    succeed(&world.store, claim, b"binary").await?;
    let end: Value = end.await??.json().await?;
    assert_eq!(end["status"], "success");
    let asked_again = asked_again.await??;
    assert_eq!(asked_again.status(), StatusCode::OK);
    assert_eq!(asked_again.json::<Value>().await?["status"], "success");

    assert_eq!(world.json(&recipe_path).await?, recipe);
    let log = world.api.get(&format!("{location}/log")).send().await?;
    assert_eq!(header(&log, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(log.text().await?, "hello\n[   0.020] end: success\n");
    let found = wait_until("the list has it", PATIENCE, async || {
        let list = "/api/builds?q=status:success&facets=true&limit=5&sort=-created";
        let found: Value = world.api.get(list).send().await?.json().await?;
        Ok((found["total"] == 1).then_some(found))
    })
    .await?;
    assert_eq!(found["builds"][0]["id"], json!(key));
    assert!(found["facets"]["goarch"].is_array(), "{found}");
    Ok(())
}

/// Its position in the queue comes with the record, and again when it changes although the record doesn't.
#[tokio::test]
async fn a_stream_of_a_waiting_build_tells_its_place() -> anyhow::Result<()> {
    let world = world().await?;
    let first = key(world.post("", &request("nats")).await?).await?;
    let second = key(world.post("", &request("redis_list")).await?).await?;
    let path = format!("/api/builds/{second}/events");
    let mut stream = EventStream::open(&world.api, &path, None).await?;
    let event = stream.next().await?.expect("an event");
    assert_eq!(event.json()["queue"]["position"], 2);
    let claim = world.claim(&first).await?;
    fail(&world.store, claim).await?;
    let later = stream.next().await?.expect("an event");
    assert_eq!(later.json()["queue"]["position"], 1);
    assert_eq!(later.id, event.id);
    Ok(())
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_over() -> anyhow::Result<()> {
    let world = world().await?;
    let start = Instant::now();
    let answer = world.post("?wait=1", &request("nats")).await?;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let time = start.elapsed();
    assert!(
        time >= Duration::from_secs(1) && time < Duration::from_secs(5),
        "{time:?}"
    );
    let answer = world.post("?wait=soon", &request("nats")).await?;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    Ok(())
}

#[tokio::test]
async fn a_failed_build_is_an_answer_and_a_cancelled_one_stays_so() -> anyhow::Result<()> {
    let world = world().await?;
    let failing = key(world.post("", &request("nats")).await?).await?;
    let claim = world.claim(&failing).await?;
    fail(&world.store, claim).await?;
    let again = world.post("", &request("nats")).await?;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await?["status"], "failed");

    let cancelled = key(world.post("", &request("redis_list")).await?).await?;
    let path = format!("/api/builds/{cancelled}");
    let cancel = async || world.api.request(Method::DELETE, &path).send().await;
    let answer = cancel().await?;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await?["status"], "cancelled");
    let answer = cancel().await?;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    assert_eq!(world.json(&path).await?["status"], "cancelled");
    Ok(())
}

#[tokio::test]
async fn refusals_of_the_service_come_through_whole() -> anyhow::Result<()> {
    let world = world().await?;
    let cases = [
        ("not json".to_owned(), 400, 1),
        (
            json!({"goos": 1, "colour": "red", "components": ["nats"]}).to_string(),
            400,
            3,
        ),
        (
            json!({"goos": "linux", "goarch": "amd64", "components": ["nope", "neither"]})
                .to_string(),
            422,
            2,
        ),
    ];
    for (body, status, problems) in cases {
        for path in ["/api/builds", "/api/resolve"] {
            let call = world.api.request(Method::POST, path).body(body.clone());
            let answer = call.send().await?;
            assert_eq!(answer.status().as_u16(), status, "{body}");
            let document: Value = answer.json().await?;
            assert_eq!(
                document["problems"].as_array().map(Vec::len),
                Some(problems),
                "{document}"
            );
        }
    }
    let missing = world.api.get(&format!(
        "/api/builds/build.linux.amd64.1_26_8.{}",
        "ab".repeat(32)
    ));
    assert_eq!(missing.send().await?.status(), StatusCode::NOT_FOUND);
    wait_until("the list is there", PATIENCE, async || {
        let answer = world.api.get("/api/builds").send().await?;
        Ok(answer.status().is_success().then_some(()))
    })
    .await?;
    let bad = world.api.get("/api/builds?q=colour:red").send().await?;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    assert_eq!(bad.json::<Value>().await?["code"], "invalid_query");
    Ok(())
}

#[tokio::test]
async fn the_catalog_and_the_rest_are_passed_on() -> anyhow::Result<()> {
    let world = world().await?;
    let found = world
        .json("/api/catalog?q=kafka&kind=input&limit=3")
        .await?;
    assert!(
        found["packages"]
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.len() <= 3)
    );
    for path in ["components/kafka", "components/input/kafka"] {
        let found = world.json(&format!("/api/catalog/{path}")).await?;
        assert!(found["providers"][0]["package"].is_string(), "{found}");
    }
    let missing = world.api.get("/api/catalog/components/nope").send().await?;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(world.json("/api/builders").await?["builders"], json!([]));
    let platforms = world.json("/api/platforms").await?;
    let arm = json!({"goos": "linux", "goarch": "arm", "variants": ["v7", "v6"]});
    assert!(
        platforms["platforms"]
            .as_array()
            .is_some_and(|all| all.contains(&arm))
    );
    let resolved = world
        .api
        .request(Method::POST, "/api/resolve")
        .body(request("nats").to_string());
    let resolved: Value = resolved.send().await?.json().await?;
    assert!(
        resolved["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("build.linux.arm64."))
    );
    Ok(())
}
