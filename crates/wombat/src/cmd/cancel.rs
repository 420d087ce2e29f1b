//! `wombat cancel`.

use reqwest::Method;
use wombat_model::{BuildKey, wire::BuildView};

use crate::{
    client::{Server, ServerArgs, describe},
    output::print,
};

/// Stop a build that waits or runs
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CancelArgs {
    /// The build's id
    id: BuildKey,
    /// Print the build as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: CancelArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let view: BuildView = server
        .json(server.request(Method::DELETE, &format!("/api/builds/{}", args.id)))
        .await?;
    print(&if args.json {
        serde_json::to_string_pretty(&view)?
    } else {
        describe(&view)
    });
    Ok(())
}
