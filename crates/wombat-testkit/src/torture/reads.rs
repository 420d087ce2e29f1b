//! Reads during a scenario.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::{Site, artifact_path};

/// Pause between two reads of one kind.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a reader waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Outcomes of the reads of one kind.
#[derive(Clone, Debug, Default)]
struct ReadStats {
    answered: u32,
    /// The errors of the others.
    refused: Vec<String>,
    longest: Duration,
}

/// Loops of reads; dropping them ends them.
pub(super) struct Reads {
    tasks: Vec<JoinHandle<()>>,
    seen: Arc<Mutex<BTreeMap<&'static str, ReadStats>>>,
}

impl Reads {
    /// Reads the list, the catalog, and everything about a build that succeeded.
    pub(super) fn begin(site: &Site, id: &str) -> Self {
        let build = format!("/api/builds/{id}");
        let paths = [
            ("list", "/api/builds".to_owned()),
            ("log", format!("{build}/log")),
            ("build", build),
            ("catalog", "/api/catalog/components".to_owned()),
            ("download", artifact_path(id)),
        ];
        let seen = Arc::default();
        let tasks = paths
            .map(|(name, path)| tokio::spawn(read(site.clone(), name, path, Arc::clone(&seen))));
        Self {
            tasks: tasks.into(),
            seen,
        }
    }

    /// Reads that were refused, in words.
    pub(super) fn refused(&self) -> Vec<String> {
        let seen = self.seen.lock();
        let refused = seen.iter().filter(|(_, kind)| !kind.refused.is_empty());
        refused
            .map(|(name, kind)| {
                let (count, all) = (kind.refused.len(), kind.answered);
                let words = kind.refused.first().map_or("", String::as_str);
                format!("{count} reads of the {name} were refused, {all} were answered: {words}")
            })
            .collect()
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.seen.lock();
        f.write_str("reads")?;
        for (name, kind) in &*seen {
            let (answered, longest) = (kind.answered, kind.longest);
            write!(f, " {name} {answered} (slowest {longest:.1?})")?;
        }
        Ok(())
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn read(
    site: Site,
    name: &'static str,
    path: String,
    seen: Arc<Mutex<BTreeMap<&'static str, ReadStats>>>,
) {
    loop {
        let begun = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, site.bytes(&path)).await;
        let answer = answer.unwrap_or_else(|error| Err(anyhow::anyhow!(error)));
        {
            let mut seen = seen.lock();
            let kind = seen.entry(name).or_default();
            kind.longest = kind.longest.max(begun.elapsed());
            match answer {
                Ok(_) => kind.answered += 1,
                Err(error) => kind.refused.push(format!("{error:#}")),
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
