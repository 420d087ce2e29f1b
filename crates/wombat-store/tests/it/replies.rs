//! Questions to builders are answered to inboxes only.

use wombat_model::wire::{RequirementsQuestion, RequirementsReply};
use wombat_testkit::{NatsServer, NatsServerConfig};

/// In one account, where the server leaves reply subjects as they are.
#[tokio::test]
async fn a_builder_hears_no_question_whose_reply_would_go_elsewhere() -> anyhow::Result<()> {
    let nats = NatsServer::with(&NatsServerConfig {
        own_users: true,
        ..NatsServerConfig::default()
    })?;
    let builder = nats.connection().await?;
    let rule = builder.reply_rule(&["elsewhere".parse()?]);
    let mut questions = builder.requirements_questions(rule).await?;
    builder.client().flush().await?;
    let service = nats.connection().await?;
    let question = |version: &str| RequirementsQuestion {
        module: "a.b/c".parse().unwrap(),
        version: version.parse().unwrap(),
        of: Vec::new(),
        refuse_retracted: false,
    };
    let subject = "builder.requirements";
    let client = service.client();
    for reply in ["$JS.API.STREAM.PURGE.KV_builds", "$KV.builds.x", "other.a"] {
        let bytes = serde_json::to_vec(&question("v1.0.0"))?;
        client
            .publish_with_reply(subject, reply, bytes.into())
            .await?;
        client
            .publish(subject, serde_json::to_vec(&question("v1.0.0"))?.into())
            .await?;
    }
    let answering = tokio::spawn(async move {
        let (question, asker) = questions.next().await.expect("the connection is open");
        let nothing = RequirementsReply::Requires(std::collections::BTreeMap::new());
        asker.answer(&nothing).await;
        question.version.to_string()
    });
    // The server delivers what one connection sends in order.
    let asked = question("v1.0.1");
    let answer = service.ask_requirements(&asked).await?;
    assert!(answer.is_some());
    assert_eq!(answering.await?, "v1.0.1");
    Ok(())
}
