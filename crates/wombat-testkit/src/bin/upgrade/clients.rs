//! Clients that go on asking during the upgrade. A refusal is fine, a wrong answer isn't.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::JoinHandle;
use wombat_testkit::{Site, a_distinct_request, artifact_path};

use crate::snapshot::{Known, digest};

/// Pause between two questions of a client.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// One answer.
enum Outcome {
    Right,
    /// Why nothing was answered.
    Refused(String),
    /// What was answered.
    Wrong(String),
}

/// The answers to one kind of question.
#[derive(Debug, Default)]
struct Answers {
    right: u32,
    /// Reasons, and how often.
    refused: BTreeMap<String, u32>,
    wrong: Vec<String>,
    last_right: Option<Instant>,
    longest_without: Duration,
}

/// The builds that clients know, and those that were accepted for them.
#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Vec<Known>>,
    accepted: Mutex<BTreeSet<String>>,
    next: AtomicU32,
    answers: Mutex<BTreeMap<&'static str, Answers>>,
}

/// Clients of the gateways. Dropping them ends them.
#[derive(Debug)]
pub(crate) struct Clients {
    shared: Arc<Shared>,
    sites: [Site; 2],
    tasks: Vec<JoinHandle<()>>,
}

impl Clients {
    pub(crate) fn new(sites: &[Site; 2]) -> Self {
        Self {
            shared: Arc::default(),
            sites: sites.clone(),
            tasks: Vec::new(),
        }
    }

    /// Requests one more build at the first or the second gateway. Returns its id if it is accepted.
    pub(crate) async fn ask(&self) -> Option<String> {
        ask(&self.shared, &self.sites).await.ok()
    }

    /// What clients know from now on.
    pub(crate) fn know(&self, builds: &[Known]) {
        let successes = builds.iter().filter(|known| known.sha256().is_some());
        *self.shared.known.lock() = successes.cloned().collect();
    }

    /// Every build that was accepted so far.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.shared.accepted.lock().iter().cloned().collect()
    }

    /// Clients that read what they know, and one that requests new builds.
    pub(crate) fn begin(&mut self) {
        for kind in ["view", "log", "download", "list", "request"] {
            let (shared, sites) = (Arc::clone(&self.shared), self.sites.clone());
            let task = async move {
                for n in 0_usize.. {
                    let outcome = tokio::time::timeout(PATIENCE, one(kind, n, &shared, &sites));
                    let outcome = outcome.await.unwrap_or_else(|_| {
                        Outcome::Refused(format!("no answer within {PATIENCE:?}"))
                    });
                    shared.note(kind, outcome);
                    tokio::time::sleep(PAUSE).await;
                }
            };
            self.tasks.push(tokio::spawn(task));
        }
    }

    /// Wrong answers, in words.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let answers = self.shared.answers.lock();
        let wrong = answers.iter().flat_map(|(kind, answers)| {
            let wrong = answers.wrong.iter();
            wrong.map(move |words| format!("{kind}: {words}"))
        });
        wrong.collect()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl fmt::Display for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, answers) in &*self.shared.answers.lock() {
            let (right, wrong) = (answers.right, answers.wrong.len());
            let gap = answers.longest_without.as_secs_f64();
            write!(
                f,
                "{kind}: {right} right, {wrong} wrong, {gap:.1} s at most without an answer; refused"
            )?;
            if answers.refused.is_empty() {
                write!(f, " never")?;
            }
            for (reason, count) in &answers.refused {
                write!(f, " {count} × {reason};")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Shared {
    fn note(&self, kind: &'static str, outcome: Outcome) {
        let mut all = self.answers.lock();
        let answers = all.entry(kind).or_default();
        match outcome {
            Outcome::Right => {
                answers.right += 1;
                let now = Instant::now();
                if let Some(last) = answers.last_right.replace(now) {
                    answers.longest_without = answers.longest_without.max(now - last);
                }
            }
            Outcome::Refused(reason) => *answers.refused.entry(reason).or_default() += 1,
            Outcome::Wrong(words) => answers.wrong.push(words),
        }
    }
}

async fn one(kind: &'static str, n: usize, shared: &Shared, sites: &[Site; 2]) -> Outcome {
    let site = &sites[n % 2];
    if kind == "request" {
        return match ask(shared, sites).await {
            Ok(_) => Outcome::Right,
            Err(outcome) => outcome,
        };
    }
    let (known, count) = {
        let known = shared.known.lock();
        if known.is_empty() {
            return Outcome::Refused("nothing is known yet".to_owned());
        }
        (known[(n * 7) % known.len()].clone(), known.len())
    };
    let id = &known.id;
    let path = match kind {
        "view" => format!("/api/builds/{id}"),
        "log" => format!("/api/builds/{id}/log"),
        "download" => artifact_path(id),
        _ => "/api/builds?limit=1".to_owned(),
    };
    let (status, body) = match answer(site, &path).await {
        Ok(answer) => answer,
        Err(outcome) => return outcome,
    };
    let problem = match kind {
        "log" => (*body != *known.log.as_bytes()).then(|| format!("{} bytes", body.len())),
        "download" => (known.sha256() != Some(digest(&body).as_str()))
            .then(|| format!("{} other bytes", body.len())),
        _ => {
            let json: Value = serde_json::from_slice(&body).unwrap_or_default();
            if kind == "view" {
                known.differs(&json).first().cloned()
            } else {
                let total = json["total"].as_u64();
                let is_whole = total.is_some_and(|total| total >= count as u64);
                (!is_whole).then(|| format!("{total:?} builds listed, at least {count} exist"))
            }
        }
    };
    match problem {
        None => Outcome::Right,
        Some(problem) => Outcome::Wrong(format!("{path}: {status}, {problem}")),
    }
}

/// The answer, if it is a success.
async fn answer(site: &Site, path: &str) -> Result<(StatusCode, Bytes), Outcome> {
    let response = site.get(path).await.map_err(|_| no_connection())?;
    let status = response.status();
    let body = response.bytes().await;
    let body = body.map_err(|_| Outcome::Refused("the connection was cut".to_owned()))?;
    if status.is_success() {
        return Ok((status, body));
    }
    Err(refused(path, status, &String::from_utf8_lossy(&body)))
}

fn no_connection() -> Outcome {
    Outcome::Refused("no connection".to_owned())
}

/// A status that asks for patience is a refusal; another one is a wrong answer, since all questions are right.
fn refused(path: &str, status: StatusCode, body: &str) -> Outcome {
    let asks_for_patience = [
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let words = problem["detail"].as_str().unwrap_or(body);
    if asks_for_patience.contains(&status) {
        Outcome::Refused(format!("{} {words}", status.as_u16()))
    } else {
        Outcome::Wrong(format!("{path}: {status} {words}"))
    }
}

/// Requests the next build.
async fn ask(shared: &Shared, sites: &[Site; 2]) -> Result<String, Outcome> {
    let n = shared.next.fetch_add(1, Ordering::Relaxed);
    let site = &sites[n as usize % 2];
    let asked = site.ask(&a_distinct_request(n)).await;
    let (status, view) = asked.map_err(|_| no_connection())?;
    let id = view["id"].as_str().filter(|_| status.is_success());
    match id {
        Some(id) => {
            shared.accepted.lock().insert(id.to_owned());
            Ok(id.to_owned())
        }
        None => Err(refused("/api/builds", status, &view.to_string())),
    }
}
