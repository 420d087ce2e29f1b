//! The builder's end of the socket: answers the helpers of its builds.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
};
use tracing::{debug, warn};
use wombat_model::ImportPath;
use wombat_store::GoCache;

use super::{
    fleet::Fleet,
    levels::Levels,
    lists::{ListScope, Lists},
    local::LocalCache,
    session::{Connected, Session, Shared},
    socket::{FromHelper, ToHelper, line},
    upload::Uploader,
};

/// Where helpers of this process's builds are answered.
#[derive(Debug)]
pub(crate) struct CacheServer {
    shared: LocalCache,
    private: LocalCache,
    /// `None`: there is no fleet, or no socket can be made, and helpers work with the folders alone.
    socket: Option<Socket>,
    sessions: Arc<Sessions>,
    fleet: Option<(Fleet, Uploader)>,
}

#[derive(Debug)]
struct Socket {
    folder: TempDir,
    _accepting: JoinSet<()>,
}

/// Builds that are under way, by their token.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Arc<Shared>>>);

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Shared>>> {
        // A panic while it was held leaves a map of builds; one too many harms nobody.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remove(&self, token: &str) {
        self.all().remove(token);
    }
}

impl CacheServer {
    /// Serves from these folders, and from `fleet` if there is one.
    pub(crate) fn start(shared: LocalCache, private: LocalCache, fleet: Option<GoCache>) -> Self {
        let sessions = Arc::<Sessions>::default();
        let socket = match listen(&sessions) {
            Ok(socket) => Some(socket),
            Err(error) => {
                warn!(%error, "no socket for the compile cache; every builder compiles for itself");
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
        }
    }

    /// Whether the fleet has a list for each of these packages, from a build with no more packages than these.
    pub(crate) async fn has_lists(&self, scope: &ListScope, packages: &[ImportPath]) -> bool {
        let Some((fleet, _)) = &self.fleet else {
            return false;
        };
        let lists = Lists::fetch(&fleet.store, scope, packages.iter()).await;
        lists.is_ok_and(|lists| lists.improved_by(packages.iter()).is_empty())
    }

    /// A session for one build. `trusted`: all its packages come from catalog modules, so that others may use what
    /// it compiles.
    pub(crate) fn session(&self, trusted: bool) -> Session {
        let private = (!trusted).then(|| self.private.clone());
        let levels = Levels::new(self.shared.clone(), private);
        let token = uuid::Uuid::new_v4().simple().to_string();
        let shared = Arc::new(Shared::new(
            self.fleet.as_ref().map(|(fleet, _)| fleet.clone()),
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

/// The path of a socket is short, so it lies in the system's folder for such things and not in ours.
fn listen(sessions: &Arc<Sessions>) -> io::Result<Socket> {
    let folder = TempDir::with_prefix("wombat-")?;
    let listener = UnixListener::bind(folder.path().join("cache"))?;
    let sessions = Arc::clone(sessions);
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&sessions)))),
                    Err(error) => warn!(%error, "can't answer a compile cache's helper"),
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    });
    Ok(Socket {
        folder,
        _accepting: accepting,
    })
}

async fn serve(stream: UnixStream, sessions: Arc<Sessions>) {
    let (input, output) = stream.into_split();
    let mut input = BufReader::new(input);
    let Ok(Some(FromHelper::Hello { token })) = read(&mut input).await else {
        return;
    };
    let session = sessions.all().get(&token).cloned();
    // A build that is over has nothing to ask any more.
    let Some(session) = session else { return };
    let connected = session.connect();
    if let Err(error) = answer(&connected, input, output).await {
        debug!(%error, "a compile cache's helper went away");
    }
}

async fn answer(
    session: &Connected,
    mut input: BufReader<OwnedReadHalf>,
    mut output: OwnedWriteHalf,
) -> io::Result<()> {
    let (sender, mut answers) = mpsc::unbounded_channel::<ToHelper>();
    // What is asked for goes on being fetched when the helper is gone: the next build wants it, too.
    let mut writing = JoinSet::new();
    writing.spawn(async move {
        while let Some(answer) = answers.recv().await {
            if output.write_all(&line(&answer)).await.is_err() {
                return;
            }
        }
    });
    while let Some(message) = read(&mut input).await? {
        match message {
            FromHelper::Get { id, action } => {
                let (session, sender) = (session.shared(), sender.clone());
                tokio::spawn(async move {
                    let found = session.get(action).await;
                    // The helper may be gone.
                    let _ = sender.send(ToHelper::answer(id, found));
                });
            }
            FromHelper::Made { action } => session.made(action),
            FromHelper::End { asked } => session.ended(asked.0),
            FromHelper::Hello { .. } => {
                return Err(io::Error::other("it introduced itself twice"));
            }
        }
    }
    Ok(())
}

/// The next message; `None`: the other end closed.
async fn read(input: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<FromHelper>> {
    let mut text = Vec::new();
    if input.read_until(b'\n', &mut text).await? == 0 {
        return Ok(None);
    }
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(io::Error::other)
}
