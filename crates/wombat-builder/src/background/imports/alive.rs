//! The builders that are alive.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::watch;
use wombat_model::BuilderId;

/// Tells which builders are alive.
pub(super) type Alive = watch::Receiver<Arc<BTreeSet<BuilderId>>>;
