//! Permissions over NATS, on a nats-server with the configuration that `wombat setup --write-config` writes.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use wombat_store::roles::NatsRole;
use wombat_testkit::{NatsServer, Site, Wire, table_in_docs, wait_until};

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

fn set_up_as_admin(nats: &NatsServer, folder: &Path) -> anyhow::Result<()> {
    let seed = seed_file(folder, NatsRole::Admin).display().to_string();
    program().set_up(nats, &["--nats-user-seed-file", &seed])
}

/// An operation that needs a permission.
struct Operation {
    what: &'static str,
    verb: Verb,
    subject: &'static str,
    /// The initials of the roles that may do it: Service, Builder, Api, Read-only. The admin may do everything.
    who: &'static str,
}

enum Verb {
    Send,
    Receive,
    /// Subscribes in a queue group.
    Serve,
}

const fn send(what: &'static str, subject: &'static str, who: &'static str) -> Operation {
    Operation {
        what,
        verb: Verb::Send,
        subject,
        who,
    }
}

const fn receive(what: &'static str, subject: &'static str, who: &'static str) -> Operation {
    Operation {
        verb: Verb::Receive,
        ..send(what, subject, who)
    }
}

const fn serve(what: &'static str, subject: &'static str, who: &'static str) -> Operation {
    Operation {
        verb: Verb::Serve,
        ..send(what, subject, who)
    }
}

const OPERATIONS: [Operation; 93] = [
    send("ask for a build", "build.request", "A"),
    send("build again", "build.force", "A"),
    send("search builds", "build.list", "AR"),
    send("look at a build", "build.get", "AR"),
    send("cancel a build", "build.cancel", "A"),
    send("purge a build", "build.purge", "A"),
    send("resolve versions", "build.resolve", "AR"),
    send("have a build begun ahead", "build.ahead", "A"),
    send("read a log", "build.log", "AR"),
    send("list builders", "build.builders", "AR"),
    send("count builds over time", "build.stats", "AR"),
    send("see how full the stores are", "build.health", "AR"),
    send("search components", "catalog.search", "AR"),
    send("list components", "catalog.components", "AR"),
    send("look at a component", "catalog.component", "AR"),
    send("read a pipeline", "catalog.select", "AR"),
    send("read the blocklist", "catalog.blocklist", "A"),
    send("change the blocklist", "catalog.block", "A"),
    send("tell builders to build ahead", "builder.ahead", "S"),
    receive("hear of what to build ahead", "builder.ahead", "B"),
    send("ask a binary", "builder.lint.linux.amd64", "A"),
    serve("answer for a binary", "builder.lint.linux.amd64", "B"),
    send("ask what a release requires", "builder.requirements", "S"),
    serve(
        "answer what a release requires",
        "builder.requirements",
        "B",
    ),
    send("import a release", "catalog.import", "A"),
    send("list imports", "catalog.imports", "A"),
    send("list Go releases", "catalog.goreleases", "AR"),
    send("find the services", "$SRV.PING.build", "SR"),
    serve("answer about builds", "build.request", "S"),
    serve("answer about components", "catalog.search", "S"),
    send("write a record", "$KV.builds.build.linux.amd64", "SB"),
    send("mark a build as open", "$KV.builds.open.linux.amd64", "SB"),
    send("write other keys of builds", "$KV.builds.other", "S"),
    send("read a record", "$JS.API.STREAM.MSG.GET.KV_builds", "SBA"),
    send(
        "follow records",
        "$JS.API.CONSUMER.CREATE.KV_builds.name.$KV.builds.>",
        "SBAR",
    ),
    send(
        "grant a build, once",
        "$KV.publications.grant.build.a.1",
        "S",
    ),
    send(
        "write the result of a grant, once",
        "$KV.publications.result.build.a.1",
        "S",
    ),
    send(
        "write other keys of publications",
        "$KV.publications.published.build.a.1",
        "",
    ),
    send(
        "read grants and results",
        "$JS.API.STREAM.MSG.GET.KV_publications",
        "SA",
    ),
    send(
        "follow grants and results",
        "$JS.API.CONSUMER.CREATE.KV_publications.name.$KV.publications.>",
        "S",
    ),
    send(
        "purge grants and results",
        "$JS.API.STREAM.PURGE.KV_publications",
        "S",
    ),
    send("announce a builder", "$KV.builders.somebody", "B"),
    send("take the janitor's lock", "$KV.builders.lock.janitor", "S"),
    send(
        "follow builders",
        "$JS.API.CONSUMER.CREATE.KV_builders.name.$KV.builders.>",
        "SBA",
    ),
    send("write a release", "$KV.catalog.release.a.b", "S"),
    send("write the blocklist", "$KV.catalog.blocklist", "S"),
    send("tell of an import", "$KV.catalog.import.a.b", "SB"),
    send("plan an import", "$KV.catalog.import-plan.a.b", "SB"),
    send("import a package", "$KV.catalog.import-part.a.b", "SB"),
    send("tell of Go releases", "$KV.catalog.go-releases", "SB"),
    send(
        "read the catalog",
        "$JS.API.STREAM.MSG.GET.KV_catalog",
        "SB",
    ),
    send(
        "follow packages of imports",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.import-part.a.>",
        "SB",
    ),
    send("purge the catalog", "$JS.API.STREAM.PURGE.KV_catalog", "S"),
    send("note default releases", "$KV.catalog.default-releases", "S"),
    send(
        "follow default releases",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.default-releases",
        "SB",
    ),
    send(
        "follow imports",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.import.>",
        "SB",
    ),
    send(
        "follow Go releases",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.go-releases",
        "SB",
    ),
    send(
        "follow releases",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.release.>",
        "SB",
    ),
    send(
        "follow all of the catalog",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.>",
        "S",
    ),
    send("write what was compiled", "$KV.gocache.a.b", "B"),
    send(
        "read what was compiled",
        "$JS.API.DIRECT.GET.KV_gocache",
        "B",
    ),
    send(
        "purge what was compiled",
        "$JS.API.STREAM.PURGE.KV_gocache",
        "S",
    ),
    send("upload a binary", "$O.artifacts.C.chunk", "B"),
    send("name or remove a binary", "$O.artifacts.M.name", "SB"),
    send(
        "find a binary",
        "$JS.API.STREAM.MSG.GET.OBJ_artifacts",
        "SBAR",
    ),
    send(
        "read a binary",
        "$JS.API.CONSUMER.CREATE.OBJ_artifacts.name.$O.artifacts.>",
        "SBAR",
    ),
    send(
        "read a binary with any client",
        "$JS.API.CONSUMER.CREATE.OBJ_artifacts",
        "R",
    ),
    send(
        "purge parts of binaries",
        "$JS.API.STREAM.PURGE.OBJ_artifacts",
        "S",
    ),
    send("upload what was imported", "$O.catalog-docs.C.chunk", "B"),
    send(
        "name or remove what was imported",
        "$O.catalog-docs.M.name",
        "SB",
    ),
    send(
        "find what was imported",
        "$JS.API.STREAM.MSG.GET.OBJ_catalog-docs",
        "SB",
    ),
    send(
        "read what was imported",
        "$JS.API.CONSUMER.CREATE.OBJ_catalog-docs.name.$O.catalog-docs.>",
        "S",
    ),
    send(
        "purge what was imported",
        "$JS.API.STREAM.PURGE.OBJ_catalog-docs",
        "S",
    ),
    send("write a log", "build.logs.linux.amd64.claim", "B"),
    send(
        "follow a log",
        "$JS.API.CONSUMER.CREATE.BUILD_LOGS.name.build.logs.>",
        "SA",
    ),
    send(
        "find the last line of a log",
        "$JS.API.STREAM.MSG.GET.BUILD_LOGS",
        "SBA",
    ),
    send("purge logs", "$JS.API.STREAM.PURGE.BUILD_LOGS", "S"),
    send("purge records", "$JS.API.STREAM.PURGE.KV_builds", ""),
    send(
        "delete single messages",
        "$JS.API.STREAM.MSG.DELETE.KV_builds",
        "",
    ),
    send("make a stream", "$JS.API.STREAM.CREATE.mine", ""),
    send("change a stream", "$JS.API.STREAM.UPDATE.KV_builds", ""),
    send("delete a stream", "$JS.API.STREAM.DELETE.KV_builds", ""),
    send("list streams", "$JS.API.STREAM.NAMES", ""),
    send("send anything", "anything.else", ""),
    send("answer the gateway", "_INBOX_api.question", "SB"),
    send("answer the service", "_INBOX_service.question", "B"),
    receive("read the service's answers", "_INBOX_service.>", "S"),
    receive("read a builder's answers", "_INBOX_builder.>", "B"),
    receive("read the gateway's answers", "_INBOX_api.>", "A"),
    receive("read a reader's answers", "_INBOX_read-only.>", "R"),
    receive("read all answers", "_INBOX.>", ""),
    receive("overhear requests", "build.request", ""),
    receive("overhear everything", ">", ""),
];

impl Operation {
    fn may(&self, role: NatsRole) -> bool {
        let initial = match role {
            NatsRole::Admin => return true,
            NatsRole::Service => 'S',
            NatsRole::Builder => 'B',
            NatsRole::Api => 'A',
            NatsRole::ReadOnly => 'R',
        };
        self.who.contains(initial)
    }

    /// The protocol lines that a client sends for it.
    fn lines(&self) -> String {
        let Self { subject, .. } = self;
        match self.verb {
            Verb::Send => format!("PUB {subject} 2\r\n{{}}\r\n"),
            Verb::Receive => format!("SUB {subject} 1\r\nUNSUB 1\r\n"),
            Verb::Serve => format!("SUB {subject} q 1\r\nUNSUB 1\r\n"),
        }
    }

    fn shown(&self) -> String {
        let verb = match self.verb {
            Verb::Send => "publish",
            Verb::Receive => "subscribe",
            Verb::Serve => "subscribe in `q`",
        };
        format!("{} | {verb} `{}`", self.what, self.subject)
    }
}

#[test]
fn every_role_may_do_what_it_needs_and_no_more() -> anyhow::Result<()> {
    let folder = written(&[])?;
    let nats = NatsServer::of_config(&folder.path().join("server/nats-server.conf"))?.tolerant();
    let mut wires = Vec::new();
    let (mut head, mut rule) = (String::from("| to | subject |"), String::from("|---|---|"));
    for &role in NatsRole::ALL {
        let seed = fs::read_to_string(seed_file(folder.path(), role))?;
        wires.push((role, Wire::login(&nats.url(), &seed)?));
        write!(head, " {role} |")?;
        rule.push_str("---|");
    }
    let mut table = format!("{head}\n{rule}\n");
    for operation in OPERATIONS {
        write!(table, "| {} |", operation.shown())?;
        for (role, wire) in &mut wires {
            let refused = wire.refused(&operation.lines())?;
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
    assert_eq!(kept.count(), 1 + NatsRole::ALL.len(), "{said}");
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
    let needed = "\"$JS.API.CONSUMER.CREATE.BUILD_LOGS.*.build.logs.>\"\n";
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
