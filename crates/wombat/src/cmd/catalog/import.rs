//! `wombat catalog import` and `wombat catalog imports`: requests an import, and shows the progress of imports.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Method;
use wombat_model::{
    GoVersion,
    catalog::{Import, ImportState},
    wire::{ImportQuestion, ImportsAnswer},
};

use super::release::parse_release;
use crate::{
    client::{Progress, Server, ServerArgs},
    exit::Interrupted,
    output::{print, print_json},
    signals::Signals,
};

/// The path of imports.
const PATH: &str = "/api/catalog/imports";
/// Time between checks of an import.
const LOOK: Duration = Duration::from_secs(1);

/// Import a release of a module into the catalog of a server
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
A builder builds each package of the module and runs the binaries in its sandbox to list their components; a module with many \
packages takes long. Afterwards every instance of the service knows the release and the documentation of its components. \
Importing a release again replaces it.

Needs a token (--token-file, WOMBAT_TOKEN) of an `admin`.

Examples:
  wombat catalog import github.com/redpanda-data/benthos/v4@v4.77.0
  wombat catalog import github.com/acme/parts@v1.2.3 --no-wait")]
pub(super) struct ImportArgs {
    /// The module and its version
    #[arg(value_name = "MODULE@VERSION")]
    release: String,
    /// Go version to build the release with, which makes its line the default; others that its go.mod allows are on offer, too
    /// (repeatable) [default: those of the module's newest release in the catalog]
    #[arg(long = "go-version", aliases = ["go", "go-versions"], value_name = "VERSION")]
    go_versions: Vec<GoVersion>,
    /// Import the module even if it registers names that official components have, such as `nats`. These names go on meaning the
    /// official ones; a build gets the module's only if it picks the package by its path
    #[arg(long)]
    allow_known_names: bool,
    /// Request the import, and don't wait for its end
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Show imports and their progress
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ImportsArgs {
    /// Print the imports as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn import(args: ImportArgs) -> anyhow::Result<()> {
    let (module, version) = parse_release(&args.release)?;
    let server = Server::new(&args.server)?;
    let question = ImportQuestion {
        module: module.to_string(),
        version: version.to_string(),
        go_versions: args.go_versions.iter().map(ToString::to_string).collect(),
        allow_known_names: args.allow_known_names,
    };
    let request = server
        .request(Method::POST, PATH)
        .body(serde_json::to_string(&question)?);
    let import: Import = server.json(request).await?;
    if args.no_wait {
        print(&line(&import));
        return Ok(());
    }
    let mut signals = Signals::listen()?;
    tokio::select! {
        ended = see_through(&server, import) => ended,
        () = signals.next() => Err(Interrupted(format!(
            "Interrupted; the import continues on the server. `wombat catalog imports{}` shows its progress.",
            args.server.flag()
        ))
        .into()),
    }
}

/// Waits for the end of an import.
async fn see_through(server: &Server, mut import: Import) -> anyhow::Result<()> {
    let progress = Progress::new(false);
    let mut shown = String::new();
    while !import.is_over() {
        let now = line(&import);
        if now != shown {
            progress.line(&now);
            shown = now;
        }
        tokio::time::sleep(LOOK).await;
        let all: ImportsAnswer = server.json(server.request(Method::GET, PATH)).await?;
        let mut all = all.imports.into_iter();
        let same = all.find(|it| (&it.module, &it.version) == (&import.module, &import.version));
        import = same.context("the server no longer lists this import")?;
    }
    if let ImportState::Failed { message, .. } = &import.state {
        bail!(
            "{}@{} can't be imported: {message}",
            import.module,
            import.version
        );
    }
    print(&line(&import));
    Ok(())
}

pub(super) async fn imports(args: ImportsArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let all: ImportsAnswer = server.json(server.request(Method::GET, PATH)).await?;
    if args.json {
        print_json(&all)?;
        return Ok(());
    }
    for import in &all.imports {
        print(&line(import));
    }
    Ok(())
}

fn line(import: &Import) -> String {
    let state = match &import.state {
        ImportState::New => "waits for a builder".to_owned(),
        ImportState::Importing { builder, of: 0, .. } => format!("{builder} lists its packages"),
        ImportState::Importing {
            done,
            of,
            seconds_left,
            ..
        } => {
            let left = seconds_left
                .map_or_else(String::new, |left| format!(", about {} left", rough(left)));
            format!("{done} of {of} packages are done{left}")
        }
        ImportState::Storing { .. } => "being added to the catalog".to_owned(),
        ImportState::Success { packages } => format!("in the catalog, {packages} packages"),
        ImportState::Failed {
            code: None,
            message,
        } => format!("failed: {message}"),
        ImportState::Failed {
            code: Some(_),
            message,
        } => format!("refused: {message}"),
    };
    format!("{}@{}: {state}", import.module, import.version)
}

/// Seconds of an estimate, in words.
fn rough(seconds: u32) -> String {
    match seconds {
        0..=60 => "a minute".to_owned(),
        61..5400 => format!("{} minutes", seconds.div_ceil(60)),
        5400.. => format!("{} hours", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        import: ImportArgs,
    }

    #[test]
    fn progress_has_the_time_that_is_left() {
        let import = |left: &str| -> Import {
            let text = format!(
                r#"{{"module":"a.b/c","version":"v1.0.0","requested":"2026-01-02T03:04:05Z","status":"importing","builder":"b-1","done":3,"of":9{left}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        for (left, expected) in [
            ("", "3 of 9 packages are done"),
            (
                r#","secondsLeft":20"#,
                "3 of 9 packages are done, about a minute left",
            ),
            (
                r#","secondsLeft":60"#,
                "3 of 9 packages are done, about a minute left",
            ),
            (
                r#","secondsLeft":61"#,
                "3 of 9 packages are done, about 2 minutes left",
            ),
            (
                r#","secondsLeft":7300"#,
                "3 of 9 packages are done, about 3 hours left",
            ),
        ] {
            assert_eq!(line(&import(left)), format!("a.b/c@v1.0.0: {expected}"));
        }
    }

    #[test]
    fn known_names_need_their_flag_and_a_refusal_is_called_one() {
        let parse = |more: &[&str]| {
            let words = ["import", "a.b/c@v1.0.0"].iter().chain(more);
            Line::try_parse_from(words).unwrap().import
        };
        assert!(!parse(&[]).allow_known_names);
        assert!(parse(&["--allow-known-names"]).allow_known_names);
        let over = |code: &str| {
            let text = format!(
                r#"{{"module":"a.b/c","version":"v1.0.0","requested":"2026-01-02T03:04:05Z","status":"failed"{code},"message":"No."}}"#
            );
            line(&serde_json::from_str(&text).unwrap())
        };
        assert_eq!(over(""), "a.b/c@v1.0.0: failed: No.");
        let refused = over(r#","code":"known_names""#);
        assert_eq!(refused, "a.b/c@v1.0.0: refused: No.");
    }

    #[test]
    fn go_releases_may_have_their_name_in_rest_or_in_wombat_build() {
        let wanted: GoVersion = "1.26.8".parse().unwrap();
        for flag in ["--go-version", "--go-versions", "--go"] {
            let words = ["import", "a.b/c@v1.0.0", flag, "1.26.8"];
            let line = Line::try_parse_from(words).unwrap();
            assert_eq!(line.import.go_versions, [wanted], "{flag}");
        }
    }
}
