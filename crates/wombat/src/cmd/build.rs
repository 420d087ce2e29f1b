//! `wombat build`: requests a build, watches it, and downloads the binary.

mod configs;
mod environment;
mod pipeline;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context, bail};
use reqwest::Method;
use tokio::task::spawn_blocking;
use wombat_model::{
    BuildKey, Secret, Status, log::LogEvent, request::RequestBody, wire::BuildView,
};

use crate::{
    client::{
        BuildEvent, DownloadOptions, EventStream, Progress, Server, ServerArgs, describe, download,
    },
    exit::{BuildFailed, Interrupted},
    output::{note, print, print_json, print_path},
    signals::Signals,
};
use configs::Configs;
use environment::variables;
use pipeline::with_needed;

/// Build a binary and download it
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  wombat build nats redis                      # components, for this machine
  wombat build sql_insert driver/postgres      # an SQL component with one driver
  wombat build input/kafka --platform linux/arm64 --output ./pipeline
  wombat build github.com/redpanda-data/connect/v4/public/components/nats --go 1.26.8
  wombat build --config pipeline.yaml          # what the pipeline needs
  wombat build --config pipeline.yaml --env INPUT=nats --env-file .env
  wombat build --config conf/ --config 'extra/*.yaml' example.com/me/plugin@v1.0.0
  kubectl get configmap pipeline -o yaml | wombat build --config -
  wombat build nats --name acme-connect --version-label 1.4.0
  wombat build nats --module github.com/redpanda-data/connect/v4=v4.100.0 --no-download --json")]
pub(crate) struct BuildArgs {
    /// Components (`nats`, `input/kafka`) and import paths, with or without `@version`
    #[arg(required_unless_present = "config", value_name = "COMPONENT|PACKAGE")]
    wanted: Vec<String>,
    /// File to take components from: pipelines, resources, templates, tests, Kubernetes manifests, mappings (repeatable). A
    /// folder means its .yaml, .yml, .json and .blobl files, `-` standard input; patterns such as 'conf/**/*.yaml' are
    /// taken, too. At most 256 files and 256 KiB; the server doesn't store them
    #[arg(
        long,
        short,
        alias = "pipeline",
        value_name = "FILE",
        conflicts_with = "base"
    )]
    config: Vec<PathBuf>,
    /// Value of a variable of a pipeline, `${NAME}` (repeatable); sent only if a file of --config names it
    #[arg(long, value_name = "NAME=VALUE", requires = "config")]
    env: Vec<Secret>,
    /// File with a NAME=VALUE on each line, `#` before comments (repeatable); --env comes first
    #[arg(long, value_name = "FILE", requires = "config")]
    env_file: Vec<PathBuf>,
    /// Target platform [default: this machine's]
    #[arg(long, value_name = "GOOS/GOARCH")]
    platform: Option<String>,
    /// Half of the platform, by its name in REST [default: this machine's]
    #[arg(long, hide = true, conflicts_with = "platform")]
    goos: Option<String>,
    /// The other half
    #[arg(long, hide = true, conflicts_with = "platform")]
    goarch: Option<String>,
    /// Architecture level, such as v7 for arm or v3 for amd64
    #[arg(long)]
    variant: Option<String>,
    /// Full Go version, such as 1.26.8 [default: the newest patch of the line that the modules are known to build with]
    #[arg(long, alias = "go-version", value_name = "VERSION")]
    go: Option<String>,
    /// Version of a module, as path=version (repeatable)
    #[arg(long = "module", alias = "modules", value_name = "PATH=VERSION")]
    modules: Vec<String>,
    /// Base packages to add: standard (Benthos pure and io) or pure [default: standard]
    #[arg(long, value_name = "BASE")]
    base: Option<String>,
    /// Own name of the distribution: what the binary's help and its files are called [default: wombat]
    #[arg(long)]
    name: Option<String>,
    /// Own version of the distribution, which the binary prints [default: the release's version and a part of the id]
    #[arg(long, value_name = "VERSION")]
    version_label: Option<String>,
    /// Version of the rules that make the binary's source; an earlier one gives the bytes of an earlier build again
    /// [default: the newest]
    #[arg(long, value_name = "NUMBER")]
    template: Option<u32>,
    /// Build again even if a binary exists; needs an operator's token
    #[arg(long)]
    force: bool,
    /// File for the binary [default: the distribution's name, with .exe for Windows]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Wait for the build, but don't download the binary
    #[arg(long, conflicts_with = "output")]
    no_download: bool,
    /// Show the compiler's output
    #[arg(long, short)]
    verbose: bool,
    /// Print the build as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) async fn run(args: BuildArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    let mut body = request(&args)?;
    if !args.config.is_empty() {
        let named = args.config.clone();
        let reading = spawn_blocking(move || Configs::read(&named, std::io::stdin()));
        let configs = reading.await??;
        let variables = variables(&configs.all_text(), &args.env, &args.env_file).await?;
        body = with_needed(&server, configs, variables, body).await?;
    }
    let mut signals = Signals::listen()?;
    let asking = server.json(server.request(Method::POST, "/api/builds").json(&body));
    let asked: BuildView = tokio::select! {
        asked = asking => asked?,
        () = signals.next() => return Err(Interrupted(
            "Interrupted before the server answered; `wombat list` shows whether it accepted the request.".to_owned(),
        ).into()),
    };
    let id = asked.id.clone();
    tokio::select! {
        brought = see_through(&server, &args, asked) => brought,
        () = signals.next() => Err(Interrupted(way_back(&id, &args.server)).into()),
    }
}

/// How to resume a build after an interrupt.
fn way_back(id: &BuildKey, server: &ServerArgs) -> String {
    let server = server.flag();
    format!(
        "Interrupted; the build continues on the server. To get back to it:\n  \
         wombat get{server} {id}\n  wombat logs{server} --follow {id}\n  wombat download{server} {id}\n\
         To stop it: wombat cancel{server} {id}"
    )
}

/// Waits for a build, and downloads its binary.
async fn see_through(server: &Server, args: &BuildArgs, asked: BuildView) -> anyhow::Result<()> {
    let mut progress = Progress::new(args.json);
    progress.line(&format!("build {}", asked.id));
    let view = follow(server, asked, &mut progress, args.verbose).await?;
    drop(progress);

    if args.json {
        print_json(&view)?;
    }
    match view.build.status {
        Status::Success => {}
        Status::Failed | Status::Cancelled => {
            let error = view
                .build
                .error
                .clone()
                .unwrap_or_else(|| format!("it was {}", view.build.status));
            if !args.json {
                note(&describe(&view));
            }
            return Err(BuildFailed(error).into());
        }
        Status::New | Status::Building => {
            bail!("the server ended the build's events before the build")
        }
    }
    if args.no_download {
        if !args.json {
            print(&describe(&view));
        }
        return Ok(());
    }
    let options = DownloadOptions {
        output: args.output.clone(),
        replace: true,
        bar: !args.json,
    };
    let file = download(server, &view, &options).await?;
    if !args.json {
        note(&describe(&view));
        print_path(&file);
    }
    Ok(())
}

/// Watches until the build is finished and its log is complete.
async fn follow(
    server: &Server,
    first: BuildView,
    progress: &mut Progress,
    lines_too: bool,
) -> anyhow::Result<BuildView> {
    let mut view = first;
    if view.build.status.is_terminal() {
        return Ok(view);
    }
    progress.build(&view);
    let mut events = EventStream::open(server, &view.id);
    loop {
        match events.next().await? {
            BuildEvent::Build(next) => {
                view = *next;
                progress.build(&view);
            }
            BuildEvent::Log(logged) => progress.log(&logged, lines_too),
            BuildEvent::Gap(dropped, bytes) => {
                progress.line(&format!("({})", LogEvent::missing(dropped, bytes)));
            }
            BuildEvent::Removed => {
                bail!("the build `{}` was removed; request it again", view.id)
            }
            BuildEvent::Reset => {}
            BuildEvent::End => return Ok(view),
        }
    }
}

/// The request that the arguments make. An argument that begins with a host is an import path.
fn request(args: &BuildArgs) -> anyhow::Result<RequestBody> {
    let platform = args
        .platform
        .clone()
        .unwrap_or_else(wombat_model::this_machine);
    let (goos, goarch) = platform
        .split_once('/')
        .with_context(|| format!("--platform takes goos/goarch, not `{platform}`"))?;
    let (packages, components): (Vec<String>, Vec<String>) =
        args.wanted.iter().cloned().partition(|word| is_path(word));
    let mut body = RequestBody {
        goos: args.goos.clone().unwrap_or_else(|| goos.to_owned()),
        goarch: args.goarch.clone().unwrap_or_else(|| goarch.to_owned()),
        go_version: args.go.clone(),
        packages,
        components,
        variant: args.variant.clone(),
        base: args.base.clone(),
        name: args.name.clone(),
        version: args.version_label.clone(),
        template: args.template,
        force: args.force,
        ..RequestBody::default()
    };
    for module in &args.modules {
        let (path, version) = module
            .split_once('=')
            .with_context(|| format!("--module takes path=version, not `{module}`"))?;
        body.modules.insert(path.to_owned(), version.to_owned());
    }
    Ok(body)
}

fn is_path(word: &str) -> bool {
    word.split_once('/')
        .is_some_and(|(host, _)| host.contains('.'))
}
