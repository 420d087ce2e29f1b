//! `wombat catalog`: imports releases of modules into a running catalog (*import*), and makes those that come with the
//! program (*make*, *platforms*).

mod import;
mod make;
mod platforms;
mod release;
mod workshop;

/// Manage the catalog of modules
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CatalogArgs {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum CatalogCommand {
    Import(import::ImportArgs),
    Imports(import::ImportsArgs),
    Make(make::MakeArgs),
    Platforms(platforms::PlatformsArgs),
}

pub(crate) async fn run(args: CatalogArgs) -> anyhow::Result<()> {
    match args.command {
        CatalogCommand::Import(args) => import::import(args).await,
        CatalogCommand::Imports(args) => import::imports(args).await,
        CatalogCommand::Make(args) => make::make(args).await,
        CatalogCommand::Platforms(args) => platforms::platforms(args).await,
    }
}
