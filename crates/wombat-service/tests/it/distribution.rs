//! Own names and versions, and templates, over NATS.

use serde_json::{Value, json};

use crate::{
    list::indexed,
    support::{ask, body, one},
};

fn with(mut body: Value, fields: Value) -> Value {
    let Value::Object(mut fields) = fields else {
        panic!("{fields}");
    };
    body.as_object_mut().unwrap().append(&mut fields);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_name_and_version_are_another_build() -> anyhow::Result<()> {
    let (_server, client, _store, _instance) = one().await?;
    let own = with(
        body("nats"),
        json!({"name": "acme-connect", "version": "1.4.0"}),
    );
    let request = async |body: &Value| ask(&client, "build.request", body).await.unwrap();
    let plain = request(&body("nats")).await;
    assert_eq!((&plain["template"], plain.get("name")), (&json!(2), None));
    let named = request(&own).await;
    assert_ne!(named["id"], plain["id"]);
    assert_eq!(
        (&named["name"], &named["version"], &named["template"]),
        (&json!("acme-connect"), &json!("1.4.0"), &json!(2))
    );
    assert_eq!(request(&own).await["id"], named["id"]);
    let resolved = ask(&client, "build.resolve", &own).await.unwrap();
    assert_eq!(
        (&resolved["id"], &resolved["name"], &resolved["status"]),
        (&named["id"], &json!("acme-connect"), &json!("new"))
    );
    indexed(&client, 2).await?;
    let found = ask(&client, "build.list", &json!({"query": "acme"})).await;
    let found = found.unwrap();
    assert_eq!(
        (&found["total"], &found["builds"][0]["id"]),
        (&json!(1), &named["id"])
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_template_can_be_requested_and_forced() -> anyhow::Result<()> {
    let (_server, client, store, _instance) = one().await?;
    let first = with(body("nats"), json!({"template": 1}));
    let asked = ask(&client, "build.request", &first).await.unwrap();
    assert_eq!(asked["template"], 1);
    let key = asked["id"].as_str().unwrap().parse()?;
    store.builds.cancel(&key).await?.unwrap()?;
    let forced = ask(&client, "build.force", &first).await.unwrap();
    assert_eq!(
        (&forced["id"], &forced["status"], &forced["template"]),
        (&asked["id"], &json!("new"), &json!(1))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_them_is_said() -> anyhow::Result<()> {
    let (_server, client, _store, _instance) = one().await?;
    for (fields, field, words) in [
        (json!({"name": "Acme"}), "name", "lower-case letters"),
        (json!({"version": "1 4"}), "version", "at most 64 letters"),
        (json!({"template": 3}), "template", "write 1 or 2"),
        (
            json!({"template": 1, "name": "acme"}),
            "name",
            "template 1 takes no `name`",
        ),
    ] {
        let refused = ask(&client, "build.request", &with(body("nats"), fields)).await;
        let refused = refused.unwrap_err();
        let problem = &refused["error"]["problems"][0];
        assert_eq!(problem["field"], field, "{refused}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    Ok(())
}
