//! The client half of `wombat`: what curl can do, with progress and checks.

mod download;
mod events;
mod http;
mod show;

pub(crate) use download::{DownloadOptions, download};
pub(crate) use events::{BuildEvent, EventStream};
pub(crate) use http::{ClientError, Server, ServerArgs};
pub(crate) use show::{Progress, describe, megabytes, print_build};
