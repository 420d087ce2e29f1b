//! `wombat catalog make`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use wombat_builder::{
    catalog_import::{Effort, ImportRequest, Imported, Importer},
    go::GoOptions,
};
use wombat_model::{GoVersion, ImportPath, ModulePath, Platform};

use super::{STATE, parse_release, read_release, workshop, write_release};
use crate::{
    output::print,
    state_directory::{StateArgs, StateDirectory},
};

/// Make a release of the catalog from the real module, in a file
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Builds each package of the module for this machine and runs the binaries, to ask them what they hold. So name only modules that you trust.

Example:
  wombat catalog make github.com/redpanda-data/connect/v4@v4.105.0 \\
    --sources connect.json --go-version 1.26.8 --go-version 1.26.5 --output connect-v4.105.0.json \\
    --components connect-v4.105.0")]
pub(super) struct MakeArgs {
    /// The module and its version
    #[arg(value_name = "MODULE@VERSION")]
    release: String,
    /// File that names the packages, with a line on each
    #[arg(long, value_name = "FILE")]
    sources: PathBuf,
    /// A Go release on offer; may be repeated, newest first
    #[arg(long = "go-version", required = true, value_name = "VERSION")]
    go_versions: Vec<GoVersion>,
    /// Where the release goes
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Folder for what the components of each package are configured with
    #[arg(long, value_name = "DIR")]
    components: Option<PathBuf>,
    /// Keep the words of the components' makers, too
    #[arg(long, requires = "components")]
    with_words: bool,
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    state: StateArgs,
}

/// What people have to say of a module: everything else comes from the module.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sources {
    title: String,
    component_root: String,
    base_module: ModulePath,
    base: Vec<ImportPath>,
    /// Folder below the root, and a line on it.
    packages: BTreeMap<String, String>,
    /// Folder below the root that can't be picked, and why.
    #[serde(default)]
    excluded: BTreeMap<String, String>,
}

pub(super) async fn make(args: MakeArgs) -> anyhow::Result<()> {
    let (module, version) = parse_release(&args.release)?;
    let text = std::fs::read(&args.sources)
        .with_context(|| format!("reading {}", args.sources.display()))?;
    let sources: Sources = serde_json::from_slice(&text)
        .with_context(|| format!("reading {}", args.sources.display()))?;
    ensure!(
        !sources.packages.is_empty(),
        "{} names no packages",
        args.sources.display()
    );
    let host: Platform = wombat_model::this_machine()
        .parse()
        .context("binaries are asked on this machine")?;

    let known = read_release(&args.output).ok();
    let state = StateDirectory::open(&args.state, STATE)?;
    let workshop = workshop(&args.go, &state).await?;
    let request = ImportRequest {
        module,
        version,
        title: sources.title,
        go: args.go_versions[0],
        go_versions: args.go_versions,
        component_root: sources.component_root,
        packages: sources.packages,
        excluded: sources.excluded,
        leave_out_failing: false,
        base: sources.base,
        base_module: sources.base_module,
    };
    let imported = Importer::new(&workshop, request, host, Effort::by_hand())
        .await?
        .run(|_, _| ())
        .await?;
    let imported = if args.with_words {
        imported
    } else {
        imported.without_words()
    };
    if let Some(folder) = &args.components {
        write_components(folder, &imported)
            .with_context(|| format!("writing into {}", folder.display()))?;
    }
    let mut release = imported.release;
    if let Some(known) = known {
        // Another import doesn't change where a version compiles, and to find it out again takes hours.
        release.keep_platforms(&known);
    }
    write_release(&args.output, &release)?;
    print(&format!(
        "{} {}: {} packages",
        release.module,
        release.version,
        release.packages.len()
    ));
    Ok(())
}

/// A file for each package, with a line for each component, so that differences can be read.
fn write_components(folder: &Path, imported: &Imported) -> anyhow::Result<()> {
    if folder.exists() {
        // What a package had before must not stay.
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    let release = &imported.release;
    let root = format!("{}/{}/", release.module, release.component_root);
    let bringing = imported.documentation.iter();
    for package in bringing.filter(|package| !package.components.is_empty()) {
        let name = package.path.as_str();
        let name = name.strip_prefix(&root).unwrap_or(name).replace('/', "-");
        write_lines(&folder.join(format!("{name}.jsonl")), &package.components)?;
    }
    write_lines(&folder.join("stream.jsonl"), &imported.stream)
}

fn write_lines(path: &Path, items: &[impl Serialize]) -> anyhow::Result<()> {
    let lines = items.iter().map(serde_json::to_string);
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    let text = lines.join("\n") + "\n";
    Ok(wombat_files::store_file(path, text.as_bytes())?)
}
