//! Reads what a binary says of itself: `list --format json-full`.

use std::collections::BTreeSet;

use serde::Deserialize;
use wombat_model::catalog::{Component, ComponentKind};

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Listing {
    buffers: Vec<Named>,
    caches: Vec<Named>,
    inputs: Vec<Named>,
    outputs: Vec<Named>,
    processors: Vec<Named>,
    rate_limits: Vec<Named>,
    metrics: Vec<Named>,
    tracers: Vec<Named>,
    scanners: Vec<Named>,
    bloblang_functions: Vec<Named>,
    bloblang_methods: Vec<Named>,
}

/// Every component, deprecated ones included.
pub(super) fn components(json: &[u8]) -> Result<BTreeSet<Component>, serde_json::Error> {
    let listing: Listing = serde_json::from_slice(json)?;
    let kinds = [
        (ComponentKind::Buffer, listing.buffers),
        (ComponentKind::Cache, listing.caches),
        (ComponentKind::Input, listing.inputs),
        (ComponentKind::Output, listing.outputs),
        (ComponentKind::Processor, listing.processors),
        (ComponentKind::RateLimit, listing.rate_limits),
        (ComponentKind::Metric, listing.metrics),
        (ComponentKind::Tracer, listing.tracers),
        (ComponentKind::Scanner, listing.scanners),
        (ComponentKind::BloblangFunction, listing.bloblang_functions),
        (ComponentKind::BloblangMethod, listing.bloblang_methods),
    ];
    Ok(kinds
        .into_iter()
        .flat_map(|(kind, named)| {
            named.into_iter().map(move |named| Component {
                kind,
                name: named.name,
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read() {
        let keys = [
            "buffers",
            "caches",
            "inputs",
            "outputs",
            "processors",
            "rate-limits",
            "metrics",
            "tracers",
            "scanners",
            "bloblang-functions",
            "bloblang-methods",
        ];
        let json: serde_json::Value = keys
            .iter()
            .map(|key| {
                (
                    (*key).to_owned(),
                    serde_json::json!([{"name": "x", "summary": ""}]),
                )
            })
            .collect();
        let found = components(json.to_string().as_bytes()).unwrap();
        let kinds: BTreeSet<ComponentKind> =
            found.into_iter().map(|component| component.kind).collect();
        assert_eq!(kinds, ComponentKind::ALL.iter().copied().collect());
    }
}
