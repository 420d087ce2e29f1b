//! `wombat doctor`: checks what the roles need, and says how to fix what is missing.

mod finding;
mod go;
mod machine;
mod nats;
mod unreadable;

use anyhow::bail;
use wombat_go::GoOptions;
use wombat_store::NatsArgs;

use crate::{output::print, state_directory::StateArgs};
use finding::Verdict;

/// Check what is needed to run, and say how to fix what is missing
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    state: StateArgs,
}

pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<()> {
    let nats = Box::pin(nats::look(&args.nats)).await;
    let mut findings = go::findings(&args.go, &args.state, nats.go_releases).await;
    findings.extend([
        machine::sandbox().await,
        machine::cgroups(),
        machine::open_files(),
        machine::disk(&args.state),
        nats::server(&args.nats),
    ]);
    findings.extend(nats.findings);
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
