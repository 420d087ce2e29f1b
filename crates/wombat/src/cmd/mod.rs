//! One file per command.

pub(crate) mod blocklist;
pub(crate) mod build;
pub(crate) mod cancel;
pub(crate) mod catalog;
pub(crate) mod doctor;
pub(crate) mod download;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod purge;
pub(crate) mod roles;
pub(crate) mod setup;
pub(crate) mod token;
pub(crate) mod up;
