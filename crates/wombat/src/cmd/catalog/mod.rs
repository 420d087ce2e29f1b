//! `wombat catalog`: imports releases of modules into a running catalog (*import*), shows its Go releases
//! (*go-releases*), and makes what comes with the program (*make*, *platforms*, *survey*,
//! *make-go-releases*).

mod go_releases;
mod import;
mod make;
mod make_go_releases;
mod platforms;
mod release;
mod sources;
mod survey;
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
    GoReleases(go_releases::GoReleasesArgs),
    Make(Box<make::MakeArgs>),
    MakeGoReleases(make_go_releases::MakeGoReleasesArgs),
    Platforms(platforms::PlatformsArgs),
    Survey(survey::SurveyArgs),
}

pub(crate) async fn run(args: CatalogArgs) -> anyhow::Result<()> {
    match args.command {
        CatalogCommand::Import(args) => import::import(args).await,
        CatalogCommand::Imports(args) => import::imports(args).await,
        CatalogCommand::GoReleases(args) => go_releases::go_releases(args).await,
        CatalogCommand::Make(args) => make::make(*args).await,
        CatalogCommand::MakeGoReleases(args) => make_go_releases::make_go_releases(args).await,
        CatalogCommand::Platforms(args) => platforms::platforms(args).await,
        CatalogCommand::Survey(args) => survey::survey(args).await,
    }
}
