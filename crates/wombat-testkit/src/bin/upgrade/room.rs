//! A server without room for the copy: refused before anything moves.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use wombat_store::{Connection, roles::NatsRole};
use wombat_testkit::NatsServer;

use crate::{
    login::Login,
    protocol::quote_log,
    setup::{self, Ended},
    streams::{Contents, infos},
    system::System,
};

const MIB: u64 = 1 << 20;

/// A copy of the data of version 0.1.0, and its server's configuration.
struct Cramped<'a> {
    system: &'a System<'a>,
    folder: TempDir,
    data: &'a Path,
}

impl Cramped<'_> {
    /// A server with this much room for all streams together.
    fn server(&self, max_file: u64) -> anyhow::Result<NatsServer> {
        let Login::Keys(config) = &self.system.machines.login else {
            anyhow::bail!("a server with keys");
        };
        let own = config.join("server");
        let text = std::fs::read_to_string(own.join("nats-server.conf"))?;
        let data = self.data.display();
        let lines = text.lines().map(|line| match line.trim() {
            line if line.starts_with("store_dir:") => format!("store_dir: \"{data}\""),
            line if line.starts_with("max_file:") => format!("max_file: {max_file}"),
            _ => line.to_owned(),
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        let server = self.folder.path().join("nats-server.conf");
        std::fs::write(&server, lines)?;
        let roles = Command::new("cp")
            .arg(own.join("roles.conf"))
            .arg(self.folder.path())
            .status()?;
        ensure!(roles.success(), "cp: {roles}");
        Ok(NatsServer::of_config(&server)?.tolerant())
    }

    async fn admin(&self, nats: &NatsServer) -> anyhow::Result<Connection> {
        let args = self
            .system
            .machines
            .login
            .args(&nats.url(), NatsRole::Admin)?;
        Ok(Connection::open(&args, "admin", Duration::from_secs(10)).await?)
    }

    async fn set_up(&self, nats: &NatsServer) -> anyhow::Result<Ended> {
        let words = self.system.machines.login.setup(&nats.url(), &[])?;
        setup::run(&self.system.tools.new, words).await
    }
}

/// Tries the upgrade on a copy of the data: without room for the copies, then with just enough for them, then with more.
pub(crate) async fn run(
    system: &System<'_>,
    contents: &Contents,
    copy: &Path,
) -> anyhow::Result<()> {
    let protocol = system.protocol;
    let data = copy.join("data");
    let cramped = Cramped {
        system,
        folder: TempDir::with_prefix("wombat-upgrade-room-")?,
        data: &data,
    };
    let (reserved, used) = {
        let nats = cramped.server(100 << 30)?;
        let infos = infos(&cramped.admin(&nats).await?).await?;
        let sum = |pointer: &str, of: &str| -> u64 {
            let streams = infos.iter().filter(|(name, _)| name.starts_with(of));
            streams
                .filter_map(|(_, info)| info.pointer(pointer)?.as_u64())
                .sum()
        };
        (sum("/config/max_bytes", ""), sum("/state/1", "OBJ_"))
    };
    {
        let nats = cramped.server(reserved + MIB)?;
        let admin = cramped.admin(&nats).await?;
        let before = infos(&admin).await?;
        let ended = cramped.set_up(&nats).await?;
        let is_refused = !ended.is_success && ended.said().contains("has no room");
        protocol.holds(
            &format!("a refusal for want of room: {}", ended.said()),
            is_refused,
        );
        protocol.holds("no stream changed", infos(&admin).await? == before);
        let now = Contents::read(&admin).await?;
        protocol.wrong("stored", &contents.differences(&now));
        protocol.step(format!(
            "with {} MiB reserved and 1 MiB free, `wombat setup` says:",
            reserved / MIB
        ));
        quote_log(&ended.said());
    }
    let enough = used + used / 50 + 4 * MIB;
    {
        let nats = cramped.server(reserved + enough)?;
        let admin = cramped.admin(&nats).await?;
        let before = infos(&admin).await?;
        let ended = cramped.set_up(&nats).await?;
        let mut now = infos(&admin).await?;
        now.retain(|name, _| !name.ends_with("-upgrade"));
        protocol.holds("only copies are new", ended.is_success || now == before);
        protocol.step(format!(
            "with {} MiB free for copies of {} MiB, it says:",
            enough / MIB,
            used / MIB
        ));
        quote_log(&ended.said());
    }
    let nats = cramped.server(100 << 30)?;
    let ended = cramped.set_up(&nats).await?;
    protocol.holds(&format!("success: {}", ended.said()), ended.is_success);
    let admin = cramped.admin(&nats).await?;
    let now = Contents::read(&admin).await.context("after the upgrade")?;
    protocol.compared(
        &contents.differences(&now),
        "with room, it moves everything",
    );
    Ok(())
}
