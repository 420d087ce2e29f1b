//! `wombat catalog make`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Serialize;
use time::OffsetDateTime;
use wombat_go::{
    GoOptions,
    catalog_import::{
        Effort, ImportRequest, Imported, Importer, assemble, lowest_go, module_graph,
    },
};
use wombat_model::{GoLine, GoVersion, Platform};

use super::{
    make_go_releases::read as read_go_releases,
    release::{parse_release, read_release, write_release},
    sources::Sources,
    workshop::{STATE, workshop},
};
use crate::{
    output::print,
    state_directory::{StateArgs, StateDirectory},
};

/// Make the catalog file of a release from the module itself
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Builds each package of the module for this machine and runs the binaries to list their components. Name only modules that you trust. \
Packages whose dependencies the module proxy refuses are noted as such; servers try them again daily.

Example:
  wombat catalog make github.com/redpanda-data/connect/v4@v4.105.0 \\
    --sources connect.json --go-line 1.26 --go-releases go-releases.json --output connect-v4.105.0.json \\
    --components connect-v4.105.0")]
pub(super) struct MakeArgs {
    /// The module and its version
    #[arg(value_name = "MODULE@VERSION")]
    release: String,
    /// JSON file with the packages to include and their descriptions
    #[arg(long, value_name = "FILE")]
    sources: PathBuf,
    /// Go version that the release is known to be built with; the first one builds it (repeatable, newest first)
    #[arg(
        long = "go-version",
        alias = "go-versions",
        required_unless_present = "go_lines",
        value_name = "VERSION"
    )]
    go_versions: Vec<GoVersion>,
    /// Line of Go versions that the release is known to be built with, such as 1.26: all of --go-releases that its go.mod
    /// allows; the newest of the first line builds it (repeatable, newest first)
    #[arg(
        long = "go-line",
        requires = "go_releases",
        conflicts_with = "go_versions",
        value_name = "LINE"
    )]
    go_lines: Vec<GoLine>,
    /// File with the Go releases, as `wombat catalog make-go-releases` writes it
    #[arg(long, value_name = "FILE")]
    go_releases: Option<PathBuf>,
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

pub(super) async fn make(args: MakeArgs) -> anyhow::Result<()> {
    let (module, version) = parse_release(&args.release)?;
    let sources = Sources::read(&args.sources).await?;
    ensure!(
        !sources.packages.is_empty(),
        "{} names no packages",
        args.sources.display()
    );
    let host: Platform = wombat_model::this_machine()
        .parse()
        .context("the binaries have to run on this machine")?;

    let known = read_release(&args.output).ok();
    let wanted = wanted_go(&args)?;
    let state = StateDirectory::open(&args.state, STATE)?;
    let workshop = workshop(&args.go, &state).await?;
    let effort = Effort::by_hand();
    let go_mod = module_graph(&workshop, (&module, &version), wanted[0], host, &effort).await?;
    let lowest_go = lowest_go(&go_mod);
    let go_versions: Vec<GoVersion> = wanted
        .into_iter()
        .filter(|go| lowest_go.is_none_or(|lowest| *go >= lowest))
        .collect();
    let go = *go_versions
        .first()
        .context("the module needs a newer Go than those of --go-version or --go-line")?;
    let request = ImportRequest {
        module,
        version,
        title: sources.title,
        go,
        go_versions,
        lowest_go,
        component_root: sources.component_root,
        packages: sources.packages,
        excluded: sources.excluded,
        base: sources.base,
        base_module: sources.base_module,
    };
    let now = OffsetDateTime::now_utc();
    let plan = Importer::plan(&workshop, request, now, host, &effort).await?;
    let importer = Importer::new(&workshop, &plan, effort);
    let mut assembled = assemble(&plan, importer.every_package().await?, now)?;
    importer.survey(&mut assembled.release).await?;
    let assembled = if args.with_words {
        assembled
    } else {
        assembled.without_words()
    };
    if let Some(folder) = &args.components {
        write_components(folder, &assembled)
            .with_context(|| format!("writing into {}", folder.display()))?;
    }
    let mut release = assembled.release;
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
    for (path, why) in &release.unfetched {
        print(&format!(
            "{path} couldn't be tried, so the release lacks it: {}",
            why.reason
        ));
    }
    Ok(())
}

/// The Go versions that the options name, best first; at least one.
fn wanted_go(args: &MakeArgs) -> anyhow::Result<Vec<GoVersion>> {
    let Some(file) = &args.go_releases else {
        return Ok(args.go_versions.clone());
    };
    let mut wanted = args.go_versions.clone();
    let list = read_go_releases(file)?;
    for line in &args.go_lines {
        let of_line = list.versions().filter(|version| version.line() == *line);
        let mut of_line: Vec<GoVersion> = of_line.collect();
        ensure!(!of_line.is_empty(), "{} has no Go {line}", file.display());
        of_line.reverse();
        wanted.extend(of_line);
    }
    Ok(wanted)
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

    #[test]
    fn a_line_stands_for_all_its_releases() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let list = r#"{"releases":[{"version":"1.27.4","sums":{}},{"version":"1.26.8","sums":{}},{"version":"1.26.11","sums":{}}]}"#;
        wombat_files::store_file(file.path(), list.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        let files = ["--sources", "s", "--output", "r", "--go-releases", path];
        let make = |more: &[&str]| {
            let words = ["make", "a.b/c@v1.0.0"].iter().chain(&files).chain(more);
            Line::try_parse_from(words.copied()).map(|line| wanted_go(&line.make))
        };
        let wanted = make(&["--go-line", "1.26"]).unwrap().unwrap();
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        assert_eq!(wanted, ["1.26.11", "1.26.8"]);
        assert!(make(&["--go-line", "1.28"]).unwrap().is_err());
        assert!(make(&[]).is_err(), "neither a version nor a line");
        let both = ["--go-line", "1.26", "--go-version", "1.26.8"];
        assert!(make(&both).is_err());
    }
}
