//! Requests for releases outside the catalog: what they require is asked of a builder, or they are refused.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_nats::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use wombat_model::wire::RequirementsReply;
use wombat_service::{ServiceArgs, VersionPolicy};
use wombat_store::roles::NatsRole;
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    janitor::LIMIT,
    support::{Instance, ask, unlimited},
};

const MODULE: &str = "github.com/redpanda-data/connect/v4";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";

/// Stands in for a builder: it knows what v4.98.1 requires, and that v4.98.2 was
/// retracted, and can't have any other release.
async fn builder(server: &NatsServer) -> anyhow::Result<(JoinHandle<()>, Arc<AtomicUsize>)> {
    let connection = server.connection_as(NatsRole::Builder).await?;
    let mut questions = connection
        .requirements_questions(connection.reply_rule(&[]))
        .await?;
    connection.client().flush().await?;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let task = tokio::spawn(async move {
        while let Some((question, asker)) = questions.next().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let reply = if question.refuse_retracted && question.version.as_str() == "v4.98.2" {
                RequirementsReply::Retracted("It lost data.".to_owned())
            } else if question.version.as_str() == "v4.98.1" {
                let benthos = ["v4.78.0"].map(|it| it.parse().unwrap());
                let required = question.of.iter().filter(|it| it.as_str() == BENTHOS);
                RequirementsReply::Requires(required.cloned().zip(benthos).collect())
            } else {
                RequirementsReply::Refused("The module proxy refuses it.".to_owned())
            };
            asker.answer(&reply).await;
        }
    });
    Ok((task, count))
}

/// A server, and an instance with this policy.
async fn under(versions: VersionPolicy) -> anyhow::Result<(NatsServer, Client, Instance)> {
    let server = NatsServer::start()?;
    let (connection, _store) = Box::pin(server.store()).await?;
    let args = ServiceArgs {
        versions: Some(versions),
        ..unlimited()
    };
    let instance = Box::pin(Instance::start(&server, args)).await?;
    Ok((server, connection.client().clone(), instance))
}

fn request(version: &str, components: &[&str]) -> Value {
    let modules = BTreeMap::from([(MODULE, version)]);
    json!({"goos": "linux", "goarch": "amd64", "components": components, "modules": modules})
}

#[tokio::test]
async fn a_release_outside_the_catalog_has_its_own_benthos_or_is_refused() -> anyhow::Result<()> {
    let (server, client, instance) = Box::pin(under(VersionPolicy::Any)).await?;
    let unknown = ask(&client, "build.resolve", &request("v4.98.1", &["nats"])).await;
    let unknown = unknown.unwrap_err();
    assert_eq!(unknown["error"]["code"], 503, "no builder: {unknown}");

    let (task, count) = builder(&server).await?;
    let resolved = ask(&client, "build.resolve", &request("v4.98.1", &["nats"])).await;
    let resolved = resolved.unwrap();
    assert_eq!(resolved["modules"][BENTHOS], "v4.78.0", "{resolved}");
    assert_eq!(resolved["modules"][MODULE], "v4.98.1");
    let built = ask(&client, "build.request", &request("v4.98.1", &["nats"])).await;
    assert_eq!(built.unwrap()["id"], resolved["id"]);
    assert_eq!(count.load(Ordering::SeqCst), 1, "it is remembered");

    let refused = ask(&client, "build.request", &request("v4.98.0", &["nats"])).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused["error"]["code"], 422, "{refused}");
    let problem = &refused["error"]["problems"][0];
    assert_eq!(problem["code"], "unknown_version", "{refused}");
    assert_eq!(problem["field"], format!("modules.{MODULE}"));
    assert!(
        problem.to_string().contains("proxy refuses it"),
        "{refused}"
    );

    // A field that Benthos v4.78.0 has, and v4.77.0, which the newest Connect requires, doesn't.
    let pipeline = "input:\n  websocket:\n    url: ws://a\n    max_message_size: 1048576\noutput:\n  nats:\n    urls: [a]\n    subject: b\n";
    let select = async |modules: Value| {
        let question = json!({
            "pipeline": pipeline, "goos": "linux", "goarch": "amd64", "modules": modules,
        });
        ask(&client, "catalog.select", &question).await
    };
    let newest = select(json!({})).await.unwrap();
    assert!(
        newest["mistakes"].to_string().contains("max_message_size"),
        "{newest}"
    );
    let own = select(json!({MODULE: "v4.98.1"})).await.unwrap();
    assert_eq!(own["mistakes"], json!([]), "{own}");
    assert_eq!(own["resolution"]["modules"][BENTHOS], "v4.78.0", "{own}");
    let refused = select(json!({MODULE: "v4.98.0"})).await.unwrap_err();
    assert!(
        refused.to_string().contains("proxy refuses it"),
        "{refused}"
    );
    task.abort();
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_blocked_release_outside_the_catalog_is_refused_without_a_builder() -> anyhow::Result<()>
{
    let (server, client, instance) = Box::pin(under(VersionPolicy::Any)).await?;
    let (task, count) = builder(&server).await?;
    let modules = ["v4.98.1", "v4.105.0"]
        .map(|version| json!({"module": format!("{MODULE}@{version}"), "reason": "it leaks"}));
    let list = json!({"modules": modules, "revision": 0});
    ask(&client, "catalog.block", &list).await.unwrap();
    // A release of the catalog shows when the instance knows the list.
    wait_until("the list to be known", LIMIT, async || {
        let listed = ask(&client, "build.resolve", &request("v4.105.0", &["nats"])).await;
        Ok(listed.err())
    })
    .await?;

    let pipeline = "input: {nats: {urls: [a], subject: b}}\noutput: {drop: {}}\n";
    let question = json!({
        "pipeline": pipeline, "goos": "linux", "goarch": "amd64", "modules": {MODULE: "v4.98.1"},
    });
    let selected = ask(&client, "catalog.select", &question).await.unwrap();
    let problem = &selected["problems"][0];
    assert_eq!(problem["code"], "module_blocked", "{selected}");
    assert!(problem.to_string().contains("it leaks"), "{selected}");
    let refused = ask(&client, "build.request", &request("v4.98.1", &["nats"])).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused["error"]["problems"][0]["code"], "module_blocked");
    assert_eq!(count.load(Ordering::SeqCst), 0, "no builder was asked");
    task.abort();
    instance.stop().await?;
    Ok(())
}

/// The problem of a request for a version of Connect.
async fn refused(client: &Client, version: &str) -> Value {
    let refused = ask(client, "build.request", &request(version, &["nats"])).await;
    refused.unwrap_err()["error"]["problems"][0].clone()
}

#[tokio::test]
async fn only_listed_versions_are_built_unless_the_operator_allows_others() -> anyhow::Result<()> {
    // As without the option.
    let (server, client, instance) = Box::pin(under(VersionPolicy::Listed)).await?;
    let (task, count) = builder(&server).await?;
    for (version, what) in [
        ("v4.98.1", "isn't listed in the catalog"),
        (
            "v4.98.2-0.20260101000000-abcdef123456",
            "is a pseudo-version",
        ),
    ] {
        let problem = refused(&client, version).await;
        assert_eq!(problem["code"], "version_refused", "{problem}");
        assert_eq!(problem["field"], format!("modules.{MODULE}"));
        let message = problem["message"].as_str().unwrap();
        for words in [version, what, "`--versions listed`", "Request v4.110.0"] {
            assert!(message.contains(words), "{words}: {message}");
        }
    }
    let pipeline = "input: {nats: {urls: [a], subject: b}}\noutput: {drop: {}}\n";
    let question = json!({
        "pipeline": pipeline, "goos": "linux", "goarch": "amd64", "modules": {MODULE: "v4.98.1"},
    });
    let selected = ask(&client, "catalog.select", &question).await.unwrap();
    assert_eq!(
        selected["problems"][0]["code"], "version_refused",
        "{selected}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 0, "no builder was asked");
    for version in ["v4.105.0", "v4.110.0"] {
        let listed = ask(&client, "build.resolve", &request(version, &["nats"])).await;
        assert_eq!(listed.unwrap()["modules"][MODULE], version);
    }
    task.abort();
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn released_versions_are_built_unless_they_were_retracted() -> anyhow::Result<()> {
    let (server, client, instance) = Box::pin(under(VersionPolicy::Tagged)).await?;
    let (task, count) = builder(&server).await?;
    let pseudo = "v4.98.2-0.20260101000000-abcdef123456";
    let problem = refused(&client, pseudo).await;
    assert_eq!(problem["code"], "version_refused", "{problem}");
    assert!(
        problem.to_string().contains("is a pseudo-version"),
        "{problem}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 0, "no builder was asked");

    let problem = refused(&client, "v4.98.2").await;
    assert_eq!(problem["code"], "version_refused", "{problem}");
    let message = problem["message"].as_str().unwrap();
    for words in [
        "v4.98.2 was retracted by its authors (It lost data.)",
        "`--versions tagged`",
        "Request v4.110.0",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let tagged = ask(&client, "build.resolve", &request("v4.98.1", &["nats"])).await;
    assert_eq!(tagged.unwrap()["modules"][MODULE], "v4.98.1");
    // Of the base, too, it must be known.
    let base = |version: &str| {
        let modules = BTreeMap::from([(BENTHOS, version)]);
        json!({"goos": "linux", "goarch": "amd64", "components": ["file"], "modules": modules})
    };
    let unknown = ask(&client, "build.resolve", &base("v4.76.2"))
        .await
        .unwrap_err();
    assert!(
        unknown.to_string().contains("proxy refuses it"),
        "{unknown}"
    );
    let asked = count.load(Ordering::SeqCst);
    let listed = ask(&client, "build.resolve", &base("v4.77.0")).await;
    assert_eq!(listed.unwrap()["modules"][BENTHOS], "v4.77.0");
    assert_eq!(count.load(Ordering::SeqCst), asked, "it is listed");
    task.abort();
    instance.stop().await?;
    Ok(())
}
