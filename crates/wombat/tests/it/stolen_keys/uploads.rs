//! Objects of an attacker, in the format of the product.

use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    thief::Thief,
    verdict::{Answer, Verdict, verdict},
};

/// What became of an upload.
pub(super) struct Uploaded {
    chunk: Answer,
    entry: Answer,
}

impl Uploaded {
    pub(super) fn is_accepted(&self) -> bool {
        self.chunk.is_accepted() && self.entry.is_accepted()
    }

    /// Whether an entry was written whose bytes were refused.
    pub(super) fn is_entry_alone(&self) -> bool {
        !self.chunk.is_accepted() && self.entry.is_accepted()
    }

    pub(super) fn verdict(&self) -> Verdict {
        verdict([&self.chunk, &self.entry])
    }
}

/// Stores an object in the format of the product, under the thief's own name.
pub(super) async fn upload(thief: &Thief, name: &str, bytes: &[u8]) -> anyhow::Result<Uploaded> {
    upload_to("artifacts", thief, name, bytes).await
}

/// The same in another bucket.
pub(super) async fn upload_to(
    bucket: &str,
    thief: &Thief,
    name: &str,
    bytes: &[u8],
) -> anyhow::Result<Uploaded> {
    let mut of_name = hex::encode(Sha256::digest(name));
    of_name.truncate(32);
    let group = format!("{}.{of_name}-0badc0de", thief.user);
    let entry = json!({
        "name": name, "bucket": bucket, "nuid": format!("{group}.*"), "size": bytes.len(), "chunks": 1,
        "mtime": "2026-01-02T03:04:05Z",
        "digest": format!("SHA-256={}", base64_url(Sha256::digest(bytes))),
    });
    let subject = format!("$O.{bucket}.C.{group}.0");
    let chunk = thief.send(&subject, &[], bytes.to_vec()).await?;
    let subject = format!("$O.{bucket}.M.{}", base64_url(name));
    let entry = thief.send(&subject, &[], entry.to_string()).await?;
    Ok(Uploaded { chunk, entry })
}

/// As object stores write names and digests.
pub(super) fn base64_url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE.encode(bytes)
}
