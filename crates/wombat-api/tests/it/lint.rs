//! Lints, answered by the test in a builder's place.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{advance, pause, resume};
use wombat_model::wire::{LINT_LIMIT, LintAnswer, LintReply};
use wombat_store::roles::NatsRole;
use wombat_testkit::{NatsServer, a_spec};

use crate::support::{Api, finished};

#[tokio::test]
async fn a_builder_may_take_all_of_its_time_for_a_lint() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_, store) = server.store().await?;
    let builder = server.connection_as(NatsRole::Builder).await?;
    let spec = a_spec().build();
    let platform = spec.target().platform();
    let replies = builder.reply_rule(&[]);
    let mut questions = builder.lint_questions(platform, replies).await?;
    builder.client().flush().await?;
    let key = finished(&store, &spec, b"binary").await?;
    let api = Api::start(&server).await?;
    let request = api.request(Method::POST, &format!("/api/builds/{key}/lint"));
    let request = tokio::spawn(request.body("input: {}\n").send());
    let (question, asker) = questions.next().await.context("no question came")?;
    assert_eq!(question.pipeline, "input: {}\n");

    // The gateway runs in this process, so its clock jumps, too.
    pause();
    advance(LINT_LIMIT).await;
    resume();
    let reply = LintReply::Answer(LintAnswer {
        accepted: true,
        complaints: Vec::new(),
    });
    asker.answer(&reply).await;
    let answer = request.await??;
    let status = answer.status().as_u16();
    let said: Value = serde_json::from_str(&answer.text().await?)?;
    let accepted = json!({"accepted": true, "complaints": []});
    assert_eq!((status, said), (200, accepted));
    Ok(())
}
