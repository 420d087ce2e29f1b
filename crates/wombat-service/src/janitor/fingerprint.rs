//! A short stand-in for a binary, of which the janitor compares many.

use std::hash::{DefaultHasher, Hash, Hasher};

use wombat_model::{ArtifactName, Sha256};

/// See the module.
pub(super) type Fingerprint = u64;

/// The fingerprint of a binary.
pub(super) fn fingerprint(name: &ArtifactName, size: u64, sha256: &Sha256) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    (name, size, sha256).hash(&mut hasher);
    hasher.finish()
}
