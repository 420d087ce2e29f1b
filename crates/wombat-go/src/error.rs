//! Why a build gave no binary.

use wombat_model::{Failure, FailureClass};

/// Why a build gave no binary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// It failed.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// [`Scope::stop`](crate::Scope::stop) was cancelled.
    #[error("the build was stopped")]
    Stopped,
}

impl From<Failure> for BuildError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl BuildError {
    /// A fault of the builder or its machine. A full disk is temporary, and no fault of the build.
    pub(crate) fn local(what: &str, error: &std::io::Error) -> Self {
        let class = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                FailureClass::Infra
            }
            std::io::ErrorKind::FileTooLarge => FailureClass::Resource,
            _ => FailureClass::Internal,
        };
        Failure::new(class, format!("The builder can't {what}: {error}.")).into()
    }
}
