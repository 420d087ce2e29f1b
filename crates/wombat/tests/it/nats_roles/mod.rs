//! Permissions over NATS, on a nats-server with the configuration that `wombat setup --write-config` writes.

mod operations;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use wombat_store::roles::{Exported, NatsRole, Replies, RoleKeys, UserName, exports};
use wombat_testkit::{NatsServer, Site, Wire, table_in_docs, wait_until};

use operations::OPERATIONS;

use crate::program;

/// The folder that `wombat setup --write-config` writes.
pub(crate) fn written(extra: &[&str]) -> anyhow::Result<TempDir> {
    let folder = TempDir::with_prefix("wombat-config-")?;
    let path = folder.path().display().to_string();
    let output = program()
        .command()
        .args(["setup", "--write-config", &path])
        .args(extra)
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder)
}

pub(crate) fn seed_file(folder: &Path, role: NatsRole) -> PathBuf {
    folder.join(role.name()).join("user.nk")
}

/// The name of the user in subjects.
pub(crate) fn user_name(folder: &Path, role: NatsRole) -> anyhow::Result<UserName> {
    let seed = fs::read_to_string(seed_file(folder, role))?;
    let keys = RoleKeys::generate().with_seed(role, &seed)?;
    let public = keys.public(role);
    Ok(UserName::of_key(&public.context("every role has a key")?))
}

pub(crate) fn set_up_as_admin(nats: &NatsServer, folder: &Path) -> anyhow::Result<()> {
    let seed = seed_file(folder, NatsRole::Admin).display().to_string();
    program().set_up(nats, &["--nats-user-seed-file", &seed])
}

/// The roles that may not do everything.
const LIMITED: [NatsRole; 4] = [
    NatsRole::Service,
    NatsRole::Builder,
    NatsRole::Api,
    NatsRole::ReadOnly,
];

#[test]
fn every_role_may_do_what_it_needs_and_no_more() -> anyhow::Result<()> {
    let folder = written(&[])?;
    let nats = NatsServer::of_config(&folder.path().join("server/nats-server.conf"))?.tolerant();
    let mut wires = Vec::new();
    let (mut head, mut rule) = (String::from("| to | subject |"), String::from("|---|---|"));
    let builder = user_name(folder.path(), NatsRole::Builder)?;
    for role in LIMITED {
        let seed = fs::read_to_string(seed_file(folder.path(), role))?;
        wires.push((role, Wire::login(&nats.url(), &seed)?));
        write!(head, " {role} |")?;
        rule.push_str("---|");
    }
    let mut table = format!("{head}\n{rule}\n");
    for operation in OPERATIONS {
        write!(table, "| {} |", operation.shown())?;
        for (role, wire) in &mut wires {
            let refused = wire.refused(&operation.lines(&builder))?;
            let violation = |error: &String| error.contains("Permissions Violation");
            assert!(refused.iter().all(violation), "{refused:?}");
            let may = refused.is_empty();
            assert_eq!(may, operation.may(*role), "{role}: {}", operation.shown());
            table.push_str(if may { " yes |" } else { " – |" });
        }
        table.push('\n');
    }
    table_in_docs("NATS.md", "permissions", &table)
}

#[test]
fn the_exports_are_documented() -> anyhow::Result<()> {
    let mut table = String::from("| account | exports | answers | to |\n|---|---|---|---|\n");
    for export in exports() {
        let (verb, answers) = match export.what {
            Exported::Stream => ("receive", "–"),
            Exported::Service(Replies::One | Replies::Soon) => ("send", "one"),
            Exported::Service(Replies::Many) => ("send", "many"),
        };
        let to: Vec<&str> = export.to.iter().map(|account| account.name()).collect();
        writeln!(
            table,
            "| {} | {verb} `{}` | {answers} | {} |",
            export.owner,
            export.subject,
            to.join(", ")
        )?;
    }
    table_in_docs("NATS.md", "exports", &table)
}

#[test]
fn nobody_comes_in_without_a_key_or_with_another() -> anyhow::Result<()> {
    let folder = written(&[])?;
    let nats = NatsServer::of_config(&folder.path().join("server/nats-server.conf"))?;
    let others = written(&[])?;
    let foreign = fs::read_to_string(seed_file(others.path(), NatsRole::Admin))?;
    let error = Wire::login(&nats.url(), &foreign).unwrap_err().to_string();
    assert!(error.contains("Authorization Violation"), "{error}");
    let output = program()
        .command()
        .args(["setup", "--nats-url", &nats.url()])
        .output()?;
    let error = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(5), "{error}");
    assert!(error.contains("authorization violation"), "{error}");
    Ok(())
}

#[test]
fn written_again_the_secrets_stay_and_the_server_takes_the_new_roles() -> anyhow::Result<()> {
    let folder = written(&["--nats-store-dir", "/elsewhere"])?;
    let config = fs::read_to_string(folder.path().join("server/nats-server.conf"))?;
    assert!(config.contains(r#"store_dir: "/elsewhere""#), "{config}");
    let seed = fs::read_to_string(seed_file(folder.path(), NatsRole::Builder))?;
    let output = program()
        .command()
        .args(["setup", "--write-config"])
        .arg(folder.path())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    let kept = said.lines().filter(|line| line.starts_with("kept"));
    assert_eq!(kept.count(), 1 + NatsRole::WITH_USERS.len(), "{said}");
    let again = fs::read_to_string(seed_file(folder.path(), NatsRole::Builder))?;
    assert_eq!(seed, again);
    assert!(!said.contains(seed.trim()), "a secret isn't printed");
    Ok(())
}

/// Far more than a reload takes, and than a refusal counts.
const LIMIT: Duration = Duration::from_mins(1);
/// A process that can't do its work must say so within this time.
const START_LIMIT: Duration = Duration::from_secs(2);

#[test]
fn a_role_with_anothers_key_says_so_at_once() -> anyhow::Result<()> {
    let folder = written(&[])?;
    let nats = NatsServer::of_config(&folder.path().join("server/nats-server.conf"))?.tolerant();
    set_up_as_admin(&nats, folder.path())?;
    for (command, role) in [
        ("service", NatsRole::Builder),
        ("api", NatsRole::ReadOnly),
        ("builder", NatsRole::Api),
    ] {
        let state = TempDir::new()?;
        let begin = Instant::now();
        let mut process = program().command();
        process.args([command, "--nats-url", &nats.url(), "--nats-user-seed-file"]);
        process.arg(seed_file(folder.path(), role));
        process.arg("--state-dir").arg(state.path());
        let output = process.output()?;
        let took = begin.elapsed();
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(
            said.contains("NATS denies a permission that this role needs: Permissions Violation"),
            "{command}: {said}"
        );
        assert!(took < START_LIMIT, "{command} took {took:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_missed_later_shows_until_it_is_given() -> anyhow::Result<()> {
    let folder = written(&[])?;
    let roles = folder.path().join("server/roles.conf");
    let complete = fs::read_to_string(&roles)?;
    let needed = "\"$JS.wombat.API.CONSUMER.CREATE.BUILD_LOGS.*.build.logs.>\"\n";
    let (before, after) = complete.rsplit_once(needed).unwrap();
    fs::write(&roles, format!("{before}{after}"))?;
    let nats = NatsServer::of_config(&folder.path().join("server/nats-server.conf"))?.tolerant();
    let url = nats.url();
    let seed = |role| seed_file(folder.path(), role).display().to_string();
    set_up_as_admin(&nats, folder.path())?;

    let api = program().start(&[
        "api",
        "--nats-url",
        &url,
        "--nats-user-seed-file",
        &seed(NatsRole::Api),
        "--http",
        "127.0.0.1:0",
    ])?;
    let site = Site::new(api.first_line()?);
    let readiness = async || -> anyhow::Result<(u16, String)> {
        let answer = site
            .client
            .get(format!("{}/readyz", site.url))
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    };
    wait_until("the gateway to say what it lacks", LIMIT, async || {
        let (status, text) = readiness().await?;
        let told = status == 503 && text.contains("NATS refused a permission");
        Ok(told.then_some(()))
    })
    .await?;

    fs::write(&roles, &complete)?;
    let server = i32::try_from(nats.id().unwrap())?;
    kill(Pid::from_raw(server), Signal::SIGHUP)?;
    wait_until(
        "the gateway to lack nothing but a service",
        LIMIT,
        async || {
            let (_, text) = readiness().await?;
            let lacks = ["NATS refused", "isn't", "aren't"];
            let lacks_more = lacks.iter().any(|words| text.contains(words));
            Ok((text.contains("no service is running") && !lacks_more).then_some(()))
        },
    )
    .await
}
