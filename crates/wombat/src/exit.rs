//! What a failed command ends with: a message for people, and a number for scripts.

use std::process::ExitCode;

use crate::client::ClientError;

/// Shown below the help of every command.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something went wrong
  2  the command line can't be read
  3  the build failed or was cancelled
  4  the server refused the request
  5  the server or NATS can't be reached";

/// The build that was waited for gave no binary.
#[derive(Debug, thiserror::Error)]
#[error("the build failed: {0}")]
pub(crate) struct BuildFailed(pub(crate) String);

/// The number for an error.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    let number = if error.is::<BuildFailed>() {
        3
    } else {
        match error.downcast_ref::<ClientError>() {
            Some(ClientError::Refused { .. }) => 4,
            Some(ClientError::Unreachable { .. }) => 5,
            None if error.is::<wombat_store::ConnectError>() => 5,
            Some(ClientError::Unexpected { .. }) | None => 1,
        }
    };
    ExitCode::from(number)
}
