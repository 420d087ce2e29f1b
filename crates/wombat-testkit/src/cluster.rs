//! A real cluster of three nats-servers on loopback, each with its own data.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_store::roles::NatsRole;

use crate::{
    Wire,
    accounts::{guards, guards_of_all, keys_at, keys_of},
    nats_process::{NatsProcess, free_port},
};

const NODES: usize = 3;
/// How long the nodes may take to find each other.
const FORM_LIMIT: Duration = Duration::from_mins(1);
/// Pause between attempts, such as during an election.
const PAUSE: Duration = Duration::from_millis(100);

/// Three servers. Dropping it kills and reaps them.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Mutex<NatsProcess>>,
    shared: bool,
    turn: AtomicUsize,
    directory: TempDir,
}

impl Cluster {
    /// A cluster of a test's own, with the users of a single server.
    pub fn start() -> anyhow::Result<Arc<Self>> {
        Self::form(&guards(), false, [None; NODES]).map(Arc::new)
    }

    /// The same, with nodes whose clocks are wrong by this many seconds; `None`: a node's clock is right.
    pub fn with_clocks(offsets: [Option<i64>; NODES]) -> anyhow::Result<Arc<Self>> {
        Self::form(&guards(), false, offsets).map(Arc::new)
    }

    /// The cluster that all tests of this process share. It ends with the process.
    pub(crate) fn shared() -> anyhow::Result<Arc<Self>> {
        static SHARED: OnceLock<Result<Arc<Cluster>, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let formed = Self::form(&guards_of_all(), true, [None; NODES]);
            let guarded = formed.and_then(|cluster| {
                cluster.ends_with_this_process()?;
                Ok(Arc::new(cluster))
            });
            guarded.map_err(|error| format!("{error:#}"))
        });
        shared.clone().map_err(anyhow::Error::msg)
    }

    fn form(users: &str, shared: bool, clocks: [Option<i64>; NODES]) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("wombat-cluster-")?;
        let ports = (0..2 * NODES).map(|_| free_port());
        let ports: Vec<u16> = ports.collect::<anyhow::Result<_>>()?;
        let (clients, routes) = ports.split_at(NODES);
        let all = routes
            .iter()
            .map(|port| format!("\"nats://127.0.0.1:{port}\""));
        let all = all.collect::<Vec<_>>().join(", ");
        let mut nodes = Vec::new();
        for (n, (client, route)) in clients.iter().zip(routes).enumerate() {
            let folder = directory.path().join(name_of(n));
            std::fs::create_dir(&folder)?;
            let text = format!(
                "listen: \"127.0.0.1:{client}\"\nserver_name: {}\n\
                 jetstream {{ store_dir: \"{}\", max_file: 100T, max_mem: 1G }}\n\
                 cluster {{ name: test, listen: \"127.0.0.1:{route}\", no_advertise: true, routes: [{all}] }}\n{users}",
                name_of(n),
                folder.join("jetstream").display(),
            );
            let config = folder.join("nats.conf");
            std::fs::write(&config, text)?;
            let log = folder.join("nats.log");
            let node = NatsProcess::start(&config, *client, log, Vec::new(), clocks[n])?;
            nodes.push(Mutex::new(node));
        }
        let cluster = Self {
            nodes,
            shared,
            turn: AtomicUsize::new(0),
            directory,
        };
        cluster.until_formed()?;
        Ok(cluster)
    }

    /// Waits until the nodes know each other: only then a stream with three copies can be created.
    fn until_formed(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        let stream = json!({
            "name": "FORMED", "subjects": ["formed"], "num_replicas": NODES, "storage": "memory",
        });
        loop {
            let made = self.ask("$JS.API.STREAM.CREATE.FORMED", &stream);
            match made {
                Ok(answer) if answer["error"].is_null() => break,
                made if start.elapsed() > FORM_LIMIT => {
                    anyhow::bail!("the three nats-servers didn't form a cluster: {made:?}")
                }
                Ok(_) | Err(_) => std::thread::sleep(PAUSE),
            }
        }
        self.ask("$JS.API.STREAM.DELETE.FORMED", &Value::Null)?;
        Ok(())
    }

    /// Sends a request to the JetStream API, in an account that no test uses, at the first node that responds.
    fn ask(&self, subject: &str, question: &Value) -> anyhow::Result<Value> {
        let seed = if self.shared {
            keys_of(0).seed(NatsRole::Admin)
        } else {
            keys_at("").seed(NatsRole::Admin)
        };
        let seed = seed.context("every role has a key")?;
        let mut problem = anyhow::anyhow!("all nodes are killed");
        for n in 0..NODES {
            if self.nodes[n].lock().id().is_none() {
                continue;
            }
            let answer = Wire::login(&self.url_of(n), &seed)
                .and_then(|mut wire| wire.ask(subject, &question.to_string()));
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn ends_with_this_process(&self) -> anyhow::Result<()> {
        static GUARD: OnceLock<std::process::Child> = OnceLock::new();
        let ids = (0..NODES).filter_map(|n| self.nodes[n].lock().id());
        // The pipe closes with this process, however that ends. Killed servers don't remove their folder.
        let mut guard = Command::new("sh");
        guard
            .args(["-c", r#"cat; kill -9 "$@"; rm -rf "$0""#])
            .arg(self.directory.path())
            .args(ids.map(|id| id.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        ensure!(GUARD.set(guard.spawn()?).is_ok(), "one shared cluster");
        Ok(())
    }

    /// The address for clients: all nodes.
    pub fn url(&self) -> String {
        let all = (0..NODES).map(|n| self.url_of(n));
        all.collect::<Vec<_>>().join(",")
    }

    /// The address of this node for clients.
    pub fn url_of(&self, n: usize) -> String {
        format!("nats://127.0.0.1:{}", self.nodes[n].lock().port())
    }

    /// The address of another node at each call.
    pub(crate) fn next_address(&self) -> String {
        let n = self.turn.fetch_add(1, Ordering::Relaxed) % NODES;
        format!("127.0.0.1:{}", self.nodes[n].lock().port())
    }

    /// Kills a node, as a crash does.
    pub fn kill(&self, n: usize) -> anyhow::Result<()> {
        self.nodes[n].lock().kill()
    }

    /// Starts a node again with its data.
    pub fn restart(&self, n: usize) -> anyhow::Result<()> {
        self.nodes[n].lock().restart()
    }

    /// Suspends a node: it answers nothing, and its connections stay.
    pub fn stop(&self, n: usize) -> anyhow::Result<()> {
        self.nodes[n].lock().signal(Signal::SIGSTOP)
    }

    /// Resumes a suspended node.
    pub fn go_on(&self, n: usize) -> anyhow::Result<()> {
        self.nodes[n].lock().signal(Signal::SIGCONT)
    }

    /// The node that leads a stream now; `None` while there is none. Only for a cluster of a test's own.
    pub fn leader(&self, stream: &str) -> Option<usize> {
        let info = self.ask(&format!("$JS.API.STREAM.INFO.{stream}"), &Value::Null);
        let info = info.ok()?;
        node_called(info["cluster"]["leader"].as_str()?)
    }

    /// Waits until a node leads the stream, and returns it.
    pub fn until_led(&self, stream: &str) -> anyhow::Result<usize> {
        let start = Instant::now();
        loop {
            if let Some(leader) = self.leader(stream) {
                return Ok(leader);
            }
            ensure!(start.elapsed() < FORM_LIMIT, "no node leads {stream}");
            std::thread::sleep(PAUSE);
        }
    }

    /// The nodes that hold consumers of the stream in their memory. Only for a cluster of a test's own.
    pub fn holders_of_consumers(&self, stream: &str) -> anyhow::Result<Vec<usize>> {
        let list = self.ask(&format!("$JS.API.CONSUMER.LIST.{stream}"), &Value::Null)?;
        let consumers = list["consumers"].as_array();
        let leaders = consumers
            .into_iter()
            .flatten()
            .filter_map(|it| it["cluster"]["leader"].as_str());
        Ok(leaders.filter_map(node_called).collect())
    }

    /// Makes a node the leader of a stream. Only for a cluster of a test's own.
    pub fn make_leader(&self, stream: &str, node: usize) -> anyhow::Result<()> {
        let start = Instant::now();
        let subject = format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}");
        let question = json!({"placement": {"preferred": name_of(node)}});
        while self.until_led(stream)? != node {
            ensure!(
                start.elapsed() < FORM_LIMIT,
                "n{node} doesn't lead {stream}"
            );
            // Refused during an election.
            drop(self.ask(&subject, &question));
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Waits until every node has all that the leader has.
    pub fn until_current(&self, stream: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let info = self.ask(&format!("$JS.API.STREAM.INFO.{stream}"), &Value::Null);
            let current = info.as_ref().is_ok_and(|info| {
                let others = info["cluster"]["replicas"].as_array();
                others.is_some_and(|others| {
                    others.len() == NODES - 1 && others.iter().all(|it| it["current"] == true)
                })
            });
            if current {
                return Ok(());
            }
            ensure!(start.elapsed() < FORM_LIMIT, "{stream}: {info:?}");
            std::thread::sleep(PAUSE);
        }
    }

    /// What all nodes logged.
    pub fn log_text(&self) -> String {
        let nodes = self.nodes.iter();
        nodes.map(|node| node.lock().log_text()).collect()
    }

    /// Whether clients were ever separated from a node.
    pub(crate) fn was_interrupted(&self) -> bool {
        let mut nodes = self.nodes.iter();
        nodes.any(|node| node.lock().was_interrupted())
    }

    /// Where its data is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

fn name_of(n: usize) -> String {
    format!("n{n}")
}

/// The node of this name.
pub fn node_called(name: &str) -> Option<usize> {
    (0..NODES).find(|n| name_of(*n) == name)
}
