//! A whole system with the accounts and keys that `wombat setup --write-config` writes, and one finished build.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_store::roles::NatsRole;
use wombat_testkit::{
    NatsServer, Site, StubGo, Wire, Wombat, a_request, artifact_path, wait_until,
};

use crate::{
    nats_roles::{seed_file, set_up_as_admin, user_name, written},
    program,
};

const LIMIT: Duration = Duration::from_mins(1);
/// Size of the binary: it takes several chunks.
const SIZE: u64 = 1_200_000;

/// What each stream is, and what it has.
pub(crate) type Streams = BTreeMap<String, Value>;

/// Each part of a stream that differs.
pub(crate) fn changes(before: &Streams, after: &Streams) -> Vec<String> {
    let mut changes = Vec::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        match (before.get(name), after.get(name)) {
            (Some(was), Some(is)) => {
                for (part, was) in was.as_object().into_iter().flatten() {
                    if is[part] != *was {
                        changes.push(format!("{name}: {part}: {was} is {}", is[part]));
                    }
                }
            }
            (None, _) => changes.push(format!("{name} is new")),
            (_, None) => changes.push(format!("{name} is gone")),
        }
    }
    changes
}

/// A service and a gateway. The builder ended after its build, so nothing changes by itself.
pub(crate) struct GuardedSystem {
    _service: Wombat,
    _api: Wombat,
    site: Site,
    nats: NatsServer,
    folder: TempDir,
    /// The finished build.
    pub(crate) build: String,
    /// The name of its binary.
    pub(crate) object: String,
    /// The digest of its binary, as its record has it.
    pub(crate) sha256: String,
}

impl GuardedSystem {
    /// Builds once. `more` are arguments of `setup --write-config`.
    pub(crate) async fn start(more: &[&str]) -> anyhow::Result<Self> {
        let folder = written(more)?;
        let config = folder.path().join("server/nats-server.conf");
        let nats = NatsServer::of_config(&config)?.tolerant();
        set_up_as_admin(&nats, folder.path())?;
        let role = |role: NatsRole, more: &[&str]| {
            let seed = seed_file(folder.path(), role).display().to_string();
            let url = nats.url();
            let login = ["--nats-url", &url, "--nats-user-seed-file", &seed];
            program().start(&[&[role.name()][..], &login, more].concat())
        };
        let service = role(NatsRole::Service, &[])?;
        let api = role(NatsRole::Api, &["--http", "127.0.0.1:0"])?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;

        let go = StubGo::new()?;
        go.makes_bytes(SIZE)?;
        let (stub, allowed) = (go.program(), go.folder());
        let (stub, allowed) = (stub.display().to_string(), allowed.display().to_string());
        let words = ["--go", &stub, "--sandbox-allow", &allowed, "--warm", "off"];
        let mut builder = role(NatsRole::Builder, &words)?;
        let build = site.asked(&a_request(&["nats"])).await?;
        let view = site.until(&build, "success", LIMIT).await?;
        builder.terminate()?;
        builder.ended(LIMIT)?;

        let text = |name: &str| view[name].as_str().map(str::to_owned).context("a success");
        let system = Self {
            object: text("artifact")?,
            sha256: text("sha256")?,
            build,
            _service: service,
            _api: api,
            site,
            nats,
            folder,
        };
        system.until_published().await?;
        Ok(system)
    }

    /// Waits until the service has written the result.
    async fn until_published(&self) -> anyhow::Result<()> {
        let subject = format!("$KV.publications.result.{}.1", self.build);
        let question = json!({"last_by_subj": subject}).to_string();
        let mut admin = self.admin()?;
        wait_until("the result to be written", LIMIT, async || {
            let answer = admin.ask("$JS.API.STREAM.MSG.GET.KV_publications", &question)?;
            Ok(answer["message"].is_object().then_some(()))
        })
        .await
    }

    /// Restores the settings of the streams.
    pub(crate) fn set_up(&self) -> anyhow::Result<()> {
        set_up_as_admin(&self.nats, self.folder())
    }

    /// The server's address.
    pub(crate) fn url(&self) -> String {
        self.nats.url()
    }

    /// The folder with the keys.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The key of the role's first user.
    pub(crate) fn seed_file(&self, role: NatsRole) -> PathBuf {
        seed_file(self.folder(), role)
    }

    /// Where the role's first user may receive replies.
    pub(crate) fn inbox_prefix(&self, role: NatsRole) -> anyhow::Result<String> {
        Ok(match role {
            NatsRole::Builder => {
                format!(
                    "{}.{}",
                    role.inbox_prefix(),
                    user_name(self.folder(), role)?
                )
            }
            NatsRole::Admin
            | NatsRole::Service
            | NatsRole::Publisher
            | NatsRole::Api
            | NatsRole::ReadOnly => role.inbox_prefix(),
        })
    }

    /// A key of `builds` that a builder may write, and that no build has.
    pub(crate) fn unused_key(&self) -> String {
        let (platform, _) = self.build.rsplit_once('.').unwrap_or_default();
        format!("{platform}.{}", "0".repeat(64))
    }

    /// Whether the server refused something to the connection of this name, which is given once.
    pub(crate) fn refused_to(&self, connection: &str) -> anyhow::Result<bool> {
        let log = fs::read_to_string(self.nats.directory().join("nats.log"))?;
        let name = format!(":{connection}\"");
        let is_refusal = |line: &str| line.contains(&name) && line.contains(" Violation - ");
        Ok(log.lines().any(is_refusal))
    }

    fn admin(&self) -> anyhow::Result<Wire> {
        let seed = fs::read_to_string(self.seed_file(NatsRole::Admin))?;
        Wire::login(&self.url(), &seed)
    }

    /// The settings of each stream, and how much was stored in it and removed from it. `KV_builders` has its settings
    /// alone, since its locks are renewed all the time; `KV_builds` has the record of the build, and whether anything
    /// was written, since markers expire.
    pub(crate) fn streams(&self) -> anyhow::Result<Streams> {
        let mut admin = self.admin()?;
        let answer = admin.ask("$JS.API.STREAM.LIST", "")?;
        let question = json!({"last_by_subj": format!("$KV.builds.{}", self.build)}).to_string();
        let record = admin.ask("$JS.API.STREAM.MSG.GET.KV_builds", &question)?;
        let all = answer["streams"].as_array().context("streams")?;
        let described = all.iter().map(|stream| {
            let name = stream["config"]["name"].as_str().context("a name")?;
            let mut is = json!({"config": stream["config"], "created": stream["created"]});
            let parts: &[&str] = match name {
                "KV_builders" => &[],
                "KV_builds" => &["last_seq"],
                _ => &["messages", "bytes", "first_seq", "last_seq"],
            };
            for part in parts {
                is[part] = stream["state"][part].clone();
            }
            if name == "KV_builds" {
                is["record"] = record["message"].clone();
            }
            Ok((name.to_owned(), is))
        });
        described.collect()
    }

    /// Whether the gateway serves the same binary as before.
    pub(crate) async fn serves_the_binary(&self) -> anyhow::Result<bool> {
        let bytes = self.site.bytes(&artifact_path(&self.build)).await?;
        Ok(sha256(&bytes) == self.sha256)
    }
}

/// A digest as records have it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}
