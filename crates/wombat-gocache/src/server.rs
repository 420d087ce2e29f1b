//! The builder's end of the socket: answers the helpers of its builds.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::{net::UnixListener, task::JoinSet, time::sleep};
use tracing::warn;
use wombat_model::ImportPath;
use wombat_store::GoCache;

use super::{
    connections::{Sessions, SharedSession},
    fetches::Fetches,
    fleet::Fleet,
    levels::Levels,
    lists::{ListScope, Lists},
    local::LocalCache,
    serve::serve,
    session::Session,
    upload::Uploader,
};

/// Pause after a connection couldn't be accepted. It doubles with each failure up to the longest: a process without
/// free file descriptors fails again at once, for as long as none of them is closed.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Answers the cache helpers of this process's builds.
#[derive(Debug)]
pub struct CacheServer {
    shared: LocalCache,
    private: LocalCache,
    /// `None` if no socket can be created; helpers then work with the folders alone.
    socket: Option<Socket>,
    sessions: Arc<Sessions>,
    fleet: Option<(Fleet, Uploader)>,
    fetches: Fetches,
}

impl Drop for CacheServer {
    fn drop(&mut self) {
        self.fetches.stop();
    }
}

#[derive(Debug)]
struct Socket {
    folder: TempDir,
    _accepting: JoinSet<()>,
}

impl CacheServer {
    /// Serves from these folders, and from `fleet` if there is one.
    pub fn start(shared: LocalCache, private: LocalCache, fleet: Option<GoCache>) -> Self {
        let sessions = Arc::<Sessions>::default();
        let socket = match listen(&sessions) {
            Ok(socket) => Some(socket),
            Err(error) => {
                warn!(%error, "no compile cache socket; builds use only this builder's cache");
                None
            }
        };
        let fleet = fleet.map(|store| {
            let fleet = Fleet::new(store, shared.clone());
            let uploader = Uploader::start(fleet.clone());
            (fleet, uploader)
        });
        Self {
            shared,
            private,
            socket,
            sessions,
            fleet,
            fetches: Fetches::default(),
        }
    }

    /// Whether the fleet has a list for each of these packages, from a build with no more packages than these.
    pub async fn has_lists(&self, scope: &ListScope, packages: &[ImportPath]) -> bool {
        let Some((fleet, _)) = &self.fleet else {
            return false;
        };
        let lists = Lists::fetch(&fleet.store, scope, packages.iter()).await;
        lists.is_ok_and(|lists| lists.improved_by(packages.iter()).is_empty())
    }

    /// Ends the fetches of finished builds, and waits until none runs any more.
    pub async fn end_fetches(&self) {
        self.fetches.end().await;
    }

    /// A session for one build. `trusted`: all its packages come from catalog modules, so other builds may use its
    /// results.
    pub fn session(&self, trusted: bool) -> Session {
        let private = (!trusted).then(|| self.private.clone());
        let levels = Levels::new(self.shared.clone(), private);
        let token = uuid::Uuid::new_v4().simple().to_string();
        let shared = Arc::new(SharedSession::new(
            self.fleet.as_ref().map(|(fleet, _)| fleet.clone()),
            self.fetches.clone(),
        ));
        self.sessions
            .all()
            .insert(token.clone(), Arc::clone(&shared));
        Session::new(
            levels,
            token,
            self.socket.as_ref().map(Socket::path),
            shared,
            self.fleet
                .as_ref()
                .filter(|_| trusted)
                .map(|(_, uploader)| uploader.clone()),
            Arc::clone(&self.sessions),
        )
    }
}

impl Socket {
    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }
}

/// The path of a socket must be short, so it is in the system's temporary folder, not in the builder's.
fn listen(sessions: &Arc<Sessions>) -> io::Result<Socket> {
    let folder = TempDir::with_prefix("wombat-")?;
    let listener = UnixListener::bind(folder.path().join("cache"))?;
    let sessions = Arc::clone(sessions);
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                (stream, _) = accept(|| listener.accept()) => {
                    connections.spawn(serve(stream, Arc::clone(&sessions)));
                }
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    });
    Ok(Socket {
        folder,
        _accepting: accepting,
    })
}

/// The next connection of a listener. Retries after failures, with pauses.
async fn accept<Accepted, Next>(mut next: impl FnMut() -> Next) -> Accepted
where
    Next: Future<Output = io::Result<Accepted>>,
{
    let mut pause = PAUSE;
    loop {
        match next().await {
            Ok(accepted) => return accepted,
            Err(error) => warn!(%error, ?pause, "can't accept a compile cache helper"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use rustix::io::Errno;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn accepting_pauses_after_failures_longer_each_time_up_to_a_second() {
        let begun = Instant::now();
        let mut failed_after = Vec::new();
        accept(|| {
            let fails = failed_after.len() < 10;
            if fails {
                failed_after.push(begun.elapsed());
            }
            ready(if fails {
                Err(io::Error::from(Errno::MFILE))
            } else {
                Ok(())
            })
        })
        .await;
        let pauses = failed_after
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]));
        let expected = [10, 20, 40, 80, 160, 320, 640, 1000, 1000];
        // Timers have a precision of a millisecond.
        let fits = |(pause, expected): (Duration, u64)| {
            let expected = Duration::from_millis(expected);
            pause >= expected && pause <= expected + Duration::from_millis(1)
        };
        assert!(pauses.zip(expected).all(fits), "{failed_after:?}");
    }
}
