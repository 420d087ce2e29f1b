//! Reads from the store, without a service, and within a time limit.

use std::{future::Future, time::Duration};

use tokio::time::{sleep, timeout};
use wombat_model::wire::ListQuestion;
use wombat_store::StoreError;

use super::{ANSWER_LIMIT, ASK_PAUSE, Gateway};
use crate::ApiError;

impl Gateway {
    /// Reads from the store, within the time that a service has.
    pub(crate) async fn read<T>(
        &self,
        access: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ApiError> {
        self.check_is_up()?;
        match timeout(ANSWER_LIMIT, access).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(silent()),
        }
    }

    /// The same for longer reads, or if a leader may have to be elected first: tries again if the store doesn't answer, and
    /// gives up as soon as no service answers either, because then NATS is unavailable.
    pub(crate) async fn read_long<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        limit: Duration,
        access: impl Fn() -> F,
    ) -> Result<T, ApiError> {
        let reading = async {
            loop {
                match access().await.map_err(ApiError::from) {
                    Err(error) if error.is_unavailable() => sleep(ASK_PAUSE).await,
                    read => return read,
                }
            }
        };
        tokio::select! {
            read = timeout(limit, reading) => read.unwrap_or_else(|_| Err(silent())),
            error = self.unanswered() => Err(error),
        }
    }

    /// Waits until no service answers: services need no leader for this question.
    async fn unanswered(&self) -> ApiError {
        let question = ListQuestion {
            limit: Some(0),
            ..ListQuestion::default()
        };
        loop {
            // Most reads end sooner.
            sleep(ASK_PAUSE).await;
            if let Err(error) = self.ask("build.list", &question).await {
                return error;
            }
            sleep(ANSWER_LIMIT).await;
        }
    }
}

fn silent() -> ApiError {
    ApiError::unavailable("NATS doesn't answer; try again.")
}
