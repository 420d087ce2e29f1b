//! `wombat doctor`: looks at what the roles need, and says how to get what is missing.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::bail;
use tokio::process::Command;
use wombat_builder::{go::find_in_path, sandbox::probe};
use wombat_model::SandboxLevel;
use wombat_store::{Connection, NatsArgs, Store};

use crate::{
    embedded::{NATS_SERVER_MODULE, pinned_version},
    output::print,
};

/// Say what is missing, and how to get it
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The `go` program
    #[arg(long, env = "WOMBAT_GO", value_name = "PROGRAM", default_value = "go")]
    go: PathBuf,
    #[command(flatten)]
    nats: NatsArgs,
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Good,
    /// It works, but less well.
    Note,
    Missing,
}

pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<()> {
    let findings = [
        go(&args).await,
        modules(&args).await,
        sandbox().await,
        nats_server(&args),
        nats(&args).await,
    ];
    for (verdict, text) in &findings {
        let mark = match verdict {
            Verdict::Good => "ok      ",
            Verdict::Note => "note    ",
            Verdict::Missing => "MISSING ",
        };
        print(&format!("{mark}{text}"));
    }
    let missing = findings
        .iter()
        .filter(|(verdict, _)| *verdict == Verdict::Missing)
        .count();
    if missing > 0 {
        bail!("{missing} of {} checks failed", findings.len());
    }
    Ok(())
}

async fn go(args: &DoctorArgs) -> (Verdict, String) {
    match ask_go(args, &["version"]).await {
        Some(version) => (Verdict::Good, version),
        None => (
            Verdict::Missing,
            format!(
                "Go: `{}` doesn't run. Builders need Go 1.26 or newer; install it, or set WOMBAT_GO",
                args.go.display()
            ),
        ),
    }
}

async fn modules(args: &DoctorArgs) -> (Verdict, String) {
    match ask_go(args, &["env", "GOPROXY"]).await {
        None => (
            Verdict::Note,
            "modules: can't be looked at without Go".to_owned(),
        ),
        Some(text) if text.is_empty() || text.starts_with("off") || text.starts_with("direct") => (
            Verdict::Missing,
            format!(
                "modules: GOPROXY is `{text}`, and builders fetch from a module proxy only; set WOMBAT_GOPROXY"
            ),
        ),
        Some(_) => (
            Verdict::Good,
            "modules: a module proxy is configured".to_owned(),
        ),
    }
}

async fn ask_go(args: &DoctorArgs, arguments: &[&str]) -> Option<String> {
    let output = Command::new(&args.go)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

async fn sandbox() -> (Verdict, String) {
    let probed = async {
        let folder = tempfile::tempdir()?;
        let helper = std::env::current_exe()?;
        anyhow::Ok(probe(&helper, folder.path()).await?)
    };
    match probed.await {
        Ok(SandboxLevel::Namespaces) => (
            Verdict::Good,
            "sandbox: Landlock, a filter of system calls, and namespaces".to_owned(),
        ),
        Ok(level @ (SandboxLevel::Landlock | SandboxLevel::None)) => (
            Verdict::Note,
            format!(
                "sandbox: {level}; where ordinary users may make namespaces, compilers are kept from each other, too, and binaries can be asked what they hold"
            ),
        ),
        Err(error) => (Verdict::Missing, format!("sandbox: {error}")),
    }
}

fn nats_server(args: &DoctorArgs) -> (Verdict, String) {
    if args.nats.url.is_some() {
        return (
            Verdict::Good,
            "nats-server: not needed, NATS_URL names one".to_owned(),
        );
    }
    match find_in_path("nats-server") {
        Some(program) => (Verdict::Good, format!("nats-server: {}", program.display())),
        None => (
            Verdict::Note,
            format!(
                "nats-server: not installed; `wombat up` builds {NATS_SERVER_MODULE} {} once",
                pinned_version()
            ),
        ),
    }
}

async fn nats(args: &DoctorArgs) -> (Verdict, String) {
    let Some(_) = &args.nats.url else {
        return (
            Verdict::Note,
            "NATS: NATS_URL isn't set; `wombat up` brings its own, separate roles need it"
                .to_owned(),
        );
    };
    let connection = match Connection::open(&args.nats, "doctor", Duration::from_secs(5)).await {
        Ok(connection) => connection,
        Err(error) => return (Verdict::Missing, format!("NATS: {error}")),
    };
    match Store::open(&connection).await {
        Ok(_) => (
            Verdict::Good,
            "NATS: connected, every bucket is there".to_owned(),
        ),
        Err(error) => (Verdict::Missing, format!("NATS: connected, but {error}")),
    }
}
