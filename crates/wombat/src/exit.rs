//! The end of a failed command: a message for people, and an exit code for scripts.

use std::process::ExitCode;

use wombat_store::ConnectError;

use crate::client::ClientError;

/// Shown below the help of every command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  any other error
  2  the command line is invalid
  3  the build failed or was cancelled
  4  the server refused the request
  5  the server or NATS can't be reached
  130  interrupted; the server continues the request";

/// The build that was waited for gave no binary.
#[derive(Debug, thiserror::Error)]
#[error("the build failed: {0}")]
pub(crate) struct BuildFailed(pub(crate) String);

/// The user stopped waiting; the message says how to resume.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Interrupted(pub(crate) String);

/// The exit code for an error.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    let number = if error.is::<BuildFailed>() {
        3
    } else if error.is::<Interrupted>() {
        130
    } else {
        match error.downcast_ref::<ClientError>() {
            Some(ClientError::Refused { .. }) => 4,
            Some(ClientError::Unreachable { .. }) => 5,
            None => match error.downcast_ref() {
                // NATS was reached, but its configuration or the login has to be changed.
                Some(ConnectError::Unfit(_) | ConnectError::Login(_)) | None => 1,
                Some(
                    ConnectError::File { .. } | ConnectError::Jwt(_) | ConnectError::Connect { .. },
                ) => 5,
            },
            Some(ClientError::Unexpected { .. }) => 1,
        }
    };
    ExitCode::from(number)
}
