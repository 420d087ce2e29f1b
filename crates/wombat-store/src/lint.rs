//! Lint requests to builders whose machine can run a binary.

use std::net::IpAddr;

use wombat_model::{
    Platform,
    names::{LINT_QUEUE, LINT_SUBJECT_PREFIX},
    wire::{LINT_PATIENCE, LintQuestion, LintReply},
};

use crate::{
    Connection, ReplyRule, StoreError,
    questions::{Questions, Responder},
};

/// Lint requests as they come; dropping it ends the subscription.
pub type LintQuestions = Questions<LintQuestion, LintReply>;

/// Sends the reply to one lint request.
pub type LintResponder = Responder<LintReply>;

impl Connection {
    /// Subscribes to lint requests for this platform, which builders on such machines share.
    pub async fn lint_questions(
        &self,
        platform: Platform,
        replies: ReplyRule,
    ) -> Result<LintQuestions, StoreError> {
        self.questions(&subject(platform), LINT_QUEUE, replies)
            .await
    }

    /// Sends a lint request of this client of the gateway to one of these builders. `None`: there is none.
    pub async fn ask_lint(
        &self,
        platform: Platform,
        question: &LintQuestion,
        client: Option<IpAddr>,
    ) -> Result<Option<LintReply>, StoreError> {
        self.ask_for(client, &subject(platform), question, LINT_PATIENCE)
            .await
    }
}

fn subject(platform: Platform) -> String {
    format!(
        "{LINT_SUBJECT_PREFIX}{}.{}",
        platform.goos(),
        platform.goarch()
    )
}
