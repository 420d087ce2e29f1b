//! `wombat catalog make-go-releases`: renews the file of Go releases that comes with the program.

use std::path::{Path, PathBuf};

use anyhow::Context;
use wombat_go::{GoOptions, catalog_import::Effort};
use wombat_model::catalog::GoReleases;

use super::workshop::{STATE, workshop};
use crate::{
    output::print,
    state_directory::{StateArgs, StateDirectory},
};

/// Add the module proxy's Go releases to a catalog file, with their checksums
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The releases are those in the module proxy's list of golang.org/toolchain; `go` looks up their checksums in the checksum \
database. What the file has stays. Needs Go.

Example:
  wombat catalog make-go-releases go-releases.json")]
pub(super) struct MakeGoReleasesArgs {
    /// File to renew; it is made if it doesn't exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    state: StateArgs,
}

pub(super) async fn make_go_releases(args: MakeGoReleasesArgs) -> anyhow::Result<()> {
    let mut list = read(&args.file)?;
    let state = StateDirectory::open(&args.state, STATE)?;
    let workshop = workshop(&args.go, &state).await?;
    let found = workshop
        .new_go_releases(&list, &Effort::by_hand().scope())
        .await?;
    list.add_all(&found);
    let text = serde_json::to_string_pretty(&list)? + "\n";
    wombat_files::store_file(&args.file, text.as_bytes())
        .with_context(|| format!("writing {}", args.file.display()))?;
    let new: Vec<String> = found
        .versions()
        .map(|version| version.to_string())
        .collect();
    print(&match &new[..] {
        [] => format!("{}: nothing new", args.file.display()),
        new => format!("{}: {}", args.file.display(), new.join(", ")),
    });
    Ok(())
}

/// The list in a file; an empty one if there is no file yet.
#[expect(
    clippy::disallowed_methods,
    reason = "called by a command that does nothing else"
)]
pub(super) fn read(path: &Path) -> anyhow::Result<GoReleases> {
    let reading = || format!("reading {}", path.display());
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).with_context(reading),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(GoReleases::default()),
        Err(error) => Err(error).with_context(reading),
    }
}
