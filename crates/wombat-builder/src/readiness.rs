//! Prepares a builder: Go, its folders, the workshop. A builder that can't build ends, or publishes the reason and
//! retries.

use std::{path::Path, time::Duration};

use anyhow::Context;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use wombat_go::Workshop;
use wombat_model::{BuilderId, Presence};

use crate::{
    args::{BuilderArgs, BuilderDeps, IfUnfit},
    presence,
};

/// How often a builder that can't build retries.
const RETRY: Duration = Duration::from_secs(10);
/// Lease of its presence meanwhile. `go` may hang for a while before it is killed.
const LISTED: Duration = Duration::from_mins(2);
/// Time limit for writing the presence.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// The workshop, once it can be prepared. `None` if `stop` came first.
pub(crate) async fn workshop(
    deps: &BuilderDeps,
    args: &BuilderArgs,
    builder: &BuilderId,
    host: &str,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Workshop>> {
    let folder = deps.state_dir.join("builder");
    let mut problem = None;
    let ready = loop {
        let prepared = tokio::select! {
            prepared = prepare(deps, args, &folder) => prepared,
            // `go` may hang.
            () = stop.cancelled() => break None,
        };
        let error = match (prepared, deps.if_unfit) {
            (Ok(workshop), _) => break Some(workshop),
            (Err(error), IfUnfit::End) => return Err(error),
            (Err(error), IfUnfit::Wait) => format!("{error:#}"),
        };
        if problem.as_ref() != Some(&error) {
            warn!(
                problem = error,
                "this builder can't build; everything else runs, and requests wait"
            );
        }
        say(deps, builder, host, error.clone()).await;
        problem = Some(error);
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = stop.cancelled() => break None,
        }
    };
    if problem.is_some() {
        if ready.is_some() {
            info!("the problem is solved; this builder can build now");
        }
        // The heartbeat publishes it again, if it builds.
        let left = timeout(WRITE_LIMIT, deps.store.builders.leave(builder)).await;
        debug!(?left, "removed this builder's presence");
    }
    Ok(ready)
}

async fn prepare(
    deps: &BuilderDeps,
    args: &BuilderArgs,
    folder: &Path,
) -> anyhow::Result<Workshop> {
    let settings = args.go.discover(&deps.state_dir, deps.helper.clone());
    Workshop::new(settings.await?, folder, args.licences.allowed())
        .await
        .with_context(|| format!("preparing the folder {}", folder.display()))
}

/// Publishes this builder's presence with its problem.
async fn say(deps: &BuilderDeps, builder: &BuilderId, host: &str, problem: String) {
    let presence = Presence {
        draining: true,
        problem: Some(problem),
        ..presence::idle(builder, host.to_owned(), 0, LISTED)
    };
    match timeout(WRITE_LIMIT, deps.store.builders.renew(&presence, LISTED)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "can't publish why this builder can't build"),
        Err(_) => debug!("NATS doesn't answer: can't publish why this builder can't build"),
    }
}
