//! What people know from Redpanda Connect, Benthos or Bento, and what isn't offered here: why, and what to use instead.
//!
//! Consulted only for what the catalog doesn't have, so an import makes an entry void.
//!
//! *table*: components · *entry*: what is said of them. Here: fields of a pipeline, import paths, and what is offered but works differently.

mod entry;
mod table;

use wombat_model::catalog::{Component, ComponentKind};

use entry::Origin;
use table::COMPONENTS;

/// Why a component isn't offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotOffered {
    /// Sentences for people.
    pub(crate) message: String,
    /// Only Bento has it.
    pub(crate) is_of_bento: bool,
}

/// Why a component of this kind isn't offered; of any kind, if none is given. `None`: it isn't known.
pub(crate) fn component(kind: Option<ComponentKind>, name: &str) -> Option<NotOffered> {
    let found = COMPONENTS.iter().find(|entry| {
        entry.names.contains(&name) && kind.is_none_or(|kind| entry.kinds.contains(&kind))
    })?;
    let kind = kind.or_else(|| found.kinds.first().copied())?;
    Some(NotOffered {
        message: found.message(kind, name),
        is_of_bento: found.origin == Origin::Bento,
    })
}

/// Why a pipeline can't have this field at its top.
pub(crate) fn top_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "redpanda" => {
            "Only Redpanda's own program reads the field `redpanda`: it belongs to its enterprise package, and a binary built here refuses it. Put the connection into the components `redpanda` instead, as `seed_brokers`, `tls` and `sasl`."
        }
        "resources" => {
            "Since version 4, resources are lists: `input_resources`, `processor_resources`, `output_resources`, `cache_resources` and `rate_limit_resources`."
        }
        _ => return None,
    })
}

/// What to know of a component that is offered, but needs more than its package.
pub(crate) fn caution(component: &Component) -> Option<&'static str> {
    (component.name == "redpanda_common").then_some(
        "`redpanda_common` comes with Redpanda's enterprise package, and takes its connection from the field `redpanda`, which only Redpanda's own program reads: in a binary built here it finds none. Use `redpanda` with `seed_brokers`.",
    )
}

/// The module of Bento.
pub(crate) const BENTO: &str = "github.com/warpstreamlabs/bento";
/// Modules that Benthos had before.
const EARLIER: [&str; 2] = [
    "github.com/benthosdev/benthos",
    "github.com/Jeffail/benthos",
];

/// Why packages of this path are of no use in a binary built here.
pub(crate) fn import_path(path: &str) -> Option<String> {
    let is_in = |module: &str| {
        let rest = path.strip_prefix(module);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if is_in(BENTO) {
        return Some(format!(
            "`{path}` is a package of Bento, WarpStream's fork of Benthos: its components work only in Bento's own program. Name the component, such as `nats`, to take the package of Redpanda Connect that brings it."
        ));
    }
    EARLIER.iter().any(|module| is_in(module)).then(|| {
        format!(
            "`{path}` is at Benthos' earlier address: its components don't register with today's Benthos. Use `github.com/redpanda-data/benthos/v4`, or `github.com/redpanda-data/connect/v4` for what is no part of Benthos."
        )
    })
}

#[cfg(test)]
mod tests;
