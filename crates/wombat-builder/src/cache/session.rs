//! One build's use of the cache: what its helpers ask and make, and what of that is brought to the others.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use tokio::sync::{oneshot, watch};
use tracing::debug;
use wombat_model::ImportPath;

use super::{
    fleet::Fleet,
    id::ActionId,
    levels::Levels,
    lists::{ListScope, Lists},
    local::Found,
    server::Sessions,
    upload::{Job, Uploader},
};

/// How long helpers may take to say goodbye once their `go` has ended.
const GOODBYE: Duration = Duration::from_secs(2);

/// How a build's helpers did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of them saw their `go` to its end.
    Complete,
    /// One went away in the middle.
    Broken,
}

/// What a session shares with those that answer its helpers.
#[derive(Debug)]
pub(super) struct Shared {
    fleet: Option<Fleet>,
    connections: watch::Sender<usize>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    broken: bool,
    asked: Vec<ActionId>,
    known: HashSet<ActionId>,
    made: usize,
    lists: Option<Lists>,
}

impl Shared {
    pub(super) fn new(fleet: Option<Fleet>) -> Self {
        Self {
            fleet,
            connections: watch::Sender::new(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn connect(self: &Arc<Self>) -> Connected {
        self.connections.send_modify(|count| *count += 1);
        Connected(Arc::clone(self))
    }

    pub(super) async fn get(&self, action: ActionId) -> Option<Found> {
        self.fleet.as_ref()?.get(action).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held leaves counts that are right as far as they go.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A helper's connection, for as long as this lives.
#[derive(Debug)]
pub(super) struct Connected(Arc<Shared>);

impl Connected {
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0)
    }

    /// It made a result.
    pub(super) fn made(&self, _action: ActionId) {
        self.0.state().made += 1;
    }

    /// It says goodbye, and what it was asked for.
    pub(super) fn ended(&self, asked: Vec<ActionId>) {
        let mut state = self.0.state();
        for action in asked {
            if state.known.insert(action) {
                state.asked.push(action);
            }
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.send_modify(|count| *count -= 1);
    }
}

/// One build's use of the cache.
#[derive(Debug)]
pub(crate) struct Session {
    levels: Levels,
    token: String,
    socket: Option<PathBuf>,
    shared: Arc<Shared>,
    uploader: Option<Uploader>,
    sessions: Arc<Sessions>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sessions.remove(&self.token);
    }
}

impl Session {
    pub(super) fn new(
        levels: Levels,
        token: String,
        socket: Option<PathBuf>,
        shared: Arc<Shared>,
        uploader: Option<Uploader>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self {
            levels,
            token,
            socket,
            shared,
            uploader,
            sessions,
        }
    }

    /// The folder that Go uses by itself, without a helper.
    pub(crate) fn folder(&self) -> &Path {
        self.levels.own().folder()
    }

    /// The folder that all builds read.
    pub(crate) fn shared_folder(&self) -> &Path {
        self.levels.shared().folder()
    }

    /// The value of `GOCACHEPROG`. `None`: a path can't be written there, and Go has to do without.
    pub(crate) fn command(&self, wombat: &Path) -> Option<String> {
        let mut words = vec![
            quoted(wombat)?,
            "cache-helper".to_owned(),
            "--folder".to_owned(),
            quoted(self.levels.shared().folder())?,
        ];
        let from = self.levels.shared().believed_from();
        if let Ok(from) = from.duration_since(UNIX_EPOCH) {
            words.extend(["--believed-from".to_owned(), from.as_millis().to_string()]);
        }
        if let Some(private) = self.levels.private() {
            words.extend(["--private".to_owned(), quoted(private.folder())?]);
        }
        if let Some(socket) = &self.socket {
            words.extend(["--socket".to_owned(), quoted(socket)?]);
            words.extend(["--token".to_owned(), self.token.clone()]);
        }
        Some(words.join(" "))
    }

    /// Begins to fetch what builds of these packages asked for before; goes on beside the build.
    pub(crate) fn fetch_ahead(&self, scope: &ListScope, packages: Vec<ImportPath>) {
        let Some(fleet) = self.shared.fleet.clone().filter(|fleet| !fleet.is_away()) else {
            return;
        };
        let (scope, shared) = (scope.clone(), Arc::clone(&self.shared));
        tokio::spawn(async move {
            match Lists::fetch(&fleet.store, &scope, packages.iter()).await {
                Ok(lists) => {
                    let wanted = lists.wanted.clone();
                    shared.state().lists = Some(lists);
                    fleet.fetch_ahead(wanted).await;
                }
                Err(error) => fleet.rest(&error),
            }
        });
    }

    /// `go` says that its helper went away. Helpers can't tell themselves: the sandbox ends those that are left when
    /// `go` ends, and not every `go` waits for its own.
    pub(crate) fn helper_went_away(&self) {
        self.shared.state().broken = true;
    }

    /// How the helpers did, once `go` has ended.
    pub(crate) async fn outcome(&self) -> Outcome {
        let mut connections = self.shared.connections.subscribe();
        let settled = connections.wait_for(|count| *count == 0);
        if tokio::time::timeout(GOODBYE, settled).await.is_err() {
            debug!("a compile cache's helper outlives its go");
        }
        if self.shared.state().broken {
            Outcome::Broken
        } else {
            Outcome::Complete
        }
    }

    /// Brings what was compiled to the others, after the build. The receiver is told when that is done, for those who
    /// want to wait.
    pub(crate) fn hand_on(
        &self,
        scope: &ListScope,
        packages: &[ImportPath],
    ) -> oneshot::Receiver<()> {
        let (done, told) = oneshot::channel();
        let Some(uploader) = &self.uploader else {
            return told;
        };
        let (asked, listed, made) = {
            let mut state = self.shared.state();
            let lists = state.lists.take().unwrap_or_default();
            let listed = lists.improved_by(packages.iter());
            (std::mem::take(&mut state.asked), listed, state.made)
        };
        debug!(
            asked = asked.len(),
            made, "the build's use of the compile cache"
        );
        uploader.add(Job {
            asked,
            scope: scope.clone(),
            count: packages.len(),
            listed,
            done,
        });
        told
    }
}

/// As Go splits words: in quotes of a kind that the text doesn't have.
fn quoted(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    ['\'', '"']
        .into_iter()
        .find(|quote| !text.contains(*quote))
        .map(|quote| format!("{quote}{text}{quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_as_go_reads_them() {
        let quoted = |text| quoted(Path::new(text));
        assert_eq!(quoted("/a b/c"), Some("'/a b/c'".to_owned()));
        assert_eq!(quoted("/it's"), Some("\"/it's\"".to_owned()));
        assert_eq!(quoted("/it's \"x\""), None);
    }
}
