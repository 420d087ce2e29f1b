//! Pipelines that run.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use futures::future::try_join;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{binaries::Binary, pipeline::Pipeline, servers::Servers};

/// How long a pipeline may run: each ends by itself.
const LIMIT: Duration = Duration::from_mins(1);
/// How long one may run that lacks something, and tries again and again.
const LACKING: Duration = Duration::from_secs(10);

/// A pipeline that runs. Dropping it ends it.
pub(crate) struct Runs {
    child: Child,
    limit: Duration,
}

impl Runs {
    pub(crate) fn start(
        binary: &Binary,
        pipeline: &Pipeline,
        servers: &Servers,
    ) -> anyhow::Result<Self> {
        let child = Command::new(&binary.path)
            .args(["run", "--set", "http.enabled=false"])
            .arg(&pipeline.path)
            .env_clear()
            .envs(servers.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            child,
            limit: LIMIT,
        })
    }

    /// Waits until it has ended, and compares its lines, which may come in any order.
    pub(crate) async fn prints(self, expected: &[String]) -> anyhow::Result<()> {
        let output = timeout(self.limit, self.child.wait_with_output()).await;
        let output = output.context("it doesn't end")??;
        let log = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{}: {log}{printed}", output.status);
        let mut lines: Vec<&str> = printed.lines().collect();
        lines.sort_unstable();
        // The log takes the place of an output that is elsewhere.
        ensure!(
            expected.is_empty() || lines == expected,
            "it prints {lines:?}: {log}"
        );
        Ok(())
    }

    /// Whether its log has these words before it ends, or within the limit.
    pub(crate) async fn says(mut self, words: &str) -> anyhow::Result<bool> {
        let out = self.child.stdout.take().context("stdout is a pipe")?;
        let err = self.child.stderr.take().context("stderr is a pipe")?;
        let both = try_join(until_said(out, words), until_said(err, words));
        Ok(matches!(timeout(LACKING, both).await, Ok(Err(Said))))
    }
}

/// The words were read.
struct Said;

/// Reads to the end, or to these words.
async fn until_said(stream: impl AsyncRead + Unpin, words: &str) -> Result<(), Said> {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains(words) {
            return Err(Said);
        }
    }
    Ok(())
}

/// Whether this binary can't run it: its linter complains, or the run doesn't do what it should.
pub(crate) async fn fails(
    binary: &Binary,
    pipeline: &Pipeline,
    servers: &Servers,
) -> anyhow::Result<bool> {
    let lint = Command::new(&binary.path)
        .arg("lint")
        .arg(&pipeline.path)
        .env_clear()
        .envs(servers.variables())
        .output()
        .await?;
    if !lint.status.success() {
        return Ok(true);
    }
    let mut run = Runs::start(binary, pipeline, servers)?;
    run.limit = LACKING;
    match &pipeline.refused {
        Some(words) => run.says(words).await,
        None => Ok(run.prints(&pipeline.prints).await.is_err()),
    }
}
