//! Failures that are the module proxy's fault.

use wombat_goproxy::RelaySession;
use wombat_model::{Failure, FailureClass};

use super::error::BuildError;

/// The relay knows more about a failure of the proxy than `go` reports. Answers that `go` couldn't use are removed, so
/// that they are fetched again.
pub(super) async fn blame(error: BuildError, relay: &RelaySession) -> BuildError {
    let BuildError::Failed(failure) = &error else {
        return error;
    };
    match failure.class {
        FailureClass::Compile | FailureClass::Resource => return error,
        FailureClass::Input
        | FailureClass::Infra
        | FailureClass::Lost
        | FailureClass::Internal
        | FailureClass::Tampered => {
            relay.forget_served().await;
        }
    }
    match relay.take_trouble() {
        Some(words) => Failure::new(
            FailureClass::Infra,
            format!("The module proxy failed: {words}."),
        )
        .into(),
        None => error,
    }
}
