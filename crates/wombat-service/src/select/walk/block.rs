//! The keys of a component: its name with its configuration, and the reserved ones beside it.

use wombat_model::catalog::ComponentKind;

use super::super::document::{Entry, NodeId, YamlDocuments};

/// The entries of a component, by what they mean.
#[derive(Default)]
pub(super) struct Block {
    /// The value of `type`, which names the component.
    pub(super) type_name: Option<NodeId>,
    /// The configuration under `plugin`, for a component that `type` names.
    pub(super) plugin: Option<NodeId>,
    /// A name for logs and metrics, or of a resource.
    pub(super) label: Option<NodeId>,
    /// Anything that its author notes.
    pub(super) meta: Option<NodeId>,
    /// Processors of an input or output.
    pub(super) processors: Option<NodeId>,
    /// The mapping of the names of metrics.
    pub(super) mapping: Option<NodeId>,
    pub(super) merges: Vec<Entry>,
    /// Keys that aren't known.
    pub(super) open: Vec<NodeId>,
    /// All others: names of components, and mistakes.
    pub(super) named: Vec<Entry>,
}

impl Block {
    pub(super) fn of(entries: &[Entry], kind: ComponentKind, documents: &YamlDocuments) -> Self {
        let mut block = Self::default();
        for entry in entries {
            let Some(key) = documents.text(entry.key) else {
                continue;
            };
            if documents.is_partly_unknown(entry.key) {
                block.open.push(entry.key);
            } else if documents.is_merge(entry) {
                block.merges.push(*entry);
            } else if !is_reserved(key, kind) {
                block.named.push(*entry);
            } else {
                let value = match key {
                    "type" => &mut block.type_name,
                    "plugin" => &mut block.plugin,
                    "label" => &mut block.label,
                    "meta" => &mut block.meta,
                    "processors" => &mut block.processors,
                    "mapping" => &mut block.mapping,
                    _ => continue,
                };
                value.get_or_insert(entry.value);
            }
        }
        block
    }
}

/// Whether a key beside the name of such a component has a meaning of its own. A processor may be called `processors`.
pub(super) fn is_reserved(key: &str, kind: ComponentKind) -> bool {
    use ComponentKind::{Cache, Input, Metric, Output, Processor, RateLimit};

    match key {
        "type" | "plugin" | "meta" => true,
        "label" => matches!(kind, Input | Output | Processor | Cache | RateLimit),
        "processors" => matches!(kind, Input | Output),
        "mapping" => kind == Metric,
        _ => false,
    }
}
