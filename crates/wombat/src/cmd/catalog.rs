//! `wombat catalog`: makes catalog releases from real modules.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use wombat_builder::{
    catalog_import::{ImportRequest, Imported, Importer, Untried},
    go::{GoOptions, LicencePolicy, Workshop},
};
use wombat_model::{
    GoVersion, ImportPath, ModulePath, ModuleVersion, Platform,
    catalog::{PlatformSupport, Release},
};

use crate::{
    machine::this_machine,
    output::print,
    state_directory::{StateArgs, StateDirectory},
};

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
    Import(ImportArgs),
    Platforms(PlatformsArgs),
}

/// Make a release of the catalog from the real module
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Builds each package of the module for this machine and runs the binaries, to ask them what they hold. So name only modules that you trust.

Example:
  wombat catalog import github.com/redpanda-data/connect/v4@v4.105.0 \\
    --sources connect.json --go-version 1.26.8 --go-version 1.26.5 --output connect-v4.105.0.json \\
    --components connect-v4.105.0")]
struct ImportArgs {
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

/// Compile the packages of a release for every target and note which don't
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Takes minutes for each target, hours for all. The file is written after every target, and what it knows isn't tried again: stop \
it when you like and start it once more.

Examples:
  wombat catalog platforms connect-v4.105.0.json
  wombat catalog platforms connect-v4.105.0.json --platform linux/arm64 --platform darwin/arm64")]
struct PlatformsArgs {
    /// A release, as `wombat catalog import` writes it
    #[arg(value_name = "FILE")]
    release: PathBuf,
    /// Only this target; may be repeated
    #[arg(long = "platform", value_name = "GOOS/GOARCH")]
    platforms: Vec<Platform>,
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

pub(crate) async fn run(args: CatalogArgs) -> anyhow::Result<()> {
    match args.command {
        CatalogCommand::Import(args) => import(args).await,
        CatalogCommand::Platforms(args) => platforms(args).await,
    }
}

async fn import(args: ImportArgs) -> anyhow::Result<()> {
    let (module, version) = args
        .release
        .split_once('@')
        .with_context(|| format!("`{}` isn't module@version", args.release))?;
    let module: ModulePath = module.parse()?;
    let version: ModuleVersion = version.parse()?;
    version.check_for(&module)?;
    let text = std::fs::read(&args.sources)
        .with_context(|| format!("reading {}", args.sources.display()))?;
    let sources: Sources = serde_json::from_slice(&text)
        .with_context(|| format!("reading {}", args.sources.display()))?;
    ensure!(
        !sources.packages.is_empty(),
        "{} names no packages",
        args.sources.display()
    );
    let host: Platform = this_machine()
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
        base: sources.base,
        base_module: sources.base_module,
    };
    let imported = Importer::new(&workshop, request, host).await?.run().await?;
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

async fn platforms(args: PlatformsArgs) -> anyhow::Result<()> {
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
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("writing {}", path.display()))
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
    Ok(std::fs::write(path, lines.join("\n") + "\n")?)
}
