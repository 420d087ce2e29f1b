//! A gateway on a free port, and builds that a builder might have made.

use std::{net::SocketAddr, path::PathBuf, sync::Once, time::Duration};

use reqwest::{Client, Method, RequestBuilder};
use sha2::{Digest, Sha256 as Hasher};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use wombat_api::{ApiArgs, ApiDeps, run};
use wombat_model::{
    Artifact, ArtifactName, BuildKey, BuildSpec, Failure, FailureClass, Sha256, Status, Timings,
    log::{LogEntry, LogEvent},
};
use wombat_store::{
    Claim, ClaimOutcome, Connection, Revision, Store, SubmitOptions, roles::NatsRole,
};
use wombat_testkit::{NatsServer, login_as, wait_until};

/// Long enough for anything that isn't measured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway; it ends with the test.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) directory: PathBuf,
    pub(crate) client: Client,
    pub(crate) stop: CancellationToken,
    pub(crate) task: Option<JoinHandle<anyhow::Result<()>>>,
    _directory: Option<TempDir>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What may differ from test to test.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) args: ApiArgs,
    pub(crate) open_control: bool,
    /// Instead of a folder of its own.
    pub(crate) directory: Option<PathBuf>,
}

impl Api {
    pub(crate) async fn start(server: &NatsServer) -> anyhow::Result<Self> {
        Self::with(&server.url(), Options::default()).await
    }

    pub(crate) async fn with(nats: &str, options: Options) -> anyhow::Result<Self> {
        let api = Box::pin(Self::unready(nats, options)).await?;
        api.until_up().await?;
        Ok(api)
    }

    /// Waits until nothing but a service is missing: there is none behind most gateways here.
    pub(crate) async fn until_up(&self) -> anyhow::Result<()> {
        wait_until("the gateway is up", PATIENCE, async || {
            let answer = self.get("/readyz").send().await?;
            if answer.status().is_success() {
                return Ok(Some(()));
            }
            let problem: serde_json::Value = answer.json().await?;
            let problems = problem["problems"].as_array().cloned().unwrap_or_default();
            let of_service = |problem: &serde_json::Value| {
                let message = problem["message"].as_str().unwrap_or_default();
                message.contains("no service is running")
            };
            Ok(problems.iter().all(of_service).then_some(()))
        })
        .await
    }

    async fn unready(nats: &str, options: Options) -> anyhow::Result<Self> {
        let connection = Connection::open(
            &login_as(nats, NatsRole::Api),
            "api",
            Duration::from_secs(5),
        )
        .await?;
        let store = Store::open(&connection).await?;
        let own = match options.directory {
            Some(_) => None,
            None => Some(TempDir::with_prefix("wombat-api-")?),
        };
        let directory = options
            .directory
            .or_else(|| own.as_ref().map(|own| own.path().to_owned()))
            .expect("one of both");
        let stop = CancellationToken::new();
        let (bound, address) = oneshot::channel();
        let deps = ApiDeps {
            connection,
            store,
            state_dir: directory.clone(),
            listener: Some(TcpListener::bind("127.0.0.1:0").await?),
            open_control: options.open_control,
            bound: Some(bound),
        };
        let task = tokio::spawn(Box::pin(run(deps, options.args, stop.clone())));
        Ok(Self {
            address: address.await?,
            directory,
            client: client(),
            stop,
            task: Some(task),
            _directory: own,
        })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }
}

pub(crate) fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let installed = rustls::crypto::ring::default_provider().install_default();
        assert!(installed.is_ok(), "installed once");
    });
    Client::builder().no_proxy().build().expect("a client")
}

/// A build that waits.
pub(crate) async fn waiting(store: &Store, spec: &BuildSpec) -> anyhow::Result<BuildKey> {
    store
        .builds
        .submit(spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    Ok(spec.key())
}

/// A build that a builder has claimed.
pub(crate) async fn building(
    store: &Store,
    spec: &BuildSpec,
    force: bool,
) -> anyhow::Result<Claim> {
    let record = store
        .builds
        .submit(
            spec,
            SubmitOptions {
                force,
                ..SubmitOptions::default()
            },
            &store.artifacts,
        )
        .await?
        .into_record();
    match store.builds.claim(record, &"fox-1".parse()?).await? {
        ClaimOutcome::Won(claim) => Ok(*claim),
        ClaimOutcome::Lost => anyhow::bail!("another claim came first"),
    }
}

/// Appends an entry to the log of a claim; returns its revision.
pub(crate) async fn say(
    store: &Store,
    claim: &Claim,
    n: u64,
    event: LogEvent,
) -> anyhow::Result<Revision> {
    let entry = LogEntry {
        n,
        at: n * 10,
        event,
    };
    Ok(store.logs.append(claim.key(), claim.id(), &entry).await?)
}

pub(crate) fn line(text: &str) -> LogEvent {
    LogEvent::Lines {
        lines: vec![text.to_owned()],
    }
}

/// Ends a claim with these bytes.
pub(crate) async fn succeed(store: &Store, claim: Claim, bytes: &[u8]) -> anyhow::Result<Artifact> {
    let name = ArtifactName::new(claim.key(), claim.id());
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), bytes)?;
    store.artifacts.put_file(&name, file.path()).await?;
    let artifact = Artifact {
        name,
        size: bytes.len() as u64,
        sha256: Sha256::from_bytes(Hasher::digest(bytes).into()),
        builder: claim.holder().builder.clone(),
        sandbox: None,
    };
    store
        .builds
        .succeed(claim, artifact.clone(), Timings::new())
        .await?;
    Ok(artifact)
}

pub(crate) async fn fail(store: &Store, claim: Claim) -> anyhow::Result<()> {
    let failure = Failure::new(FailureClass::Compile, "a.b/c doesn't compile");
    store.builds.fail(claim, failure).await?;
    Ok(())
}

/// A finished build with its log.
pub(crate) async fn finished(
    store: &Store,
    spec: &BuildSpec,
    bytes: &[u8],
) -> anyhow::Result<BuildKey> {
    let claim = building(store, spec, false).await?;
    say(store, &claim, 1, line("one")).await?;
    let end = LogEvent::End {
        status: Status::Success,
    };
    say(store, &claim, 2, end).await?;
    succeed(store, claim, bytes).await?;
    Ok(spec.key())
}

/// Where a binary is.
pub(crate) fn artifact_path(key: &BuildKey) -> String {
    let platform = key.platform();
    format!(
        "/artifacts/{}/{}/{}/{}",
        platform.goos(),
        platform.goarch(),
        key.go(),
        key.hash()
    )
}

/// Bytes that differ all over.
pub(crate) fn some_bytes(count: usize, seed: u8) -> Vec<u8> {
    (0..count)
        .map(|index| (index.wrapping_mul(31) >> 3).to_le_bytes()[0] ^ seed)
        .collect()
}

pub(crate) fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("text"))
}
