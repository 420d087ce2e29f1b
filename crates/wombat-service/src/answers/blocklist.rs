//! The blocklist: modules that must not be built. Shows and replaces it.

use tracing::warn;
use wombat_model::{
    ArtifactName, Blocklist, Problem, ProblemCode, Refusal, RefusalStatus,
    wire::{BlockQuestion, BlocklistAnswer, BlocklistEffect, BuildJson},
};
use wombat_store::{Revision, StoreError, Versioned, Written};

use super::{Answers, apart};
use crate::refusal;

/// Attempts to replace the list without an expected revision, while other clients write it too.
const TRIES: usize = 8;
/// Most records that are read because they may be younger than the index of builds.
const MOST_YOUNGER: usize = 100;

impl Answers {
    pub(super) async fn blocklist(&self) -> Result<BlocklistAnswer, Refusal> {
        match self.store.catalog.blocklist().await {
            Ok(list) => Ok(answer(list)),
            Err(StoreError::Corrupt { problem, .. }) => Err(Refusal::new(
                RefusalStatus::Unavailable,
                Problem::general(
                    ProblemCode::Damaged,
                    Blocklist::words_if_unreadable(&problem),
                ),
            )),
            Err(error) => Err(refusal::of_store(&error)),
        }
    }

    pub(super) async fn block(&self, question: BlockQuestion) -> Result<BlocklistAnswer, Refusal> {
        let BlockQuestion { modules, revision } = question;
        for _ in 0..TRIES {
            let seen = if let Some(revision) = revision {
                Revision::new(revision)
            } else {
                // Of a list that can't be read as well: this one takes its place.
                let seen = self.store.catalog.blocklist_revision().await;
                seen.map_err(|error| refusal::of_store(&error))?
            };
            let written = self.store.catalog.block(modules.clone(), seen).await;
            match written.map_err(|error| refusal::of_store(&error))? {
                Written::Won(list) => {
                    let effect = self.effect(&list.value).await;
                    return Ok(BlocklistAnswer {
                        effect,
                        ..answer(list)
                    });
                }
                Written::Lost if revision.is_some() => break,
                Written::Lost => {}
            }
        }
        Err(Refusal::new(
            RefusalStatus::Conflict,
            Problem::field(
                ProblemCode::WrongState,
                "revision",
                "The blocklist has changed since this revision; read it again and apply your change to that.",
            ),
        ))
    }
}

impl Answers {
    /// The finished builds that a list hits. `None` if they can't be read now, which doesn't undo the change.
    async fn effect(&self, list: &Blocklist) -> Option<BlocklistEffect> {
        let names = match self.blocked.binaries().await {
            Ok(names) => names,
            Err(error) => {
                warn!(%error, "can't list the binaries that the blocklist may hit");
                return None;
            }
        };
        if !self.builds.has_caught_up() {
            return None;
        }
        let (index, live) = (self.builds.clone(), self.live.clone());
        let read = move || {
            let (mut builds, mut others) = (Vec::new(), Vec::new());
            for name in names {
                let build = index.seen(&name.key(), &live).map(|view| view.build);
                match build.filter(|build| is_of(build, &name)) {
                    Some(build) => builds.push(build),
                    None => others.push(name),
                }
            }
            Ok((builds, others))
        };
        let (mut builds, others) = apart(read).await.ok()?;
        for name in others.into_iter().take(MOST_YOUNGER) {
            builds.extend(self.finished_with(&name).await);
        }
        Some(self.blocked.effect(builds, list).await)
    }

    /// The record of a build that has this binary now. `None` as well if it can't be read.
    async fn finished_with(&self, name: &ArtifactName) -> Option<BuildJson> {
        let record = self.store.builds.get(&name.key()).await.ok()??;
        let build = self.live.view(record).await.build;
        is_of(&build, name).then_some(build)
    }
}

/// Whether it is the present binary of this build: a rebuild may have made another one.
fn is_of(build: &BuildJson, name: &ArtifactName) -> bool {
    build.artifact.as_ref() == Some(name)
}

fn answer(list: Versioned<Blocklist>) -> BlocklistAnswer {
    BlocklistAnswer {
        modules: list.value,
        revision: list.revision.get(),
        effect: None,
    }
}
