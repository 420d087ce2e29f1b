//! One import, from its claim to its end; and help with an import that another builder leads.

use std::sync::Arc;

use anyhow::Context;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_go::catalog_import::{Importer, assemble};
use wombat_model::{
    Platform,
    catalog::{Import, ImportState, ReleaseDocument},
    plain_text::{Form, plain, shortened},
};
use wombat_store::Versioned;

use super::{
    alive::Alive,
    claim::Claim,
    effort::{effort, workshop},
    idle,
    limits::PAUSE,
    packages::{PackageWork, Part},
    planning::{self, plan},
    progress::Progress,
};
use crate::worker::Worker;

/// Longest error message in bytes.
const LONGEST_MESSAGE: usize = 2000;

/// Claims an import and does it, unless another builder is faster.
pub(super) async fn import(
    worker: Arc<Worker>,
    host: Platform,
    seen: Versioned<Import>,
    alive: Alive,
) {
    let name = format!("{}@{}", seen.value.module, seen.value.version);
    tokio::select! {
        () = idle::until_idle(&worker, Instant::now() + idle::PATIENCE) => {}
        () = worker.stop.cancelled() => return,
    }
    let Some(claim) = Claim::win(&worker, seen).await else {
        return;
    };
    info!(release = name, "importing into the catalog");
    let import = claim.import.clone();
    let stop = CancellationToken::new();
    let (progress, told) = watch::channel(Progress::default());
    let work = Box::pin(find(&worker, &import, host, &stop, (progress, alive)));
    let (found, claim) = tokio::join!(work, claim.keep_telling(&worker, told, &stop));
    let Some(claim) = claim else {
        warn!(release = name, "another builder does this import now");
        return;
    };
    let state = match found {
        Ok(Some(document)) => match store(&worker, &import, &document).await {
            Ok(Some(document)) => ImportState::Storing { document },
            Ok(None) => ImportState::New,
            Err(error) => failed(&worker, &error),
        },
        // Another builder takes over, and continues where this one was.
        Ok(None) => ImportState::New,
        Err(_) if worker.stop.is_cancelled() => ImportState::New,
        Err(error) => failed(&worker, &error),
    };
    info!(release = name, ?state, "import ended here");
    claim.settle(&worker, state).await;
}

fn failed(worker: &Worker, error: &anyhow::Error) -> ImportState {
    let message = format!("{error:#}");
    let names = &worker.workshop.settings().names;
    let message = names.hidden_in(&plain(&message, Form::Lines)).into_owned();
    ImportState::failed(shortened(&message, LONGEST_MESSAGE).into_owned())
}

/// Collects all facts about the release; `None` if it was stopped before. `progress` is dropped at the end in any case.
async fn find(
    worker: &Worker,
    import: &Import,
    host: Platform,
    stop: &CancellationToken,
    (progress, alive): (watch::Sender<Progress>, Alive),
) -> anyhow::Result<Option<ReleaseDocument>> {
    let plan = plan(worker, import, host, stop).await?;
    let work = PackageWork {
        worker,
        plan: &plan,
        part: Part::Lead,
        alive,
        stop,
        enough: &CancellationToken::new(),
    };
    let Some(outcomes) = work.run(&progress).await? else {
        return Ok(None);
    };
    let mut found = assemble(&plan, outcomes, worker.store.builds.server_time())?;
    let workshop = workshop(worker);
    let importer = Importer::new(&workshop, &plan, effort(worker, stop));
    importer.survey(&mut found.release).await?;
    Ok(Some(ReleaseDocument {
        release: found.release,
        documentation: found.documentation,
        stream: found.stream,
    }))
}

/// Builds packages of an import that another builder leads, until none is left or `enough` is cancelled.
pub(super) async fn help(
    worker: Arc<Worker>,
    host: Platform,
    import: Import,
    alive: Alive,
    enough: CancellationToken,
) {
    let name = format!("{}@{}", import.module, import.version);
    let plan = match planning::stored(&worker, &import, host).await {
        Ok(Some(plan)) => plan,
        Ok(None) => return,
        Err(error) => {
            warn!(release = name, %error, "can't read the plan of an import");
            return;
        }
    };
    let work = PackageWork {
        worker: &worker,
        plan: &plan,
        part: Part::Help,
        alive,
        stop: &worker.stop,
        enough: &enough,
    };
    let (progress, _) = watch::channel(Progress::default());
    if let Err(error) = Box::pin(work.run(&progress)).await {
        warn!(
            release = name,
            error = format!("{error:#}"),
            "can't help with an import"
        );
    }
}

/// Stores the document and returns its object's name. Waits for a store that is unavailable or full, since the result
/// stays valid; `None` if the builder stops first.
async fn store(
    worker: &Worker,
    import: &Import,
    document: &ReleaseDocument,
) -> anyhow::Result<Option<String>> {
    let bytes = serde_json::to_vec(document)?;
    loop {
        // An object is written only once, so each import and each attempt uses its own name.
        let own = uuid::Uuid::new_v4().simple();
        let name = format!("{}/{}/{own}", import.module, import.version);
        match worker.store.documents.put_bytes(&name, &bytes).await {
            Ok(_) => return Ok(Some(name)),
            Err(error) if error.may_pass() => {
                warn!(%error, "can't store the result of an import yet; trying again");
            }
            Err(error) => return Err(error).context("can't store the import's result"),
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = worker.stop.cancelled() => return Ok(None),
        }
    }
}
