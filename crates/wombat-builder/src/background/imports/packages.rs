//! Builds the packages of an import, together with the other builders that work on it.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_go::{Workshop, catalog_import::Importer};
use wombat_model::{
    ImportPath,
    catalog::{ImportPart, ImportPlan, PackageOutcome, PartState},
};
use wombat_store::{Revision, StoreError, Versioned, Written};

use super::{
    alive::Alive,
    board::{Next, PartBoard},
    effort::{effort, workshop},
    idle::{self, gives_way, until_build, until_idle},
    limits::PAUSE,
    progress::Progress,
};
use crate::{force_stop, until::until, worker::Worker};

/// Whether a builder leads an import or helps another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It begins with the first package.
    Lead,
    /// It begins with the last package, so that it rarely claims the same one.
    Help,
}

/// The work of one builder on the packages of an import.
pub(super) struct PackageWork<'a> {
    pub(super) worker: &'a Worker,
    pub(super) plan: &'a ImportPlan,
    pub(super) part: Part,
    pub(super) alive: Alive,
    /// Cancelled when the package in work must be given up.
    pub(super) stop: &'a CancellationToken,
    /// Cancelled when no further package must be begun.
    pub(super) enough: &'a CancellationToken,
}

/// How a try to build a package ended.
enum Tried {
    Done(Versioned<ImportPart>),
    /// Another builder has it.
    NotOurs,
    /// A build came in between.
    Interrupted,
}

impl PackageWork<'_> {
    /// Works until all packages are done, and returns their results. `None`: it was stopped before.
    pub(super) async fn run(
        mut self,
        progress: &watch::Sender<Progress>,
    ) -> anyhow::Result<Option<BTreeMap<ImportPath, PackageOutcome>>> {
        let (worker, plan) = (self.worker, self.plan);
        let packages = plan.in_order()?.into_iter();
        let mut packages: Vec<ImportPath> = packages.map(|(path, _)| path).collect();
        if self.part == Part::Help {
            packages.reverse();
        }
        let mut board = PartBoard::new(plan, &worker.builder, packages);
        let catalog = &worker.store.catalog;
        let mut parts = catalog.watch_import_parts(&plan.module, &plan.version);
        let workshop = workshop(worker);
        let mut interruptions: BTreeMap<ImportPath, u32> = BTreeMap::new();
        let mut patience = Instant::now() + idle::PATIENCE;
        loop {
            let alive = Arc::clone(&self.alive.borrow_and_update());
            let next = board.next(&alive, Instant::now());
            let now = board.progress(&alive);
            progress.send_if_modified(|known| {
                let changed = (known.done, known.of) != (now.done, now.of);
                if changed {
                    *known = now;
                }
                changed
            });
            let (package, look) = match next {
                Next::Done => return Ok(Some(board.outcomes())),
                Next::Try(package) => (Some(package), None),
                Next::Wait(look) => (None, look),
            };
            let package = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(None),
                () = self.enough.cancelled() => return Ok(None),
                event = parts.next() => {
                    board.note(event);
                    continue;
                }
                changed = self.alive.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return Ok(None),
                },
                () = until(look) => continue,
                () = until_idle(worker, patience), if package.is_some() => package,
            };
            let Some(package) = package else { continue };
            patience = Instant::now() + idle::PATIENCE;
            let count = interruptions.entry(package.clone()).or_default();
            let gives_way = gives_way(*count, *worker.busy.borrow());
            match self
                .try_one(&workshop, &package, &mut board, gives_way)
                .await?
            {
                Tried::Done(part) => board.note_part(part),
                Tried::Interrupted => *count += 1,
                // The watch tells more; it may not have yet.
                Tried::NotOurs => {
                    if let Ok(event) = timeout(PAUSE, parts.next()).await {
                        board.note(event);
                    }
                }
            }
        }
    }

    /// Claims a package, builds it, and stores the result.
    async fn try_one(
        &self,
        workshop: &Workshop,
        path: &ImportPath,
        board: &mut PartBoard<'_>,
        gives_way: bool,
    ) -> anyhow::Result<Tried> {
        let claim = match self.claim(path, board).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return Ok(Tried::NotOurs),
            Err(error) => {
                warn!(%error, "can't claim a package of an import");
                return Ok(Tried::NotOurs);
            }
        };
        info!(package = %path, "importing");
        let begun = Instant::now();
        let built = self.build(workshop, path, gives_way).await;
        let result = match &built {
            Ok(Some(outcome)) => {
                let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                let outcome = outcome.clone();
                let state = PartState::Done { took_ms, outcome };
                Some(ImportPart::of(self.plan, path.clone(), state))
            }
            Ok(None) | Err(_) => None,
        };
        let written = self.conclude(path, claim, result.as_ref()).await;
        match (built?, written) {
            (None, _) => Ok(Tried::Interrupted),
            (Some(_), Some(part)) => Ok(Tried::Done(part)),
            (Some(_), None) => Ok(Tried::NotOurs),
        }
    }

    /// Claims a package. `None`: what is stored of it stands, or another builder was faster.
    async fn claim(
        &self,
        path: &ImportPath,
        board: &mut PartBoard<'_>,
    ) -> Result<Option<Revision>, StoreError> {
        let (worker, plan) = (self.worker, self.plan);
        let catalog = &worker.store.catalog;
        let module = (&plan.module, &plan.version);
        let (stored, seen) = catalog.import_part(module, path).await?;
        let alive = Arc::clone(&self.alive.borrow());
        if stored.is_some_and(|part| board.stands(&part, &alive)) {
            return Ok(None);
        }
        let builder = worker.builder.clone();
        let claim = ImportPart::of(plan, path.clone(), PartState::Claimed { builder });
        Ok(match catalog.write_import_part(claim, seen).await? {
            Written::Won(Versioned { revision, .. }) => Some(revision),
            Written::Lost => None,
        })
    }

    /// `None`: it was stopped, or a build came in between.
    async fn build(
        &self,
        workshop: &Workshop,
        path: &ImportPath,
        gives_way: bool,
    ) -> anyhow::Result<Option<PackageOutcome>> {
        let worker = self.worker;
        let stop = CancellationToken::new();
        let importer = Importer::new(workshop, self.plan, effort(worker, &stop));
        let mut work = Box::pin(importer.package_or_reason(path));
        let ended = tokio::select! {
            ended = &mut work => ended,
            () = until_build(worker), if gives_way => {
                stop.cancel();
                work.await
            }
            () = self.stop.cancelled() => {
                stop.cancel();
                work.await
            }
        };
        match ended {
            Ok(outcome) => Ok(Some(outcome)),
            Err(_) if stop.is_cancelled() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the result of a claim, or gives it back, with as many attempts as it takes: a claim must not outlive its
    /// work. `None`: it was given back or lost, or this builder is forced to stop, and its claims end with it.
    async fn conclude(
        &self,
        path: &ImportPath,
        claim: Revision,
        result: Option<&ImportPart>,
    ) -> Option<Versioned<ImportPart>> {
        let written = async {
            loop {
                match self.try_to_conclude(path, claim, result).await {
                    Ok(written) => return written,
                    Err(error) => {
                        warn!(%error, "can't write the result of a package yet; trying again");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            written = written => written,
            () = force_stop::time_is_up(&self.worker.force_stop) => None,
        }
    }

    async fn try_to_conclude(
        &self,
        path: &ImportPath,
        claim: Revision,
        result: Option<&ImportPart>,
    ) -> Result<Option<Versioned<ImportPart>>, StoreError> {
        let catalog = &self.worker.store.catalog;
        let Some(result) = result else {
            let module = (&self.plan.module, &self.plan.version);
            catalog.release_import_part(module, path, claim).await?;
            return Ok(None);
        };
        let written = catalog.write_import_part(result.clone(), Some(claim));
        Ok(match written.await? {
            Written::Won(written) => Some(written),
            Written::Lost => None,
        })
    }
}
