//! `wombat token`: the tokens of a gateway.
#![expect(
    clippy::disallowed_methods,
    reason = "a command that does nothing else"
)]

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Subcommand;
use wombat_api::{Role, Secret, TokenEntry, TokenFile};

use crate::output::{note, print};

/// Create access tokens for a gateway
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum TokenCommand {
    New(NewArgs),
}

/// Create a token and print it; it can't be shown again
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  wombat token new --name ci --role operator --tokens tokens   # adds a line to the file `tokens`
  wombat token new --name alice --role admin                   # prints the line, for a file elsewhere
  wombat api --tokens tokens                                   # a gateway that knows them
  WOMBAT_TOKEN=wbt_… wombat cancel build.linux.amd64.…         # a client that uses one

To revoke a token, remove its line; a running gateway notices that by itself.")]
struct NewArgs {
    /// Name of its owner, for the gateway's log
    #[arg(long)]
    name: String,
    /// Role of the token; each role includes the rights of those before it
    #[arg(long, value_enum)]
    role: Role,
    /// Token file of the gateway to add the token to; created if it doesn't exist
    #[arg(long, env = "WOMBAT_TOKENS", value_name = "FILE")]
    tokens: Option<PathBuf>,
}

pub(crate) fn run(args: TokenArgs) -> anyhow::Result<()> {
    match args.command {
        TokenCommand::New(args) => new(args),
    }
}

fn new(args: NewArgs) -> anyhow::Result<()> {
    let secret = Secret::generate();
    let entry = TokenEntry::new(&args.name, args.role, &secret)?;
    let Some(path) = args.tokens else {
        print(secret.reveal());
        note(&format!(
            "Add this line to the gateway's token file:\n{entry}"
        ));
        return Ok(());
    };
    let mut text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.extend([entry.to_string(), "\n".to_owned()]);
    // A gateway that reads the file meanwhile sees the old one or the new one. Only its owner may read it.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".tokens-")
        .tempfile_in(folder)
        .with_context(|| format!("writing into {}", folder.display()))?;
    file.write_all(text.as_bytes())?;
    TokenFile::open(file.path())?;
    wombat_files::settle(file, &path).with_context(|| path.display().to_string())?;
    print(secret.reveal());
    note(&format!(
        "Added to {} as `{}`, {}.",
        path.display(),
        args.name,
        args.role
    ));
    Ok(())
}
