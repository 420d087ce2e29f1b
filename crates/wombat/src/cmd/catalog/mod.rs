//! `wombat catalog`: brings releases of modules into a running catalog (*import*), and makes those that come with the program
//! (*make*, *platforms*).

mod import;
mod make;
mod platforms;

use std::path::Path;

use anyhow::Context;
use wombat_builder::go::{GoOptions, LicencePolicy, Workshop};
use wombat_model::{ModulePath, ModuleVersion, catalog::Release};

use crate::state_directory::StateDirectory;

/// Folder of this work in the state directory.
const STATE: &str = "catalog-import";

/// Work on the catalog of modules
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

/// `module@version`.
fn parse_release(text: &str) -> anyhow::Result<(ModulePath, ModuleVersion)> {
    let (module, version) = text
        .split_once('@')
        .with_context(|| format!("`{text}` isn't module@version"))?;
    let module: ModulePath = module.parse()?;
    let version: ModuleVersion = version.parse()?;
    version.check_for(&module)?;
    Ok((module, version))
}

async fn workshop(go: &GoOptions, state: &StateDirectory) -> anyhow::Result<Workshop> {
    let folder = state.path().join(STATE);
    let helper = std::env::current_exe().context("finding this program")?;
    let settings = go.discover(&folder, helper).await?;
    Ok(Workshop::new(settings, &folder, LicencePolicy::AcceptRcl).await?)
}

fn read_release(path: &Path) -> anyhow::Result<Release> {
    let reading = || format!("reading {}", path.display());
    let text = std::fs::read(path).with_context(reading)?;
    serde_json::from_slice(&text).with_context(reading)
}

/// Whole or not at all, as hours of work may be in the file.
fn write_release(path: &Path, release: &Release) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(release)? + "\n";
    wombat_files::store_file(path, text.as_bytes())
        .with_context(|| format!("writing {}", path.display()))
}
