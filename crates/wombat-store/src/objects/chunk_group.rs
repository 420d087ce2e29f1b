//! The subjects of an object's chunks: `C.<owner>.<id>.<number>`, so that each may have only one message. The id begins
//! with a digest of the object's name, so that no entry can name the chunks of another object.
//!
//! The entry's `nuid` is `<owner>.<id>.*`, and every NATS client reads the chunks by it. Version 0.1.0 wrote all chunks
//! of an object to `C.<nuid>`, a single token.

use sha2::{Digest as _, Sha256 as Hasher};

/// Digits of the name's digest in an id, and of the part that differs from upload to upload.
const OF_NAME: usize = 32;
const OF_UPLOAD: usize = 8;

/// The chunks of one object: what follows `C.` in their subjects, without the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChunkGroup(String);

impl ChunkGroup {
    /// A group that no other upload has.
    pub(super) fn new(owner: &str, name: &str) -> Self {
        let own = uuid::Uuid::new_v4().simple().to_string();
        Self::of(owner, name, own.get(..OF_UPLOAD).unwrap_or_default())
    }

    /// The group of a copy of the object whose chunks were named by `nuid`; the same at each call.
    pub(crate) fn of_copy(owner: &str, name: &str, nuid: &str) -> Self {
        Self::of(owner, name, &digits(nuid, OF_UPLOAD))
    }

    /// The group that this `nuid` names, if each of its chunks has a subject of its own.
    pub(crate) fn named_by(nuid: &str) -> Option<Self> {
        Some(Self(nuid.strip_suffix(".*")?.to_owned()))
    }

    fn of(owner: &str, name: &str, upload: &str) -> Self {
        Self(format!("{owner}.{}-{upload}", digits(name, OF_NAME)))
    }

    /// As in the entry.
    pub(crate) fn nuid(&self) -> String {
        format!("{}.*", self.0)
    }

    /// What follows `C.` in the subject of a chunk.
    pub(crate) fn chunk(&self, number: u64) -> String {
        format!("{}.{number}", self.0)
    }
}

/// Whether an entry of this name may name these chunks.
pub(super) fn belong_to(name: &str, nuid: &str) -> bool {
    let is_token = |token: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        !token.is_empty() && token.chars().all(plain)
    };
    let mut tokens = nuid.split('.');
    match (tokens.next(), tokens.next(), tokens.next(), tokens.next()) {
        (Some(only), None, None, None) => is_token(only),
        (Some(owner), Some(id), Some("*"), None) => {
            let own = id.strip_prefix(&digits(name, OF_NAME));
            is_token(owner) && is_token(id) && own.is_some_and(|rest| rest.starts_with('-'))
        }
        _ => false,
    }
}

/// What is the same in all groups of an object of this name.
pub(super) fn name_digest(name: &str) -> String {
    digits(name, OF_NAME)
}

/// The digest of the object's name, if this `nuid` has one: those of version 0.1.0 don't.
pub(super) fn name_digest_in(nuid: &str) -> Option<&str> {
    let (_, id) = nuid.strip_suffix(".*")?.split_once('.')?;
    Some(id.split_once('-')?.0)
}

/// The first hexadecimal digits of a text's SHA-256.
fn digits(text: &str, count: usize) -> String {
    let mut digits = hex::encode(Hasher::digest(text));
    digits.truncate(count);
    digits
}

/// The `nuid` of the group that a chunk with this subject, after `C.`, belongs to.
pub(super) fn nuid_of(subject: &str) -> String {
    match subject.rsplit_once('.') {
        Some((group, _)) => ChunkGroup(group.to_owned()).nuid(),
        None => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_its_own_chunks_or_none() {
        let ours = ChunkGroup::new("fox", "ours");
        assert!(belong_to("ours", &ours.nuid()));
        assert!(!belong_to("theirs", &ours.nuid()));
        let digest = name_digest("ours");
        assert_eq!(name_digest_in(&ours.nuid()), Some(digest.as_str()));
        assert_eq!(name_digest_in("5f0c"), None);
        let copy = ChunkGroup::of_copy("service", "ours", "abc");
        assert!(belong_to("ours", &copy.nuid()));
        assert_eq!(copy, ChunkGroup::of_copy("service", "ours", "abc"));
        assert_eq!(ChunkGroup::named_by(&ours.nuid()), Some(ours.clone()));
        assert_eq!(nuid_of(&ours.chunk(12)), ours.nuid());
        // Version 0.1.0, and what would take more than one object's chunks.
        assert!(belong_to("any", "5f0c") && nuid_of("5f0c") == "5f0c");
        let all = ours.nuid().replace("fox", "*");
        for nuid in [
            "",
            ">",
            "*",
            "*.*.*",
            "fox.>",
            "fox.*",
            "a.b.c",
            all.as_str(),
        ] {
            assert!(!belong_to("ours", nuid), "{nuid}");
        }
    }
}
