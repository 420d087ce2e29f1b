//! `wombat up` of this version on the state folder of version 0.1.0, in place.

use std::time::Instant;

use tempfile::TempDir;
use wombat_testkit::{Program, Site, StubGo, Wombat, free_port, nats_server_program};

use crate::{
    Tools,
    clients::Clients,
    load,
    login::text,
    machines::{LEASE, LIMIT},
    protocol::{Protocol, quote, quote_log},
};

struct Up {
    go: StubGo,
    state: TempDir,
    address: String,
}

impl Up {
    fn start(&self, program: &Program) -> anyhow::Result<Wombat> {
        let program = program
            .clone()
            .env("WOMBAT_WARM", "off")
            .env("WOMBAT_MIN_FREE_DISK", "0")
            .env("WOMBAT_LEASE", LEASE);
        let server = std::path::absolute(nats_server_program()?)?;
        let words = [
            ("--http", self.address.clone()),
            ("--workers", "2".to_owned()),
            ("--nats-server", text(&server)?),
            ("--go", text(&self.go.program())?),
            ("--sandbox-allow", text(self.go.folder())?),
            ("--artifacts-mib", "2048".to_owned()),
            ("--queue-limit", "0".to_owned()),
        ];
        let words = words.iter().flat_map(|(flag, value)| [*flag, value]);
        let words: Vec<&str> = std::iter::once("up").chain(words).collect();
        program.start_in(self.state.path(), &words)
    }
}

/// Runs both versions on one state folder, and compares what they answer.
pub(crate) async fn run(tools: &Tools, protocol: &Protocol) -> anyhow::Result<()> {
    protocol.part("`wombat up` on the state folder of 0.1.0");
    let up = Up {
        go: StubGo::new()?,
        state: TempDir::with_prefix("wombat-upgrade-")?,
        address: format!("127.0.0.1:{}", free_port()?),
    };
    let site = Site::new(format!("http://{}", up.address));
    let mut old = up.start(&tools.old)?;
    site.until_ready().await?;
    protocol.step("version 0.1.0 runs");
    let mut clients = Clients::new(&[site.clone(), site.clone()]);
    let before = load::fill(&site, &up.go, &mut clients, tools.builds / 5).await?;
    protocol.step(format!("while clients go on: {}", before.counts()));
    let open = load::leave_open(&site, &up.go, &clients).await?;
    let stopping = Instant::now();
    old.terminate()?;
    old.ended(LIMIT)?;
    protocol.step(format!(
        "it is stopped with SIGTERM; {} builds are open",
        open.len()
    ));
    up.go.takes_seconds(0.0)?;
    load::offer_no_module(&up.go)?;
    std::fs::remove_file(up.state.path().join("up.log"))?;
    let mut new = up.start(&tools.new)?;
    site.until_ready().await?;
    let down = stopping.elapsed().as_secs_f64();
    protocol.step(format!(
        "this version runs; {down:.1} s since the stop began; it logs:"
    ));
    let log = new.log_text();
    let lines = log.lines().filter(|line| line.contains("bucket="));
    quote_log(&lines.collect::<Vec<_>>().join("\n"));
    let mut problems = before.compared(&site).await?;
    problems.extend(load::unsuccessful(&site, &clients).await?);
    let accepted = clients.accepted().len();
    protocol.compared(
        &problems,
        format!("{accepted} accepted builds have succeeded, and everything is as it was"),
    );
    protocol.wrong("answers to clients", &clients.wrong());
    quote(&clients.to_string());
    drop(clients);
    new.terminate()?;
    new.ended(LIMIT)?;
    Ok(())
}
