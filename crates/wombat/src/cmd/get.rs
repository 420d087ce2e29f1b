//! `wombat get`.

use reqwest::Method;
use wombat_model::{BuildKey, wire::BuildView};

use crate::{
    client::{Server, ServerArgs, describe},
    output::print,
};

/// Show one build
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GetArgs {
    /// The build's id
    id: BuildKey,
    /// Print the build as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: GetArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let view: BuildView = server
        .json(server.request(Method::GET, &format!("/api/builds/{}", args.id)))
        .await?;
    print(&if args.json {
        serde_json::to_string_pretty(&view)?
    } else {
        describe(&view)
    });
    Ok(())
}
