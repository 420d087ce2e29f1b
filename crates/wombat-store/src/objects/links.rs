//! Links: entries that name another object. The first is written by whoever made the object; moving one to another
//! object needs the right to purge, which only the service has.

use tracing::debug;

use super::{
    Objects, StoredObject,
    entry::{self, Entry, Link, Options},
};
use crate::{StoreError, error::PublishFailure, record::publish};

/// How often a link is moved while other processes move it, too.
const MAX_RACES: u32 = 5;

impl Objects {
    /// Links `name` to an object. `false`: there is an entry of this name that says something else.
    pub(crate) async fn link(&self, name: &str, target: &StoredObject) -> Result<bool, StoreError> {
        let message = Self::new_message(self.link_entry(name, target).to_json()?);
        let subject = entry::subject_of(self.bucket, name);
        match publish(&self.connection, subject, message).await {
            Ok(_) => Ok(true),
            Err(PublishFailure::LostRace) => {
                let there = self.find(name).await?;
                Ok(there.is_some_and(|there| there.link.as_deref() == Some(target.name.as_str())))
            }
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// The same, and moves a link that is there. An object of this name stays.
    pub(crate) async fn move_link(
        &self,
        name: &str,
        target: &StoredObject,
    ) -> Result<(), StoreError> {
        for _ in 0..MAX_RACES {
            if self.link(name, target).await? {
                return Ok(());
            }
            // What version 0.1.0 removed left an entry, too.
            let there = self.last_entry(name).await?;
            if let Some(there) = there {
                let subject = entry::subject_of(self.bucket, name);
                let object = Entry::of_message(&subject, &there)?;
                if object.is_some_and(|object| object.link.is_none()) {
                    let problem = "an object, not a link, has the build's name";
                    return Err(StoreError::corrupt(name, problem));
                }
                debug!(name, target = target.name, "moving a link");
                self.purge_entry(name, there.sequence).await?;
            }
        }
        Err(StoreError::Unavailable(format!(
            "too many processes move the link `{name}` at the same time"
        )))
    }

    fn link_entry(&self, name: &str, target: &StoredObject) -> Entry {
        Entry {
            name: name.to_owned(),
            bucket: self.bucket.to_owned(),
            // The Go client refuses a link without.
            nuid: uuid::Uuid::new_v4().simple().to_string(),
            mtime: entry::time_text(self.connection.server_time()),
            digest: target
                .sha256
                .as_ref()
                .map(|sha256| entry::digest(sha256.to_bytes())),
            options: Some(Options {
                link: Some(Link {
                    name: Some(target.name.clone()),
                    bucket: self.bucket.to_owned(),
                }),
                max_chunk_size: None,
            }),
            ..Entry::default()
        }
    }
}
