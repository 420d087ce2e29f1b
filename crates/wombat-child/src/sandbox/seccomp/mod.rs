//! System call filters: what Landlock and namespaces don't cover.

mod filter;
mod reader;
mod toolchain;

use std::io;

use crate::confinement::{Calls, Network};

/// Confines this thread and everything it starts afterwards.
pub(super) fn restrict(calls: Calls, network: Network) -> io::Result<()> {
    match calls {
        Calls::Toolchain => toolchain::restrict(network),
        Calls::Reader => reader::restrict(),
    }
}
