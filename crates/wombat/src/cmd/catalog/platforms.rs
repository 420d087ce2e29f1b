//! `wombat catalog platforms`.

use std::path::PathBuf;

use wombat_go::{GoOptions, catalog_import::Untried};
use wombat_model::{Platform, catalog::PlatformSupport};

use super::{
    release::{read_release, write_release},
    workshop::{STATE, workshop},
};
use crate::{
    output::print,
    state_directory::{StateArgs, StateDirectory},
};

/// Compile the packages of a release for every platform, and note which fail
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Takes minutes per platform, hours for all. The file is written after every platform, and known results aren't tried again: \
stop it at any time and start it once more.

Examples:
  wombat catalog platforms connect-v4.105.0.json
  wombat catalog platforms connect-v4.105.0.json --platform linux/arm64 --platform darwin/arm64")]
pub(super) struct PlatformsArgs {
    /// File of a release, as `wombat catalog make` writes it
    #[arg(value_name = "FILE")]
    release: PathBuf,
    /// Platform to try (repeatable) [default: all]
    #[arg(long = "platform", value_name = "GOOS/GOARCH")]
    platforms: Vec<Platform>,
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    state: StateArgs,
}

pub(super) async fn platforms(args: PlatformsArgs) -> anyhow::Result<()> {
    let mut release = read_release(&args.release)?;
    let platforms = if args.platforms.is_empty() {
        Platform::ALL.to_vec()
    } else {
        args.platforms
    };
    let state = StateDirectory::open(&args.state, STATE)?;
    let workshop = workshop(&args.go, &state).await?;
    for untried in Untried::of(&release, &platforms) {
        let (platform, packages) = (untried.platform(), untried.packages());
        untried.compile(&workshop, &mut release).await?;
        write_release(&args.release, &release)?;
        let compiles = release
            .packages
            .iter()
            .filter(|package| package.platforms.get(&platform) == Some(&PlatformSupport::Compiles));
        print(&format!(
            "{platform}: {packages} packages tried, {} compile",
            compiles.count()
        ));
    }
    Ok(())
}
