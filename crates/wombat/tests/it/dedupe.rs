//! Equal requests are one build, however many arrive at once and at whichever gateway.

use std::{collections::BTreeSet, time::Duration};

use crate::program;
use futures::future::try_join_all;
use wombat_testkit::wait_until;

use wombat_testkit::{Stack, a_request};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_equal_requests_over_two_gateways_and_two_services_are_one_build()
-> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let _second_service = program().start(&["service", "--nats-url", &stack.nats.url()])?;
    let (_second_api, second) = program().gateway(&stack.nats.url(), &[]).await?;
    let _builder = stack.builder(&[])?;
    stack.site.until_builders(1).await?;

    let body = a_request(&["nats"]);
    let requests = (0..100).map(|n| {
        let site = if n % 2 == 0 {
            stack.site.clone()
        } else {
            second.clone()
        };
        let body = body.clone();
        async move { site.asked(&body).await }
    });
    let ids: BTreeSet<String> = try_join_all(requests).await?.into_iter().collect();
    assert_eq!(ids.len(), 1);
    let id = ids.first().unwrap();
    let view = stack
        .site
        .until(id, "success", Duration::from_secs(30))
        .await?;
    assert_eq!(view["attempt"], 1);
    assert_eq!(stack.go.builds().len(), 1, "one `go build`");
    let listed = wait_until(
        "the build to be listed",
        Duration::from_secs(5),
        async || {
            let page = stack.site.json("/api/builds").await?;
            Ok(page["total"].as_u64().filter(|total| *total > 0))
        },
    );
    assert_eq!(listed.await?, 1, "one record");
    Ok(())
}

#[tokio::test]
async fn neither_order_nor_spelling_makes_another_build() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let one = stack.site.asked(&a_request(&["nats", "redis"])).await?;
    let two = stack
        .site
        .asked(&a_request(&["redis", "nats", "redis"]))
        .await?;
    assert_eq!(one, two);

    let mut spelled_out = a_request(&["nats", "redis"]);
    spelled_out["variant"] = "v1".into();
    spelled_out["base"] = "standard".into();
    spelled_out["modules"] = serde_json::json!({"github.com/redpanda-data/connect/v4": "v4.105.0"});
    assert_eq!(stack.site.asked(&spelled_out).await?, one);

    let mut other = a_request(&["nats", "redis"]);
    other["variant"] = "v3".into();
    assert_ne!(stack.site.asked(&other).await?, one);
    Ok(())
}
