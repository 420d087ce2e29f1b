//! `wombat catalog make`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use wombat_go::{
    GoOptions,
    catalog_import::{Effort, ImportRequest, Imported, Importer},
};
use wombat_model::{GoVersion, ImportPath, ModulePath, Platform};

use super::{
    release::{parse_release, read_release, write_release},
    workshop::{STATE, workshop},
};
use crate::{
    output::print,
    state_directory::{StateArgs, StateDirectory},
};

/// Make the catalog file of a release from the module itself
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Builds each package of the module for this machine and runs the binaries to list their components. Name only modules that you trust.

Example:
  wombat catalog make github.com/redpanda-data/connect/v4@v4.105.0 \\
    --sources connect.json --go-version 1.26.8 --go-version 1.26.5 --output connect-v4.105.0.json \\
    --components connect-v4.105.0")]
pub(super) struct MakeArgs {
    /// The module and its version
    #[arg(value_name = "MODULE@VERSION")]
    release: String,
    /// JSON file with the packages to include and their descriptions
    #[arg(long, value_name = "FILE")]
    sources: PathBuf,
    /// Go version to offer for the release (repeatable, newest first)
    #[arg(
        long = "go-version",
        alias = "go-versions",
        required = true,
        value_name = "VERSION"
    )]
    go_versions: Vec<GoVersion>,
    /// File to write the release to
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Folder to write the configuration schemas of the components to, one file per package
    #[arg(long, value_name = "DIR")]
    components: Option<PathBuf>,
    /// Also write the documentation of the components
    #[arg(long, requires = "components")]
    with_words: bool,
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    state: StateArgs,
}

/// What the module itself doesn't say, so that people write it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sources {
    title: String,
    component_root: String,
    base_module: ModulePath,
    base: Vec<ImportPath>,
    /// Folder below the root, and its description.
    packages: BTreeMap<String, String>,
    /// Folder below the root that can't be selected, and why.
    #[serde(default)]
    excluded: BTreeMap<String, String>,
}

pub(super) async fn make(args: MakeArgs) -> anyhow::Result<()> {
    let (module, version) = parse_release(&args.release)?;
    let text = tokio::fs::read(&args.sources)
        .await
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
        .context("the binaries have to run on this machine")?;

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
        // An import doesn't change where a version compiles, and finding that out again takes hours.
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

/// One file per package and one line per component, so that diffs are readable.
#[expect(
    clippy::disallowed_methods,
    reason = "called by a command that does nothing else"
)]
fn write_components(folder: &Path, imported: &Imported) -> anyhow::Result<()> {
    if folder.exists() {
        // Files of an earlier import must not stay.
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        make: MakeArgs,
    }

    #[test]
    fn go_releases_may_have_the_name_that_they_have_in_the_catalog() {
        let wanted: GoVersion = "1.26.8".parse().unwrap();
        for flag in ["--go-version", "--go-versions"] {
            let files = ["--sources", "sources.json", "--output", "release.json"];
            let words = ["make", "a.b/c@v1.0.0", flag, "1.26.8"];
            let line = Line::try_parse_from(words.into_iter().chain(files)).unwrap();
            assert_eq!(line.make.go_versions, [wanted], "{flag}");
        }
    }
}
