//! `wombat cancel`.

use reqwest::Method;
use wombat_model::BuildKey;

use crate::client::{Server, ServerArgs, print_build};

/// Stop a waiting or running build
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
    let view = server.build(Method::DELETE, &args.id).await?;
    print_build(&view, args.json)
}
