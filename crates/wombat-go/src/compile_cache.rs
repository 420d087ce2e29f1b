//! The compile cache of one run of `go`.

use std::path::Path;

use wombat_gocache::Session;

/// Where `go` finds earlier results.
#[derive(Clone, Copy, Debug)]
pub(super) enum CompileCache<'a> {
    /// In this folder, without a helper.
    Folder(&'a Path),
    /// Through the helpers of this session.
    Helped(&'a Session),
}

impl CompileCache<'_> {
    /// The folder that Go uses without a helper.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Helped(session) => session.folder(),
        }
    }

    /// To be called when `go` reports that it lost its helper.
    pub(super) fn went_away(&self) {
        match self {
            Self::Folder(_) => {}
            Self::Helped(session) => session.helper_went_away(),
        }
    }

    /// The command of the helper.
    pub(super) fn command(&self, wombat: &Path) -> Option<String> {
        match self {
            Self::Folder(_) => None,
            Self::Helped(session) => session.command(wombat),
        }
    }
}
