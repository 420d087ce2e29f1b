//! Questions to builders about releases outside the catalog.

use wombat_model::{
    names::{REQUIREMENTS_QUEUE, REQUIREMENTS_SUBJECT},
    wire::{REQUIREMENTS_PATIENCE, RequirementsQuestion, RequirementsReply},
};

use crate::{
    Connection, ReplyRule, StoreError,
    questions::{Questions, Responder},
};

/// Questions about releases as they come; dropping it ends the subscription.
pub type RequirementsQuestions = Questions<RequirementsQuestion, RequirementsReply>;

/// Sends the reply to one question about a release.
pub type RequirementsResponder = Responder<RequirementsReply>;

impl Connection {
    /// Subscribes to questions, which builders share.
    pub async fn requirements_questions(
        &self,
        replies: ReplyRule,
    ) -> Result<RequirementsQuestions, StoreError> {
        self.questions(REQUIREMENTS_SUBJECT, REQUIREMENTS_QUEUE, replies)
            .await
    }

    /// Asks one of the builders. `None`: there is none that answers.
    pub async fn ask_requirements(
        &self,
        question: &RequirementsQuestion,
    ) -> Result<Option<RequirementsReply>, StoreError> {
        self.ask(REQUIREMENTS_SUBJECT, question, REQUIREMENTS_PATIENCE)
            .await
    }
}
