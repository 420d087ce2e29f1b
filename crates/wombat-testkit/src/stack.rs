//! A whole system of separate processes around one nats-server, with a stand-in for Go.

use std::path::Path;

use anyhow::{Context, ensure};

use crate::{NatsServer, Program, Site, StubGo, Wombat};

/// Separate roles around one nats-server, with a stand-in for Go.
#[derive(Debug)]
pub struct Stack {
    /// The server.
    pub nats: NatsServer,
    /// The stand-in.
    pub go: StubGo,
    /// The gateway.
    pub site: Site,
    program: Program,
    service: Wombat,
    api: Wombat,
}

impl Program {
    /// A gateway of this nats-server, with more arguments, once it reaches a service.
    pub async fn gateway(&self, nats: &str, extra: &[&str]) -> anyhow::Result<(Wombat, Site)> {
        let words = ["api", "--nats-url", nats, "--http", "127.0.0.1:0"];
        let api = self.start(&[&words, extra].concat())?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;
        Ok((api, site))
    }
}

impl Stack {
    /// A service and a gateway; no builder yet.
    pub async fn start(program: &Program) -> anyhow::Result<Self> {
        let nats = NatsServer::start()?;
        Self::around_with(program, nats, &[], &[]).await
    }

    /// The same, with more arguments for `setup` and for `service`.
    pub async fn around_with(
        program: &Program,
        nats: NatsServer,
        setup: &[&str],
        service: &[&str],
    ) -> anyhow::Result<Self> {
        program.set_up(&nats, setup)?;
        let url = nats.url();
        let mut arguments = vec!["service", "--nats-url", &url];
        arguments.extend(service);
        let service = program.start(&arguments)?;
        let (api, site) = program.gateway(&nats.url(), &[]).await?;
        Ok(Self {
            nats,
            go: StubGo::new()?,
            site,
            program: program.clone(),
            service,
            api,
        })
    }

    /// Fails if a log has a panic: a task that panics doesn't end its process.
    pub fn logs_have_no_panic(&self) -> anyhow::Result<()> {
        for process in [&self.service, &self.api] {
            let log = process.log_text();
            let panic = log.lines().find(|line| line.contains("panicked at"));
            ensure!(panic.is_none(), "{panic:?}");
        }
        Ok(())
    }

    /// One more builder.
    pub fn builder(&self, extra: &[&str]) -> anyhow::Result<Wombat> {
        let words = self.builder_arguments(extra)?;
        self.program
            .start(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// One more builder, with this state folder.
    pub fn builder_in(&self, state: &Path, extra: &[&str]) -> anyhow::Result<Wombat> {
        self.builder_of(&self.program, state, extra)
    }

    /// One more builder, by another program, with this state folder.
    pub fn builder_of(
        &self,
        program: &Program,
        state: &Path,
        extra: &[&str],
    ) -> anyhow::Result<Wombat> {
        let words = self.builder_arguments(extra)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        program.start_in(state, &words)
    }

    fn builder_arguments(&self, extra: &[&str]) -> anyhow::Result<Vec<String>> {
        let go = self.go.program();
        let own = [
            "builder",
            "--nats-url",
            &self.nats.url(),
            "--go",
            go.to_str().context("a path of ours")?,
            "--sandbox-allow",
            self.go.folder().to_str().context("a path of ours")?,
            // Warming the cache would count as builds.
            "--warm",
            "off",
        ]
        .map(str::to_owned);
        Ok(own
            .into_iter()
            .chain(extra.iter().map(|word| (*word).to_owned()))
            .collect())
    }
}
