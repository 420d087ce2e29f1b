//! `wombat doctor`: looks at what the roles need, and says how to get what is missing.

mod go;
mod machine;
mod nats;

use anyhow::bail;
use wombat_builder::go::GoOptions;
use wombat_store::NatsArgs;

use crate::{output::print, state_directory::StateArgs};

/// Say what is missing, and how to get it
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    state: StateArgs,
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Good,
    /// It works, but less well.
    Note,
    Missing,
}

/// A verdict, and a sentence on what was found and what to do.
type Finding = (Verdict, String);

pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<()> {
    let mut findings = go::findings(&args.go).await;
    findings.extend([
        machine::sandbox().await,
        machine::disk(&args.state),
        nats::server(&args.nats),
    ]);
    findings.extend(Box::pin(nats::findings(&args.nats)).await);
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
