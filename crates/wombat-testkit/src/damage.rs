//! What a crash leaves of a file.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

/// Bytes of a page, which a disk writes as a whole.
const PAGE: usize = 4096;

/// What a crash leaves of a file that was being written.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    Empty,
    Half,
    Zeros,
    /// Its first page was written.
    Tail,
}

impl Damage {
    /// The kinds for small files.
    pub const ALL: [Self; 3] = [Self::Empty, Self::Half, Self::Zeros];

    /// One of them, another one at each turn; all with `make kill-files`.
    pub fn of_turn(turn: usize) -> Vec<Self> {
        match std::env::var_os("WOMBAT_TEST_KILLS") {
            Some(_) => Self::ALL.to_vec(),
            None => vec![Self::ALL[turn % Self::ALL.len()]],
        }
    }

    /// Damages a file.
    ///
    /// # Panics
    /// Where the file can't be read or written.
    pub fn of(self, path: &Path) {
        let whole = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let left = match self {
            Self::Empty => Vec::new(),
            Self::Half => whole[..whole.len() / 2].to_vec(),
            Self::Zeros => vec![0; whole.len()],
            Self::Tail => {
                let mut whole = whole;
                if let Some(tail) = whole.get_mut(PAGE..) {
                    tail.fill(0);
                }
                whole
            }
        };
        let write = || {
            let mode = fs::metadata(path)?.permissions();
            fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
            fs::write(path, left)?;
            fs::set_permissions(path, mode)
        };
        write().unwrap_or_else(|error: io::Error| panic!("{}: {error}", path.display()));
    }
}
