//! `error_handling.strict` leaves a `catch` nothing to do.

use super::{
    super::document::{NodeId, is_true},
    Walk,
};

impl Walk<'_> {
    /// Mistakes of a document that turns strict error handling on.
    pub(super) fn strict_errors(&mut self, root: NodeId) {
        let documents = self.documents;
        let strict = documents
            .get(root, "error_handling")
            .and_then(|handling| documents.get(handling, "strict"));
        if !self.is_linted || !strict.is_some_and(|strict| is_true(documents.value(strict))) {
            return;
        }
        for name in std::mem::take(&mut self.catches) {
            self.mistake_at(
                name,
                "`catch` recovers nothing while `error_handling.strict` is on; use `try_catch`.",
            );
        }
    }
}
