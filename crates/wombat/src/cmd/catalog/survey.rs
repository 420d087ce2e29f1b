//! `wombat catalog survey`.

use std::path::PathBuf;

use anyhow::Context;
use time::OffsetDateTime;
use wombat_go::{
    GoOptions,
    catalog_import::{Effort, ImportRequest, Importer},
};
use wombat_model::Platform;

use super::{
    release::{read_release, write_release},
    sources::Sources,
    workshop::{STATE, workshop},
};
use crate::{
    output::print,
    state_directory::{StateArgs, StateDirectory},
};

/// Add to the file of a release what the source of its packages says
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Finds the SQL drivers that the module requires and measures them, the components that are enterprise features, the components \
that packages lack on some platforms, and what packages share in a binary. Builds one binary per driver; `wombat catalog make` \
does the same for a new file.

Example:
  wombat catalog survey connect-v4.105.0.json --sources connect.json")]
pub(super) struct SurveyArgs {
    /// File of a release, as `wombat catalog make` writes it
    #[arg(value_name = "FILE")]
    release: PathBuf,
    /// JSON file with the packages to include and their descriptions
    #[arg(long, value_name = "FILE")]
    sources: PathBuf,
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    state: StateArgs,
}

pub(super) async fn survey(args: SurveyArgs) -> anyhow::Result<()> {
    let mut release = read_release(&args.release)?;
    let sources = Sources::read(&args.sources).await?;
    let host: Platform = wombat_model::this_machine()
        .parse()
        .context("the binaries have to run on this machine")?;
    let go = release.go_versions.first().copied();
    let request = ImportRequest {
        module: release.module.clone(),
        version: release.version.clone(),
        title: release.title.clone(),
        go: go.context("the release names no Go version")?,
        go_versions: release.go_versions.clone(),
        lowest_go: release.lowest_go,
        component_root: release.component_root.clone(),
        packages: sources.packages,
        excluded: sources.excluded,
        base: sources.base,
        base_module: sources.base_module,
    };
    let state = StateDirectory::open(&args.state, STATE)?;
    let workshop = workshop(&args.go, &state).await?;
    let effort = Effort::by_hand();
    let now = OffsetDateTime::now_utc();
    let plan = Importer::plan(&workshop, request, now, host, &effort).await?;
    let importer = Importer::new(&workshop, &plan, effort);
    importer.survey(&mut release).await?;
    write_release(&args.release, &release)?;
    let enterprise = release.packages.iter().map(|it| it.enterprise.len());
    print(&format!(
        "{} {}: {} drivers, {} enterprise features, {} shared parts",
        release.module,
        release.version,
        release.drivers.len(),
        enterprise.sum::<usize>(),
        release.shared.len()
    ));
    Ok(())
}
