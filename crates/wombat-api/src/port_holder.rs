//! Which process listens on a port, as far as Linux shows it.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The state of a listening socket in the kernel's tables.
const LISTENING: &str = "0A";

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortHolder {
    name: String,
    id: u32,
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {})", self.name, self.id)
    }
}

/// The process that listens on an address. `None`: the system isn't Linux, or the process is another user's.
pub(crate) fn listening_on(address: SocketAddr) -> Option<PortHolder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts = tables
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok());
    let sockets: Vec<PathBuf> = texts
        .flat_map(|text| inodes(&text, address.port()))
        .map(|inode| format!("socket:[{inode}]").into())
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|process| Some((process.file_name().to_str()?.parse().ok()?, process.path())))
        .find(|(_, folder)| has_open(folder, &sockets))
        .map(|(id, folder)| PortHolder {
            name: fs::read_to_string(folder.join("comm"))
                .map_or_else(|_| "a program".to_owned(), |name| name.trim().to_owned()),
            id,
        })
}

/// Sockets that listen on this port, in a table such as `/proc/net/tcp`.
fn inodes(table: &str, port: u16) -> Vec<u64> {
    let suffix = format!(":{port:04X}");
    let lines = table.lines().skip(1).map(str::split_whitespace);
    lines
        .filter_map(|mut line| {
            let (local, state) = (line.nth(1)?, line.nth(1)?);
            let inode = line.nth(5)?.parse().ok()?;
            (local.ends_with(&suffix) && state == LISTENING).then_some(inode)
        })
        .collect()
}

fn has_open(process: &Path, sockets: &[PathBuf]) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| sockets.contains(&target))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn we_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(
            listening_on(address).map(|holder| holder.id),
            Some(std::process::id())
        );
        drop(listener);
        assert_eq!(listening_on(address), None);
    }
}
