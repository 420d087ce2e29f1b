//! A token of each role, made as an operator makes them.

use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// The roles, from the least to the most powerful.
pub(crate) const ROLES: [&str; 3] = ["reader", "operator", "admin"];

/// A token file with a token for each role.
pub(crate) struct Tokens {
    folder: TempDir,
    secrets: Vec<String>,
}

impl Tokens {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-tokens-")?;
        let file = folder.path().join("tokens");
        let make = |role: &&str| -> anyhow::Result<String> {
            let made = Command::new(env!("CARGO_BIN_EXE_wombat"))
                .args(["token", "new", "--name", role, "--role", role, "--tokens"])
                .arg(&file)
                .output()?;
            let said = String::from_utf8_lossy(&made.stderr).into_owned();
            ensure!(made.status.success(), "{said}");
            Ok(String::from_utf8(made.stdout)?.trim().to_owned())
        };
        let secrets = ROLES.iter().map(make).collect::<anyhow::Result<_>>()?;
        Ok(Self { folder, secrets })
    }

    /// The file, for `--tokens`.
    pub(crate) fn path(&self) -> anyhow::Result<String> {
        let path = self.folder.path().join("tokens");
        path.to_str().map(str::to_owned).context("a path of ours")
    }

    /// The secret of a role.
    pub(crate) fn of(&self, role: &str) -> &str {
        let place = ROLES.iter().position(|name| *name == role);
        &self.secrets[place.expect("one of the roles")]
    }
}
