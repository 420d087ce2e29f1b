//! `wombat blocklist`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use reqwest::{Method, header};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use wombat_model::{
    BlockedModule, Blocklist, ModulePattern,
    wire::{BlocklistAnswer, BlocklistEffect},
};

use crate::{
    client::{Server, ServerArgs},
    output::{print, print_json},
};

/// Show and change the blocked modules
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Needs a token (--token-file, WOMBAT_TOKEN): `operator` to look, `admin` to change.
In a pattern, `*` and `?` match within one path element; a pattern matches all modules whose path begins with it.

Examples:
  wombat blocklist show
  wombat blocklist add 'github.com/evil/*' --reason malware
  wombat blocklist add github.com/a/b@v1.2.3
  wombat blocklist remove 'github.com/evil/*'
  wombat blocklist show --json > blocklist.json
  wombat blocklist replace blocklist.json"
)]
pub(crate) struct BlocklistArgs {
    #[command(subcommand)]
    command: BlocklistCommand,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum BlocklistCommand {
    /// Show all entries
    Show {
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Block modules
    Add {
        /// Modules to block
        #[arg(value_name = "PATTERN[@VERSION]")]
        module: ModulePattern,
        /// Reason that is shown when a build is refused for it
        #[arg(long)]
        reason: Option<String>,
    },
    /// Remove an entry
    Remove {
        /// The entry, exactly as it was added
        #[arg(value_name = "PATTERN[@VERSION]")]
        module: ModulePattern,
    },
    /// Replace the whole list, also one that can't be read
    Replace {
        /// File with a list as `show --json` prints it; `-` reads standard input. `{"modules": []}` blocks nothing
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

const PATH: &str = "/api/blocklist";

pub(crate) async fn run(args: BlocklistArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.server)?;
    if let BlocklistCommand::Replace { file } = &args.command {
        return write(&server, &read(file).await?, None, None).await;
    }
    let list: BlocklistAnswer = server.json(server.request(Method::GET, PATH)).await?;
    let mut entries: Vec<BlockedModule> = list.modules.clone().into();
    let mut added = None;
    match args.command {
        BlocklistCommand::Show { json: true } => {
            print_json(&list)?;
            return Ok(());
        }
        BlocklistCommand::Show { json: false } => {
            for BlockedModule { module, reason } in &entries {
                print(&format!("{module}\t{}", reason.as_deref().unwrap_or("")));
            }
            return Ok(());
        }
        // Done above, without the present list.
        BlocklistCommand::Replace { .. } => return Ok(()),
        BlocklistCommand::Add { module, reason } => {
            entries.retain(|entry| entry.module != module);
            added = Some(module.clone());
            entries.push(BlockedModule { module, reason });
        }
        BlocklistCommand::Remove { module } => {
            let before = entries.len();
            entries.retain(|entry| entry.module != module);
            anyhow::ensure!(entries.len() < before, "`{module}` isn't in the blocklist");
        }
    }
    let modules = Blocklist::try_from(entries)?;
    write(&server, &modules, Some(list.revision), added.as_ref()).await
}

/// Replaces the list of this revision; `None`: any. Prints what it hits, or what the added entry hits.
async fn write(
    server: &Server,
    modules: &Blocklist,
    seen: Option<u64>,
    added: Option<&ModulePattern>,
) -> anyhow::Result<()> {
    let mut request = server.request(Method::PUT, PATH);
    if let Some(seen) = seen {
        request = request.header(header::IF_MATCH, format!("\"{seen}\""));
    }
    let request = request.body(serde_json::json!({ "modules": modules }).to_string());
    let list: BlocklistAnswer = server.json(request).await?;
    print(&match list.modules.entries().len() {
        1 => "1 entry.".to_owned(),
        count => format!("{count} entries."),
    });
    print(&words_of_effect(list.effect.as_ref(), added));
    Ok(())
}

/// What a list does to finished builds, or an entry of it, in sentences.
fn words_of_effect(effect: Option<&BlocklistEffect>, entry: Option<&ModulePattern>) -> String {
    let Some(effect) = effect else {
        return "The finished builds that it hits aren't counted, since builds can't be read now. Each download is compared."
            .to_owned();
    };
    let (what, builds) = match entry {
        Some(entry) => {
            let builds = effect.by_entry.get(entry).copied().unwrap_or_default();
            (format!("`{entry}`"), builds)
        }
        None => ("The list".to_owned(), effect.builds),
    };
    let hit = match builds {
        0 => format!("{what} hits no finished build."),
        1 => format!("{what} hits 1 finished build: its binary isn't served or run."),
        many => format!("{what} hits {many} finished builds: their binaries aren't served or run."),
    };
    match effect.unread {
        0 => hit,
        unread => format!(
            "{hit} All modules of {unread} finished builds weren't compared; each download compares them."
        ),
    }
}

async fn read(file: &Path) -> anyhow::Result<Blocklist> {
    #[derive(Deserialize)]
    struct Shown {
        modules: Blocklist,
    }
    let mut text = String::new();
    let shown = file.display();
    if file == Path::new("-") {
        let reading = tokio::io::stdin().read_to_string(&mut text).await;
        reading.context("reading the list from standard input")?;
    } else {
        let reading = tokio::fs::read_to_string(file).await;
        text = reading.with_context(|| format!("reading the list from {shown}"))?;
    }
    let list: Shown = serde_json::from_str(&text).with_context(|| {
        format!("{shown} isn't a list as `wombat blocklist show --json` prints it")
    })?;
    Ok(list.modules)
}
