//! Names and kinds of components.

use wombat_model::catalog::ComponentKind;

use super::tree::{Map, MapRole};

/// The kind of component that a field of this type holds.
pub(super) fn kind_of(type_name: &str) -> Option<ComponentKind> {
    Some(match type_name {
        "input" => ComponentKind::Input,
        "output" => ComponentKind::Output,
        "processor" => ComponentKind::Processor,
        "cache" => ComponentKind::Cache,
        "buffer" => ComponentKind::Buffer,
        "rate_limit" => ComponentKind::RateLimit,
        "metrics" => ComponentKind::Metric,
        "tracer" => ComponentKind::Tracer,
        "scanner" => ComponentKind::Scanner,
        _ => return None,
    })
}

pub(super) fn is_component(map: &Map) -> bool {
    matches!(map.role, MapRole::Component { .. })
}

pub(super) fn has(map: &Map, key: &str) -> bool {
    map.entries.iter().any(|entry| entry.key == key)
}

/// Whether a key names the component, and isn't reserved beside its name.
pub(super) fn is_name(map: &Map, key: &str) -> bool {
    use wombat_model::catalog::ComponentKind::{Input, Metric, Output};

    let MapRole::Component { kind, .. } = map.role else {
        return false;
    };
    match key {
        "label" | "type" | "plugin" | "meta" => false,
        "processors" => !matches!(kind, Input | Output),
        "mapping" => kind != Metric,
        _ => true,
    }
}

/// Another component of the same kind.
pub(super) fn other_of(map: &Map) -> Option<&'static str> {
    use wombat_model::catalog::ComponentKind::{
        BloblangFunction, BloblangMethod, Buffer, Cache, Driver, Input, Metric, Output, Processor,
        RateLimit, Scanner, Tracer,
    };

    let MapRole::Component { kind, .. } = map.role else {
        return None;
    };
    let pair = match kind {
        Input => ["stdin", "generate"],
        Output => ["stdout", "drop"],
        Processor => ["log", "noop"],
        Cache => ["memory", "file"],
        Buffer => ["memory", "none"],
        Metric => ["none", "logger"],
        Tracer => ["none", "jaeger"],
        Scanner => ["lines", "csv"],
        RateLimit => ["local", "redis"],
        BloblangFunction | BloblangMethod | Driver => return None,
    };
    pair.into_iter().find(|name| !has(map, name))
}
