//! nats-servers with the configuration that `wombat setup --write-config` writes: one, or a cluster of three.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use wombat_store::{
    Connection, NatsArgs,
    roles::{NatsRole, RoleKeys, UserName},
};
use wombat_testkit::{NatsServer, Wire, Wombat, free_port, wait_until};

use crate::{nats_roles::written, program};

/// The builder whose key is stolen; the first user of the role stays honest.
const STOLEN: &str = "fox";
const FORM_LIMIT: Duration = Duration::from_mins(1);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Servers, and the folder with their configuration and the keys of all users.
pub(super) struct Layout {
    servers: Vec<NatsServer>,
    folder: TempDir,
}

impl Layout {
    /// One server.
    pub(super) fn one() -> anyhow::Result<Self> {
        let folder = written(&["--builder", STOLEN])?;
        let config = folder.path().join("server/nats-server.conf");
        let servers = vec![NatsServer::of_config(&config)?.tolerant()];
        let layout = Self { servers, folder };
        layout.set_up()?;
        Ok(layout)
    }

    /// A cluster of three servers, each with the same configuration and a disk of its own.
    pub(super) async fn three() -> anyhow::Result<Self> {
        let folder = written(&["--builder", STOLEN])?;
        let server = folder.path().join("server");
        let written = fs::read_to_string(server.join("nats-server.conf"))?;
        let ports = [free_port()?, free_port()?, free_port()?];
        let routes = ports.map(|port| format!("\"nats://127.0.0.1:{port}\""));
        let routes = routes.join(", ");
        let mut servers = Vec::new();
        for (n, port) in ports.into_iter().enumerate() {
            let text = written
                .replace("server_name: \"wombat\"", &format!("server_name: \"n{n}\""))
                .replace("/data\"", &format!("/data-{n}\""));
            ensure!(
                text != written,
                "the names and disks of three servers differ"
            );
            let cluster = format!(
                "cluster {{ name: test, listen: \"127.0.0.1:{port}\", no_advertise: true, routes: [{routes}] }}\n"
            );
            let config = server.join(format!("node-{n}.conf"));
            fs::write(&config, text + &cluster)?;
            servers.push(NatsServer::of_config(&config)?.tolerant());
        }
        let layout = Self { servers, folder };
        layout.until_formed().await?;
        layout.set_up()?;
        Ok(layout)
    }

    /// Waits until streams with three copies can be made.
    async fn until_formed(&self) -> anyhow::Result<()> {
        let stream = r#"{"name":"FORMED","subjects":["formed"],"num_replicas":3}"#;
        let seed = self.seed("admin")?;
        wait_until("the cluster to form", FORM_LIMIT, async || {
            let mut admin = Wire::login(&self.servers[0].url(), &seed)?;
            let made = admin.ask("$JS.API.STREAM.CREATE.FORMED", stream);
            if !made.is_ok_and(|made| made["error"].is_null()) {
                return Ok(None);
            }
            admin.ask("$JS.API.STREAM.DELETE.FORMED", "")?;
            Ok(Some(()))
        })
        .await
    }

    fn set_up(&self) -> anyhow::Result<()> {
        let mut command = program().command();
        command.args(["setup", "--nats-url", &self.url()]);
        command.args(["--replicas", &self.servers.len().to_string()]);
        command.arg("--nats-user-seed-file");
        let output = command.arg(self.seed_file("admin")).output()?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{words}");
        Ok(())
    }

    /// The addresses of all servers.
    pub(super) fn urls(&self) -> Vec<String> {
        self.servers.iter().map(NatsServer::url).collect()
    }

    /// The same as one text.
    pub(super) fn url(&self) -> String {
        self.urls().join(",")
    }

    /// The user whose key is stolen, by the name of its folder.
    pub(super) fn stolen(role: NatsRole) -> String {
        match role {
            NatsRole::Builder => format!("{role}-{STOLEN}"),
            NatsRole::Admin
            | NatsRole::Service
            | NatsRole::Publisher
            | NatsRole::Api
            | NatsRole::ReadOnly => role.to_string(),
        }
    }

    fn seed_file(&self, user: &str) -> PathBuf {
        self.folder.path().join(user).join("user.nk")
    }

    /// The secret of a user.
    pub(super) fn seed(&self, user: &str) -> anyhow::Result<String> {
        let seed = fs::read_to_string(self.seed_file(user))?;
        Ok(seed.trim().to_owned())
    }

    /// The name of a user in subjects.
    pub(super) fn name(&self, user: &str) -> anyhow::Result<UserName> {
        let keys = RoleKeys::generate().with_seed(NatsRole::Builder, &self.seed(user)?)?;
        let public = keys.public(NatsRole::Builder).context("a key")?;
        Ok(UserName::of_key(&public))
    }

    /// A connection of the product with the key of a user.
    pub(super) async fn connection(
        &self,
        role: NatsRole,
        user: &str,
    ) -> anyhow::Result<Connection> {
        let login = NatsArgs {
            seed: Some(self.seed(user)?),
            ..NatsArgs::at(self.url())
        };
        Ok(Connection::open(&login, role.name(), TIMEOUT).await?)
    }

    /// Starts a process of a role with the key of the role's first user.
    pub(super) fn start(&self, role: NatsRole, more: &[&str]) -> anyhow::Result<Wombat> {
        let (url, seed) = (self.url(), self.seed_file(role.name()));
        let seed = seed.to_str().context("a path of ours")?;
        let words = [
            role.name(),
            "--nats-url",
            &url,
            "--nats-user-seed-file",
            seed,
        ];
        program().start(&[&words[..], more].concat())
    }
}
