//! `wombat download`.

use std::path::PathBuf;

use reqwest::Method;
use wombat_model::BuildKey;

use crate::{
    client::{DownloadOptions, Server, ServerArgs, download},
    output::print_path,
};

/// Download the binary of a finished build
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DownloadArgs {
    /// The build's id
    id: BuildKey,
    /// File for the binary [default: the distribution's name, with .exe for Windows]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: DownloadArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let view = server.build(Method::GET, &args.id).await?;
    let file = download(
        &server,
        &view,
        &DownloadOptions {
            output: args.output,
            replace: false,
            bar: true,
        },
    )
    .await?;
    print_path(&file);
    Ok(())
}
