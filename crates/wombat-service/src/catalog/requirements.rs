//! What releases outside the catalog require. Builders read it from their `go.mod`; a published release never changes,
//! so what was read once is remembered.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, time::Duration};

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;
use wombat_model::{
    ModulePath, ModuleVersion, Problem, ProblemCode, Refusal,
    wire::{RequirementsQuestion, RequirementsReply},
};
use wombat_store::Connection;

use super::{BENTHOS, Requirements, Snapshot, VersionPolicy};
use crate::refusal;

/// Releases that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");
/// How long a refusal is remembered: a client that repeats its request shouldn't keep the builders busy.
const REFUSED_FOR: Duration = Duration::from_mins(1);

/// A release outside the catalog that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnlistedRelease {
    pub(crate) module: ModulePath,
    pub(crate) version: ModuleVersion,
    /// The field of the request that names it.
    pub(crate) field: String,
}

#[derive(Clone, Debug)]
enum Answer {
    Requires(BTreeMap<ModulePath, ModuleVersion>),
    /// The authors' reason.
    Retracted(String, Instant),
    Refused(String, Instant),
}

/// Asks builders, one question at a time.
#[derive(Clone, Debug)]
pub(crate) struct RequirementsDesk {
    connection: Connection,
    versions: VersionPolicy,
    known: Arc<Mutex<LruCache<(ModulePath, ModuleVersion), Answer>>>,
    /// Held while a builder is asked.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl RequirementsDesk {
    pub(crate) fn new(connection: Connection, versions: VersionPolicy) -> Self {
        Self {
            connection,
            versions,
            known: Arc::new(Mutex::new(LruCache::new(REMEMBERED))),
            turn: Arc::default(),
        }
    }

    /// What these releases require, or a refusal that names those of which it can't be had.
    pub(crate) async fn of(
        &self,
        releases: &[UnlistedRelease],
        catalog: &Snapshot,
    ) -> Result<Requirements, Refusal> {
        let (mut all, mut problems) = (Requirements::new(), Vec::new());
        for release in releases {
            match self.of_one(release, catalog).await? {
                Answer::Requires(requires) => {
                    let name = (release.module.clone(), release.version.clone());
                    all.insert(name, requires);
                }
                Answer::Retracted(why, _) => {
                    let name = (&release.module, &release.version);
                    let message = self.versions.retracted(name, &why, catalog);
                    let (code, field) = (ProblemCode::VersionRefused, release.field.clone());
                    problems.push(Problem::field(code, field, message));
                }
                Answer::Refused(why, _) => problems.push(Problem::field(
                    ProblemCode::UnknownVersion,
                    release.field.clone(),
                    format!(
                        "{} {} isn't in the catalog, and {} can't be found out: {why}",
                        release.module,
                        release.version,
                        self.unknown(release, catalog)
                    ),
                )),
            }
        }
        if problems.is_empty() {
            Ok(all)
        } else {
            Err(Refusal::of_request(problems))
        }
    }

    async fn of_one(
        &self,
        release: &UnlistedRelease,
        catalog: &Snapshot,
    ) -> Result<Answer, Refusal> {
        let UnlistedRelease {
            module, version, ..
        } = release;
        let name = (module.clone(), version.clone());
        if let Some(answer) = self.remembered(&name) {
            return Ok(answer);
        }
        let _turn = self.turn.lock().await;
        if let Some(answer) = self.remembered(&name) {
            return Ok(answer);
        }
        let question = RequirementsQuestion {
            module: module.clone(),
            version: version.clone(),
            of: catalog.modules().cloned().collect(),
            refuse_retracted: self.versions.refuses_if_retracted(module, version, catalog),
        };
        let asked = self.connection.ask_requirements(&question).await;
        let answer = match asked.map_err(|error| refusal::of_store(&error))? {
            Some(RequirementsReply::Requires(requires)) => Answer::Requires(requires),
            // The next release may take it back.
            Some(RequirementsReply::Retracted(why)) => {
                Answer::Retracted(why, Instant::now() + REFUSED_FOR)
            }
            Some(RequirementsReply::Refused(why)) => {
                Answer::Refused(why, Instant::now() + REFUSED_FOR)
            }
            Some(RequirementsReply::Unavailable(why)) => {
                return Err(unavailable(release, self.unknown(release, catalog), &why));
            }
            None => {
                let why = "no builder is running that can read its go.mod.";
                return Err(unavailable(release, self.unknown(release, catalog), why));
            }
        };
        self.known.lock().put(name, answer.clone());
        Ok(answer)
    }

    /// What is to be found out about a release.
    fn unknown(&self, release: &UnlistedRelease, catalog: &Snapshot) -> &'static str {
        let (module, version) = (&release.module, &release.version);
        let retraction = self.versions.refuses_if_retracted(module, version, catalog);
        match (module.as_str() == BENTHOS, retraction) {
            (true, _) => "whether it was retracted",
            (false, false) => "which Benthos it is built with",
            (false, true) => "which Benthos it is built with, or whether it was retracted,",
        }
    }

    fn remembered(&self, name: &(ModulePath, ModuleVersion)) -> Option<Answer> {
        match self.known.lock().get(name)? {
            Answer::Refused(_, until) | Answer::Retracted(_, until) if *until <= Instant::now() => {
                None
            }
            answer => Some(answer.clone()),
        }
    }
}

fn unavailable(release: &UnlistedRelease, what: &str, why: &str) -> Refusal {
    let UnlistedRelease {
        module, version, ..
    } = release;
    let message =
        format!("{module} {version} isn't in the catalog, and {what} isn't known yet: {why}");
    Refusal::unavailable(message, 10)
}
