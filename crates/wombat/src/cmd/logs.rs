//! `wombat logs`.

use anyhow::bail;
use reqwest::Method;
use wombat_model::{
    BuildKey,
    log::LogEvent,
    plain_text::{Form, plain},
};

use crate::{
    client::{BuildEvent, EventStream, Server, ServerArgs},
    output::{print, print_json_line},
};

/// Show the log of a build
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  wombat logs build.linux.amd64.1_26_8.…
  wombat logs -f build.linux.amd64.1_26_8.…    # until it is finished")]
pub(crate) struct LogsArgs {
    /// The build's id
    id: BuildKey,
    /// Keep printing until the build is finished
    #[arg(long, short)]
    follow: bool,
    /// Print entries as JSON, one per line; only with --follow
    #[arg(long, requires = "follow")]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: LogsArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    if !args.follow {
        let response = server
            .send(server.request(Method::GET, &format!("/api/builds/{}/log", args.id)))
            .await?;
        let text = response
            .text()
            .await
            .map_err(|source| server.unreachable(source))?;
        print(text.trim_end());
        return Ok(());
    }
    let mut events = EventStream::open(&server, &args.id);
    loop {
        match events.next().await? {
            BuildEvent::Log(logged) if args.json => print_json_line(&logged)?,
            BuildEvent::Log(logged) => match &logged.entry.event {
                // On one line each, whatever a server sends: the lines that begin with `==` are this command's.
                LogEvent::Lines { lines } => {
                    for line in lines {
                        print(&plain(line, Form::Line));
                    }
                }
                LogEvent::Claimed { builder, .. } => print(&format!("== {builder} builds it")),
                LogEvent::Phase {
                    phase,
                    progress: None,
                } => print(&format!("== {}", phase.as_str())),
                LogEvent::Phase {
                    progress: Some(_), ..
                } => {}
                LogEvent::Gap { dropped, bytes } => print_gap(*dropped, *bytes),
                LogEvent::End { status } => print(&format!("== {status}")),
            },
            BuildEvent::Gap(dropped, bytes) if args.json => {
                print_json_line(
                    &serde_json::json!({ "event": "gap", "dropped": dropped, "bytes": bytes }),
                )?;
            }
            BuildEvent::Gap(dropped, bytes) => print_gap(dropped, bytes),
            BuildEvent::Removed => {
                bail!(
                    "the build `{}` was removed together with its log; request the build again",
                    args.id
                )
            }
            BuildEvent::Build(_) | BuildEvent::Reset => {}
            BuildEvent::End => return Ok(()),
        }
    }
}

fn print_gap(dropped: u64, bytes: Option<u64>) {
    print(&format!("== {}", LogEvent::missing(dropped, bytes)));
}
