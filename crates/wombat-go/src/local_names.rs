//! The names of this machine that no answer, log or record may have.

use std::path::Path;

use wombat_model::plain_text::LocalNames;

/// This machine's host name and home folder, and the state folder of this process.
pub async fn local_names(state_dir: &Path) -> LocalNames {
    let host = rustix::system::uname();
    let names = LocalNames::default().host(&host.nodename().to_string_lossy());
    let names = with_folder(names, state_dir, "$STATE").await;
    match std::env::var_os("HOME") {
        Some(home) => with_folder(names, Path::new(&home), "$HOME").await,
        None => names,
    }
}

/// Adds a folder by its path and by the one that links in it lead to: `go` names either.
async fn with_folder(names: LocalNames, path: &Path, name: &'static str) -> LocalNames {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let names = names.folder(&path, name);
    match tokio::fs::canonicalize(&path).await {
        Ok(real) => names.folder(&real, name),
        Err(_) => names,
    }
}
