//! `wombat catalog import` and `wombat catalog imports`: what a server is asked for, and how far it is.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Method;
use wombat_model::{
    GoVersion,
    catalog::{Import, ImportState},
    wire::{ImportQuestion, ImportsAnswer},
};

use super::parse_release;
use crate::{
    client::{Progress, Server, ServerArgs},
    exit::Interrupted,
    output::print,
    signals::Signals,
};

/// Where imports are asked for and shown.
const PATH: &str = "/api/catalog/imports";
/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Bring a release of a module into the catalog of a server
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
A builder builds each package of the module and runs the binaries in its sandbox, to ask them what they hold; a module with many \
packages takes long. Once it is done, every instance of the service knows the release, and the words of its components' makers. \
Asking again imports it again.

Needs a token (--token, WOMBAT_TOKEN) of an `admin`.

Examples:
  wombat catalog import github.com/redpanda-data/benthos/v4@v4.77.0
  wombat catalog import github.com/acme/parts@v1.2.3 --no-wait")]
pub(super) struct ImportArgs {
    /// The module and its version
    #[arg(value_name = "MODULE@VERSION")]
    release: String,
    /// A Go release on offer; may be repeated. Those of the module's newest release in the catalog if left out
    #[arg(long = "go-version", value_name = "VERSION")]
    go_versions: Vec<GoVersion>,
    /// Ask for it, and don't wait for its end
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Show how far imports are
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ImportsArgs {
    /// As JSON
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
            "Interrupted; the import goes on, on the server. `wombat catalog imports{}` shows how far it is.",
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
        import = same.context("the server doesn't know of this import any more")?;
    }
    if let ImportState::Failed { message } = &import.state {
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
        print(&serde_json::to_string_pretty(&all)?);
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
        ImportState::Importing { builder, of: 0, .. } => format!("{builder} looks what is in it"),
        ImportState::Importing { builder, done, of } => {
            format!("{builder} has done {done} of {of} packages")
        }
        ImportState::Storing { .. } => "goes into the catalog".to_owned(),
        ImportState::Success { packages } => format!("in the catalog, {packages} packages"),
        ImportState::Failed { message } => format!("failed: {message}"),
    };
    format!("{}@{}: {state}", import.module, import.version)
}
