//! `wombat blocklist`.

use clap::Subcommand;
use reqwest::{Method, header};
use wombat_model::{BlockedModule, Blocklist, ModulePattern, wire::BlocklistAnswer};

use crate::{
    client::{Server, ServerArgs},
    output::print,
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
  wombat blocklist remove 'github.com/evil/*'"
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
}

pub(crate) async fn run(args: BlocklistArgs) -> anyhow::Result<()> {
    const PATH: &str = "/api/blocklist";
    let server = Server::new(&args.server)?;
    let list: BlocklistAnswer = server.json(server.request(Method::GET, PATH)).await?;
    let mut entries: Vec<BlockedModule> = list.modules.clone().into();
    match args.command {
        BlocklistCommand::Show { json: true } => {
            print(&serde_json::to_string_pretty(&list)?);
            return Ok(());
        }
        BlocklistCommand::Show { json: false } => {
            for BlockedModule { module, reason } in &entries {
                print(&format!("{module}\t{}", reason.as_deref().unwrap_or("")));
            }
            return Ok(());
        }
        BlocklistCommand::Add { module, reason } => {
            entries.retain(|entry| entry.module != module);
            entries.push(BlockedModule { module, reason });
        }
        BlocklistCommand::Remove { module } => {
            let before = entries.len();
            entries.retain(|entry| entry.module != module);
            anyhow::ensure!(entries.len() < before, "`{module}` isn't in the blocklist");
        }
    }
    let modules = Blocklist::try_from(entries)?;
    let request = server
        .request(Method::PUT, PATH)
        .header(header::IF_MATCH, format!("\"{}\"", list.revision))
        .body(serde_json::json!({ "modules": modules }).to_string());
    let list: BlocklistAnswer = server.json(request).await?;
    print(&format!("{} entries.", list.modules.entries().len()));
    Ok(())
}
