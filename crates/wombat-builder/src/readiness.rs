//! Prepares a builder: Go, its folders, the workshop. A builder that can't build ends, or publishes the reason and
//! retries. One that fetches Go first publishes how far it is.

use std::time::Duration;

use anyhow::Context;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use wombat_go::{FetchProgress, GoFetchError, GoOffer, SettingsError, Workshop, local_names};
use wombat_model::{
    BuilderId, Presence,
    plain_text::{Form, plain},
};

use crate::{
    args::{BuilderArgs, BuilderDeps, IfUnfit},
    fetch_report::FetchReport,
    presence,
};

/// How often a builder that can't build retries.
const RETRY: Duration = Duration::from_secs(10);
/// Longest time between two tries to fetch Go: each may download all of it.
const LONGEST_RETRY: Duration = Duration::from_mins(10);
/// Lease of its presence meanwhile. `go` may hang for a while before it is killed.
const LISTED: Duration = Duration::from_mins(2);
/// Time limit for writing the presence, and for reading the list of Go releases.
const NATS_LIMIT: Duration = Duration::from_secs(2);

/// The workshop, once it can be prepared. `None` if `stop` came first.
pub(crate) async fn workshop(
    deps: &BuilderDeps,
    args: &BuilderArgs,
    builder: &BuilderId,
    host: &str,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Workshop>> {
    let unready = Unready {
        deps,
        args,
        builder,
        host,
    };
    unready.workshop(stop).await
}

/// A builder that isn't ready yet.
struct Unready<'a> {
    deps: &'a BuilderDeps,
    args: &'a BuilderArgs,
    builder: &'a BuilderId,
    host: &'a str,
}

impl Unready<'_> {
    async fn workshop(&self, stop: &CancellationToken) -> anyhow::Result<Option<Workshop>> {
        let mut published = false;
        let ready = tokio::select! {
            ready = self.until_ready(&mut published) => ready.map(Some),
            // `go` may hang.
            () = stop.cancelled() => Ok(None),
        };
        if published {
            if let Ok(Some(_)) = ready {
                info!("the problem is solved; this builder can build now");
            }
            // The heartbeat publishes it again, if it builds.
            let left = timeout(NATS_LIMIT, self.deps.store.builders.leave(self.builder)).await;
            debug!(?left, "removed this builder's presence");
        }
        ready
    }

    async fn until_ready(&self, published: &mut bool) -> anyhow::Result<Workshop> {
        let mut problem = None;
        let mut pause = RETRY;
        loop {
            let error = match (self.prepare(published).await, self.deps.if_unfit) {
                (Ok(workshop), _) => return Ok(workshop),
                (Err(error), IfUnfit::End) => return Err(error),
                (Err(error), IfUnfit::Wait) => error,
            };
            let words = format!("{error:#}");
            if problem.as_ref() != Some(&words) {
                warn!(
                    problem = words,
                    "this builder can't build; everything else runs, and requests wait"
                );
            }
            problem = Some(words.clone());
            *published = true;
            let next = if may_have_downloaded(&error) {
                (pause * 2).min(LONGEST_RETRY)
            } else {
                RETRY
            };
            self.wait(std::mem::replace(&mut pause, next), &words).await;
        }
    }

    /// Waits before the next try, but not if `go` is installed meanwhile.
    async fn wait(&self, pause: Duration, problem: &str) {
        let mut left = pause;
        loop {
            self.say(problem.to_owned()).await;
            sleep(left.min(RETRY)).await;
            left = left.saturating_sub(RETRY);
            if left.is_zero() || self.args.go.installed(&self.deps.helper).await.is_ok() {
                return;
            }
        }
    }

    async fn prepare(&self, published: &mut bool) -> anyhow::Result<Workshop> {
        let (deps, go) = (self.deps, &self.args.go);
        let offer = self.offer().await;
        let (progress, told) = watch::channel(None);
        let settings = tokio::select! {
            settings = go.discover_or_fetch(&deps.state_dir, deps.helper.clone(), &offer, &progress) => settings?,
            never = self.tell(told, published) => match never {},
        };
        let folder = deps.state_dir.join("builder");
        Workshop::new(settings, &folder, self.args.licences.allowed())
            .await
            .with_context(|| format!("preparing the folder {}", folder.display()))
    }

    /// The Go releases that came with the program, and those that the fleet learnt of.
    async fn offer(&self) -> GoOffer {
        let mut offer = self.deps.go_offer.clone();
        match timeout(NATS_LIMIT, self.deps.store.catalog.go_releases()).await {
            Ok(Ok(Some(learnt))) => offer.releases.add_all(&learnt),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => debug!(%error, "can't read the list of Go releases"),
            Err(_) => debug!("NATS doesn't answer: can't read the list of Go releases"),
        }
        offer
    }

    /// Publishes and logs how far a fetch of Go is.
    async fn tell(
        &self,
        mut told: watch::Receiver<Option<FetchProgress>>,
        published: &mut bool,
    ) -> std::convert::Infallible {
        let mut report = FetchReport::default();
        loop {
            let progress = report.next(&mut told).await;
            *published = true;
            self.say(progress.to_string()).await;
        }
    }

    /// Publishes this builder's presence with its problem. The log names folders of this machine; the presence,
    /// which every client may read, doesn't.
    async fn say(&self, problem: String) {
        let names = local_names(&self.deps.state_dir).await;
        let problem = plain(&problem, Form::Lines);
        let problem = names.hidden_in(&problem).into_owned();
        let presence = Presence {
            draining: true,
            problem: Some(problem),
            ..presence::idle(self.builder, self.host.to_owned(), 0, LISTED)
        };
        let builders = &self.deps.store.builders;
        match timeout(NATS_LIMIT, builders.renew(&presence, LISTED)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "can't publish why this builder can't build"),
            Err(_) => debug!("NATS doesn't answer: can't publish why this builder can't build"),
        }
    }
}

/// Whether a failed try may have downloaded Go, so that the next one should be later.
fn may_have_downloaded(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<SettingsError>() {
        Some(SettingsError::NotFetched(error)) => match error {
            GoFetchError::Refused { .. }
            | GoFetchError::Unavailable { .. }
            | GoFetchError::WrongSum { .. }
            | GoFetchError::BadArchive { .. }
            | GoFetchError::Full { .. }
            | GoFetchError::Local { .. } => true,
            GoFetchError::NoProxy
            | GoFetchError::InvalidProxy(_)
            | GoFetchError::Offline
            | GoFetchError::NoRelease(_) => false,
        },
        Some(
            SettingsError::NoGo
            | SettingsError::TooOld { .. }
            | SettingsError::Broken { .. }
            | SettingsError::NoProxy(_)
            | SettingsError::NoSandbox(_)
            | SettingsError::Folder { .. },
        )
        | None => false,
    }
}
