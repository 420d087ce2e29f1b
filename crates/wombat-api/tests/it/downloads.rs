//! Binaries: whole, in parts, and why there is none.

use std::time::Duration;

use futures::{StreamExt, future::try_join_all};
use reqwest::{Method, StatusCode};
use wombat_model::{BuildKey, Distribution};
use wombat_testkit::{NatsServer, a_spec};

use crate::support::{
    Api, Options, artifact_path, building, fail, finished, header, some_bytes, succeed, waiting,
};

/// A rebuild may give other bytes.
const ASK_FIRST: &str = "public, no-cache";

#[tokio::test]
async fn a_binary_is_served_whole_in_parts_and_by_condition() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let bytes = some_bytes(1_500_000, 1);
    let spec = a_spec().platform("windows/amd64").build();
    let key = finished(&store, &spec, &bytes).await?;
    let path = artifact_path(&key);
    let sha256 = store.builds.get(&key).await?.unwrap().value;
    let sha256 = sha256.artifact().unwrap().sha256.clone();
    let name = format!("wombat-{}-windows-amd64.exe", key.hash().short());

    let head = api.request(Method::HEAD, &path).send().await?;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(header(&head, "content-length"), "1500000");
    let cache = api.directory.join("artifact-cache");
    assert_eq!(
        std::fs::read_dir(&cache)?.count(),
        0,
        "HEAD fetches nothing"
    );

    let whole = api.get(&path).send().await?;
    assert_eq!(whole.status(), StatusCode::OK);
    for answer in [&head, &whole] {
        assert_eq!(header(answer, "etag"), format!("\"{sha256}\""));
        assert_eq!(header(answer, "cache-control"), ASK_FIRST);
        assert_eq!(header(answer, "accept-ranges"), "bytes");
        assert_eq!(header(answer, "content-type"), "application/octet-stream");
        assert_eq!(
            header(answer, "content-disposition"),
            format!("attachment; filename=\"{name}\"")
        );
        let digest = header(answer, "repr-digest");
        assert!(
            digest.starts_with("sha-256=:") && digest.ends_with("=:"),
            "{digest}"
        );
    }
    assert_eq!(whole.bytes().await?, bytes);

    let part = |range: &str| api.get(&path).header("Range", range);
    let middle = part("bytes=1000-1999").send().await?;
    assert_eq!(middle.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(header(&middle, "content-range"), "bytes 1000-1999/1500000");
    assert_eq!(header(&middle, "cache-control"), ASK_FIRST);
    assert_eq!(middle.bytes().await?, bytes[1000..2000]);
    let tag = format!("\"{sha256}\"");
    let same = part("bytes=-5").header("If-Range", &tag).send().await?;
    assert_eq!(same.bytes().await?, bytes[bytes.len() - 5..]);
    let other = part("bytes=-5").header("If-Range", "\"x\"").send().await?;
    assert_eq!(other.status(), StatusCode::OK);
    let beyond = part("bytes=1500000-").send().await?;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&beyond, "content-range"), "bytes */1500000");
    assert_eq!(header(&beyond, "cache-control"), "no-store");
    assert_eq!(beyond.json::<serde_json::Value>().await?["status"], 416);
    let known = api.get(&path).header("If-None-Match", &tag).send().await?;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&known, "etag"), tag);

    let sums = api.get(&format!("{path}.sha256")).send().await?;
    assert_eq!(sums.text().await?, format!("{sha256}  {name}\n"));
    let original = path.replace("1.26.8", "1_26_8");
    assert_eq!(api.get(&original).send().await?.bytes().await?, bytes);
    Ok(())
}

#[tokio::test]
async fn a_file_is_called_by_its_distribution() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let own = Distribution {
        name: Some("acme-connect".parse()?),
        version: Some("1.4.0".parse()?),
    };
    let spec = a_spec().platform("windows/amd64").build();
    let spec = spec.with_distribution(own)?;
    let key = finished(&store, &spec, b"bytes").await?;
    let path = artifact_path(&key);
    let name = "acme-connect-1.4.0-windows-amd64.exe";
    for method in [Method::GET, Method::HEAD] {
        let answer = api.request(method, &path).send().await?;
        let disposition = header(&answer, "content-disposition");
        assert_eq!(disposition, format!("attachment; filename=\"{name}\""));
    }
    let sums = api
        .get(&format!("{path}.sha256"))
        .send()
        .await?
        .text()
        .await?;
    assert!(sums.ends_with(&format!("  {name}\n")), "{sums}");
    Ok(())
}

async fn refusal(api: &Api, key: &BuildKey) -> anyhow::Result<(u16, String, String)> {
    let answer = api.get(&artifact_path(key)).send().await?;
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    let status = answer.status().as_u16();
    let document: serde_json::Value = answer.json().await?;
    let text = |name: &str| document[name].as_str().expect("a text").to_owned();
    Ok((status, text("code"), text("detail")))
}

#[tokio::test]
async fn without_a_binary_it_says_why() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let spec = |package: &str| a_spec().package(package).build();

    let (status, code, _) = refusal(&api, &spec("nobody").key()).await?;
    assert_eq!((status, code.as_str()), (404, "not_found"));

    let key = waiting(&store, &spec("waits")).await?;
    for method in [Method::GET, Method::HEAD] {
        let answer = api.request(method, &artifact_path(&key)).send().await?;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert!(header(&answer, "retry-after").parse::<u64>()? >= 1);
        assert_eq!(header(&answer, "location"), format!("/api/builds/{key}"));
    }

    let claim = building(&store, &spec("fails"), false).await?;
    fail(&store, claim).await?;
    let (status, code, detail) = refusal(&api, &spec("fails").key()).await?;
    assert_eq!((status, code.as_str()), (409, "build_failed"));
    assert!(
        detail.contains("(compile): a.b/c doesn't compile"),
        "{detail}"
    );

    let key = waiting(&store, &spec("cancelled")).await?;
    store.builds.cancel(&key).await?.unwrap()?;
    assert_eq!(refusal(&api, &key).await?.0, 409);

    let key = finished(&store, &spec("expires"), b"binary").await?;
    let record = store.builds.get(&key).await?.unwrap();
    store.expire(record).await?;
    wombat_testkit::wait_until("it expires", Duration::from_secs(5), async || {
        let answer = api.get(&artifact_path(&key)).send().await?;
        Ok((answer.status() == StatusCode::GONE).then_some(()))
    })
    .await?;
    let (_, code, detail) = refusal(&api, &key).await?;
    assert_eq!(code, "expired");
    let (_, command) = detail.split_once("curl --data '").unwrap();
    let (body, url) = command.split_once("' ").unwrap();
    assert_eq!(url, format!("http://{}/api/builds", api.address));
    let request = wombat_model::request::BuildRequest::from_json(body.as_bytes())?;
    assert_eq!(request.packages.len(), 1);
    Ok(())
}

/// The old binary is served while a forced rebuild runs; the new one is served as soon as it is stored, although the old
/// object is gone by then.
#[tokio::test]
async fn a_rebuild_never_leaves_a_hole() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let spec = a_spec().build();
    let key = finished(&store, &spec, b"first").await?;
    let old = store.builds.get(&key).await?.unwrap().value;
    let claim = building(&store, &spec, true).await?;
    let fetch = async || api.get(&artifact_path(&key)).send().await?.bytes().await;
    assert_eq!(fetch().await?, "first");
    succeed(&store, claim, b"second").await?;
    store
        .artifacts
        .remove(old.artifact().unwrap().name.as_str())
        .await?;
    let other = Api::start(&server).await?;
    let answer = other.get(&artifact_path(&key)).send().await?;
    assert_eq!(answer.bytes().await?, "second");
    Ok(())
}

#[tokio::test]
async fn fifty_who_ask_at_once_cost_one_fetch() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let bytes = some_bytes(8_000_000, 3);
    let key = finished(&store, &a_spec().build(), &bytes).await?;
    let mut fetches = connection
        .client()
        .subscribe("$JS.EVENT.ADVISORY.CONSUMER.CREATED.OBJ_artifacts.>")
        .await?;
    connection.client().flush().await?;

    let path = artifact_path(&key);
    let answers = try_join_all((0..50).map(|_| async {
        let answer = api.get(&path).send().await?;
        answer.bytes().await
    }))
    .await?;
    assert!(answers.iter().all(|answer| *answer == bytes));
    connection.client().flush().await?;
    assert!(fetches.next().await.is_some());
    let second = tokio::time::timeout(Duration::from_millis(300), fetches.next()).await;
    assert!(second.is_err(), "it was fetched again");
    Ok(())
}

#[tokio::test]
async fn the_disk_cache_is_bounded_and_never_believed() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let directory = tempfile::tempdir()?;
    let options = || {
        let mut options = Options::default();
        options.args.artifact_cache_limit = Some(1 << 20);
        options.directory = Some(directory.path().to_owned());
        options
    };
    let api = Api::with(&server.url(), options()).await?;
    let mut keys = Vec::new();
    for seed in 1..=4 {
        let spec = a_spec().package(&format!("p{seed}")).build();
        let key = finished(&store, &spec, &some_bytes(400_000, seed)).await?;
        let answer = api.get(&artifact_path(&key)).send().await?;
        assert_eq!(answer.bytes().await?, some_bytes(400_000, seed));
        keys.push(key);
    }
    let cache = directory.path().join("artifact-cache");
    let files = || -> std::io::Result<Vec<_>> {
        std::fs::read_dir(&cache)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    };
    let total: u64 = files()?
        .iter()
        .map(|path| path.metadata().map_or(0, |metadata| metadata.len()))
        .sum();
    assert!((400_000..=1024 * 1024).contains(&total), "{total}");
    drop(api);

    // As a crash, or another program, may leave them.
    for path in files()? {
        let mut bytes = std::fs::read(&path)?;
        bytes[1000] ^= 1;
        std::fs::write(&path, bytes)?;
    }
    let api = Api::with(&server.url(), options()).await?;
    for (seed, key) in (1..=4).zip(&keys) {
        let answer = api.get(&artifact_path(key)).send().await?;
        assert_eq!(answer.bytes().await?, some_bytes(400_000, seed));
    }
    Ok(())
}
