//! One build's use of the cache: what its helpers requested and stored, and which of that is uploaded.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use tokio::sync::oneshot;
use tracing::debug;
use wombat_model::ImportPath;

use super::{
    connections::{Sessions, SharedSession},
    levels::Levels,
    lists::{ListScope, Lists},
    upload::{Upload, Uploader},
};

/// Time limit for helpers to close once their `go` has ended.
const GOODBYE: Duration = Duration::from_secs(2);

/// How a build's helpers ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of them served their `go` to its end.
    Complete,
    /// At least one was lost in between.
    Broken,
}

/// One build's use of the cache.
#[derive(Debug)]
pub struct Session {
    levels: Levels,
    token: String,
    socket: Option<PathBuf>,
    shared: Arc<SharedSession>,
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
        shared: Arc<SharedSession>,
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

    /// The folder that Go uses without a helper.
    pub fn folder(&self) -> &Path {
        self.levels.own().folder()
    }

    /// The folder that all builds read.
    pub fn shared_folder(&self) -> &Path {
        self.levels.shared().folder()
    }

    /// The value of `GOCACHEPROG`. `None` if a path can't be quoted there, so that Go must do without.
    pub fn command(&self, wombat: &Path) -> Option<String> {
        let mut words = vec![
            quoted(wombat)?,
            "cache-helper".to_owned(),
            "--folder".to_owned(),
            quoted(self.levels.shared().folder())?,
        ];
        let from = self.levels.shared().believed_from();
        if let Ok(from) = from.duration_since(UNIX_EPOCH) {
            words.extend(["--believed-from".to_owned(), from.as_nanos().to_string()]);
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

    /// Starts to fetch the results that earlier builds of these packages requested, in the background.
    pub fn fetch_ahead(&self, scope: &ListScope, packages: Vec<ImportPath>) {
        let Some(fleet) = self.shared.fleet.clone().filter(|fleet| !fleet.is_away()) else {
            return;
        };
        let (scope, shared) = (scope.clone(), Arc::clone(&self.shared));
        self.shared.fetches.spawn(async move {
            match Lists::fetch(&fleet.store, &scope, packages.iter()).await {
                Ok(lists) => {
                    let wanted = lists.wanted.clone();
                    shared.state.lock().lists = Some(lists);
                    fleet.fetch_ahead(wanted).await;
                }
                Err(error) => fleet.rest(&error),
            }
        });
    }

    /// To be called when `go` reports that it lost its helper. Helpers can't report it: the sandbox kills those that
    /// are left when `go` ends, and not every version of `go` waits for its helper.
    pub fn helper_went_away(&self) {
        self.shared.state.lock().broken = true;
    }

    /// How the helpers ended; to be called once `go` has ended.
    pub async fn outcome(&self) -> Outcome {
        let mut connections = self.shared.connections.subscribe();
        let settled = connections.wait_for(|count| *count == 0);
        if tokio::time::timeout(GOODBYE, settled).await.is_err() {
            debug!("a compile cache helper still runs after its go ended");
        }
        if self.shared.state.lock().broken {
            Outcome::Broken
        } else {
            Outcome::Complete
        }
    }

    /// Uploads the new results, after the build. The receiver resolves when that is done.
    pub fn upload(&self, scope: &ListScope, packages: &[ImportPath]) -> oneshot::Receiver<()> {
        let (done, receiver) = oneshot::channel();
        let Some(uploader) = &self.uploader else {
            return receiver;
        };
        let (asked, listed, made) = {
            let mut state = self.shared.state.lock();
            let lists = state.lists.take().unwrap_or_default();
            let listed = lists.improved_by(packages.iter());
            (std::mem::take(&mut state.asked), listed, state.made)
        };
        debug!(
            asked = asked.len(),
            made, "the build's use of the compile cache"
        );
        uploader.add(Upload {
            asked,
            scope: scope.clone(),
            count: packages.len(),
            listed,
            done,
        });
        receiver
    }
}

/// Quotes a path as Go splits words: in the kind of quotes that the path doesn't contain.
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
    use crate::{local::LocalCache, server::CacheServer};

    #[test]
    fn paths_are_quoted_as_go_reads_them() {
        let quoted = |text| quoted(Path::new(text));
        assert_eq!(quoted("/a b/c"), Some("'/a b/c'".to_owned()));
        assert_eq!(quoted("/it's"), Some("\"/it's\"".to_owned()));
        assert_eq!(quoted("/it's \"x\""), None);
    }

    #[tokio::test]
    async fn a_helper_verifies_the_same_files_as_its_builder() {
        let folder = tempfile::tempdir().unwrap();
        let [shared, private] = ["a", "b"].map(|name| LocalCache::new(folder.path().join(name)));
        let from = shared.believed_from().duration_since(UNIX_EPOCH).unwrap();
        let server = CacheServer::start(shared, private, None);
        let command = server.session(true).command(Path::new("/wombat")).unwrap();
        // A file that was damaged just before may have changed in the same millisecond.
        let words = format!("--believed-from {}", from.as_nanos());
        assert!(command.contains(&words), "{command}");
    }
}
