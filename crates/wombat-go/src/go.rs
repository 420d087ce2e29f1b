//! A `go` to run: its program, its build, and its settings.

use std::path::Path;

use wombat_goproxy::RelaySession;

use super::{
    compile_cache::CompileCache, scope::Scope, settings::GoSettings, toolchain::Toolchain,
};

/// A `go` of one version, in one folder, for one build.
#[derive(Clone, Copy, Debug)]
pub(super) struct Go<'a> {
    pub(super) settings: &'a GoSettings,
    pub(super) toolchain: &'a Toolchain,
    /// Contains `home`, `tmp` and the folder that `go` runs in.
    pub(super) work_dir: &'a Path,
    pub(super) scope: &'a Scope,
    pub(super) cache: CompileCache<'a>,
    pub(super) relay: &'a RelaySession,
}
