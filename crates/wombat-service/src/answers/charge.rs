//! What a new build costs the client that requests it.

use std::{net::IpAddr, time::Duration};

use wombat_model::{BuildKey, Problem, ProblemCode, Refusal, RefusalStatus, Status, units};
use wombat_store::Revision;

use super::Answers;
use crate::{
    byte_quota::{Reserved, UsedUp},
    quota::Taken,
    resolve::Resolved,
};

/// Longest wait that a client is told whose quota of builds is used up: it refills build by build.
const MOST_WAIT: Duration = Duration::from_secs(299);

/// What a client was charged for a build. Dropping it gives everything back.
#[derive(Debug)]
#[must_use = "dropping it gives everything back"]
pub(super) struct Charged<'a> {
    build: Taken<'a>,
    /// `None`: all modules are the catalog's.
    bytes: Option<Reserved<'a>>,
}

impl Charged<'_> {
    /// Makes the charge final: the build is new, and its record has this revision.
    pub(super) fn keep(self, key: &BuildKey, revision: Revision) {
        self.build.keep();
        if let Some(bytes) = self.bytes {
            bytes.keep(key.clone(), revision);
        }
    }
}

impl Answers {
    /// Charges the client's quotas for a new build, or refuses it if one of them is used up.
    pub(super) fn charge(
        &self,
        resolved: &Resolved,
        client: IpAddr,
    ) -> Result<Charged<'_>, Refusal> {
        let build = self.quotas.take(client, &resolved.answer.id);
        let build = build.map_err(too_many)?;
        let bytes = if resolved.is_of_catalog {
            None
        } else {
            let size_of = |key: &BuildKey, after| self.size_of_ended(key, after);
            let reserved = self.byte_quotas.reserve(client, size_of);
            Some(reserved.map_err(too_many_bytes)?)
        };
        Ok(Charged { build, bytes })
    }

    /// The size of the binary of a build that ended after this revision, 0 if it has none, as far as this instance has
    /// seen.
    fn size_of_ended(&self, key: &BuildKey, after: Revision) -> Option<u64> {
        let view = self.builds.seen(key, &self.live)?;
        if view.revision <= after.get() {
            return None;
        }
        match view.build.status {
            Status::New | Status::Building => None,
            Status::Success => Some(view.build.size.unwrap_or(0)),
            Status::Failed | Status::Cancelled => Some(0),
        }
    }
}

fn too_many(wait: Duration) -> Refusal {
    let message = "You have requested too many new builds in a short time; wait before the next one. Finished builds can still be downloaded.";
    used_up(message.to_owned(), wait.min(MOST_WAIT))
}

fn too_many_bytes(UsedUp { wait, limit }: UsedUp) -> Refusal {
    let message = format!(
        "You have requested as many bytes of binaries with modules from outside the catalog as one client may per day, {} MiB; the next one may be requested in {}. Builds of the catalog's modules are still accepted, and finished ones can be downloaded.",
        limit / units::MIB,
        words(wait)
    );
    used_up(message, wait)
}

fn used_up(message: String, wait: Duration) -> Refusal {
    Refusal {
        status: RefusalStatus::TooMany,
        problems: vec![Problem::general(ProblemCode::TooBusy, message)],
        retry_after: Some(wait.as_secs() + 1),
    }
}

/// A wait, rounded up.
fn words(wait: Duration) -> String {
    let minutes = wait.as_secs() / 60 + 1;
    if minutes < 120 {
        format!("{minutes} minutes")
    } else {
        format!("{} hours", minutes.div_ceil(60))
    }
}
