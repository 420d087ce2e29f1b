//! Accounts in use: a configuration of version 0.1.0 that is brought over, and users that are added later.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use wombat_store::{
    Connection, NatsArgs, Store, SubmitOptions,
    roles::{NatsRole, RoleKeys, UserName},
};
use wombat_testkit::{
    NatsServer, NatsServerConfig, Program, Site, StubGo, Wire, Wombat, a_request, a_spec,
    artifact_path, wait_until,
};

use crate::{
    nats_cli::nats_program,
    nats_roles::{seed_file, set_up_as_admin, user_name, written},
    program,
};

const LIMIT: Duration = Duration::from_mins(1);

/// The users as version 0.1.0 wrote them, with the keys of this folder.
pub(crate) fn old_roles(folder: &Path) -> anyhow::Result<String> {
    let mut text = include_str!("../fixtures/nats-v0.1.0/roles.conf").to_owned();
    for role in NatsRole::WITH_USERS {
        let seed = fs::read_to_string(seed_file(folder, role))?;
        let keys = RoleKeys::generate().with_seed(role, &seed)?;
        let public = keys.public(role).context("every role has a key")?;
        text = text.replace(&format!("{{{role}}}"), &public);
    }
    Ok(text)
}

fn write_config(folder: &Path, more: &[&str]) -> anyhow::Result<String> {
    let mut command = program().command();
    command.args(["setup", "--write-config"]).arg(folder);
    let output = command.args(more).output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn reload(nats: &NatsServer) -> anyhow::Result<()> {
    let id = i32::try_from(nats.id().context("it runs")?)?;
    Ok(kill(Pid::from_raw(id), Signal::SIGHUP)?)
}

/// A role with the command line that version 0.1.0 documents.
fn start(
    program: &Program,
    folder: &Path,
    url: &str,
    role: NatsRole,
    more: &[&str],
) -> anyhow::Result<Wombat> {
    let seed = seed_file(folder, role).display().to_string();
    let words = [
        role.name(),
        "--nats-url",
        url,
        "--nats-user-seed-file",
        &seed,
    ];
    // The command of the read-only role has no process.
    program.start(&[&words[..], more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_of_0_1_0_is_brought_over() -> anyhow::Result<()> {
    let folder = written(&[])?;
    let path = folder.path();
    fs::write(path.join("server/roles.conf"), old_roles(path)?)?;
    let mut nats = NatsServer::of_config(&path.join("server/nats-server.conf"))?.tolerant();
    let url = nats.url();
    set_up_as_admin(&nats, path)?;
    let id = {
        let login = NatsArgs {
            seed_file: Some(seed_file(path, NatsRole::Admin)),
            ..NatsArgs::at(url.clone())
        };
        let admin = Connection::open(&login, "admin", LIMIT).await?;
        let store = Store::open(&admin).await?;
        let spec = a_spec().build();
        let options = SubmitOptions::default();
        let submitted = store.builds.submit(&spec, options, &store.artifacts);
        submitted.await?.into_record().value.key().to_string()
    };
    let seed = fs::read_to_string(seed_file(path, NatsRole::Builder))?;
    let said = write_config(path, &[])?;
    assert!(
        said.contains("stop every service, builder and gateway"),
        "{said}"
    );
    assert_eq!(
        seed,
        fs::read_to_string(seed_file(path, NatsRole::Builder))?
    );
    nats.kill()?;
    nats.restart()?;
    set_up_as_admin(&nats, path)?;

    let go = StubGo::new()?;
    let (stub, allowed) = (go.program(), go.folder());
    let (stub, allowed) = (stub.display().to_string(), allowed.display().to_string());
    let http = ["--http", "127.0.0.1:0"];
    let _service = start(&program(), path, &url, NatsRole::Service, &[])?;
    let api = start(&program(), path, &url, NatsRole::Api, &http)?;
    let words = ["--go", &stub, "--sandbox-allow", &allowed, "--warm", "off"];
    let _builder = start(&program(), path, &url, NatsRole::Builder, &words)?;
    let site = Site::new(api.first_line()?);
    site.until_ready().await?;
    let view = site.until(&id, "success", LIMIT).await?;
    let user = user_name(path, NatsRole::Builder)?;
    let builder = view["builder"].as_str().context("a builder")?;
    assert!(builder.starts_with(&format!("{user}-")), "{builder}");
    let download = site.get(&artifact_path(&id)).await?;
    assert!(download.status().is_success(), "{download:?}");

    // A person's three lines.
    let cli = |words: &[&str]| -> anyhow::Result<String> {
        let home = TempDir::new()?;
        let output = std::process::Command::new(nats_program()?)
            .args(["--server", &url, "--nkey"])
            .arg(seed_file(path, NatsRole::ReadOnly))
            .args(["--js-domain", "wombat"])
            .args(words)
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "nats {words:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(said)
    };
    assert!(cli(&["micro", "ls"])?.contains("build"));
    assert!(cli(&["micro", "ping"])?.contains("catalog"));
    assert!(cli(&["micro", "info", "build"])?.contains("build.get"));
    assert!(cli(&["micro", "stats", "build"])?.contains("request"));
    let list = cli(&[
        "req",
        "--raw",
        "build.list",
        "{\"query\":\"status:success\"}",
    ])?;
    assert!(list.contains(&id), "{list}");
    assert!(cli(&["kv", "get", "--raw", "builds", &id])?.contains("success"));
    assert!(cli(&["kv", "ls", "builds"])?.contains(&id));
    assert!(cli(&["object", "ls", "artifacts"])?.contains(&id));
    let file = path.join("downloaded").display().to_string();
    cli(&[
        "object",
        "get",
        "artifacts",
        &id,
        "--output",
        &file,
        "--no-progress",
    ])?;
    assert!(fs::metadata(&file)?.len() > 0);
    // As version 0.1.0 documents it.
    assert!(cli(&["--inbox-prefix", "_INBOX_read-only", "micro", "ping"])?.contains("build"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn builders_and_readers_are_added_by_a_reload() -> anyhow::Result<()> {
    let folder = written(&["--builder", "fox", "--reader", "alice"])?;
    let path = folder.path();
    let nats = NatsServer::of_config(&path.join("server/nats-server.conf"))?.tolerant();
    set_up_as_admin(&nats, path)?;
    let login = |user: &str| -> anyhow::Result<Wire> {
        Wire::login(
            &nats.url(),
            &fs::read_to_string(path.join(user).join("user.nk"))?,
        )
    };
    let name = |user: &str| -> anyhow::Result<UserName> {
        let seed = fs::read_to_string(path.join(user).join("user.nk"))?;
        let keys = RoleKeys::generate().with_seed(NatsRole::Builder, &seed)?;
        Ok(UserName::of_key(
            &keys.public(NatsRole::Builder).context("a key")?,
        ))
    };
    let mut first = login("builder")?;
    let [own, fox] = [name("builder")?, name("builder-fox")?];
    for (user, may) in [(&own, true), (&fox, false)] {
        for subject in [
            format!("PUB $KV.builders.{user}.id 0\r\n\r\n"),
            format!("PUB $O.artifacts.C.{user}.id.0 0\r\n\r\n"),
            format!("SUB _INBOX_builder.{user}.> 1\r\n"),
        ] {
            assert_eq!(first.refused(&subject)?.is_empty(), may, "{subject}");
        }
    }
    let info = "$JS.wombat.API.STREAM.INFO.KV_builds";
    login("read-only-alice")?.ask(info, "")?;

    let said = write_config(path, &["--builder", "owl", "--reader", "bob"])?;
    assert!(said.contains("nats-server --signal reload"), "{said}");
    assert!(said.contains("need no restart"), "{said}");
    reload(&nats)?;
    wait_until("the new users to be known", LIMIT, async || {
        Ok(login("builder-owl").is_ok().then_some(()))
    })
    .await?;
    login("read-only-bob")?.ask(info, "")?;
    let owl = name("builder-owl")?;
    let own = format!("PUB $KV.builders.{owl}.id 0\r\n\r\n");
    assert!(login("builder-owl")?.refused(&own)?.is_empty());
    // Connections of the others stay.
    assert!(!first.refused(&own)?.is_empty());

    for bad in ["lock", "a.b", ""] {
        let mut command = program().command();
        command.args(["setup", "--write-config"]).arg(path);
        let output = command.args(["--builder", bad]).output()?;
        let said = String::from_utf8(output.stderr)?;
        assert!(
            !output.status.success() && said.contains("--builder"),
            "{said}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_users_the_address_is_enough() -> anyhow::Result<()> {
    let nats = NatsServer::with(&NatsServerConfig {
        own_users: true,
        ..NatsServerConfig::default()
    })?;
    let program = program().without_keys().env("NATS_URL", &nats.url());
    let setup = program.command().arg("setup").output()?;
    ensure!(setup.status.success(), "{setup:?}");
    let _service = program.start(&["service"])?;
    let api = program.start(&["api", "--http", "127.0.0.1:0"])?;
    let go = StubGo::new()?;
    let (stub, allowed) = (go.program(), go.folder());
    let (stub, allowed) = (stub.display().to_string(), allowed.display().to_string());
    let words = ["builder", "--go", &stub, "--sandbox-allow", &allowed];
    let _builder = program.start(&[&words[..], &["--warm", "off"]].concat())?;
    let site = Site::new(api.first_line()?);
    site.until_ready().await?;
    let id = site.asked(&a_request(&["nats"])).await?;
    site.until(&id, "success", LIMIT).await?;
    Ok(())
}
