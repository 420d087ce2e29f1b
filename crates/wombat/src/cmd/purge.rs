//! `wombat purge`.

use reqwest::Method;
use wombat_model::{BuildKey, wire::PurgeAnswer};

use crate::{
    client::{Server, ServerArgs},
    output::print,
};

/// Remove a finished build: its record, binary and log
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Needs a token with the role `admin` (--token-file, WOMBAT_TOKEN).
A later request for the same build builds it again.

Example:
  wombat purge build.linux.amd64.1_26_8.a76d2a65…"
)]
pub(crate) struct PurgeArgs {
    /// The build's id
    id: BuildKey,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: PurgeArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let path = format!("/api/builds/{}?purge=1", args.id);
    let gone: PurgeAnswer = server.json(server.request(Method::DELETE, &path)).await?;
    print(&format!(
        "Removed {} and freed {} bytes.",
        gone.id, gone.bytes
    ));
    Ok(())
}
