//! Names of components.

use super::tree::{Map, MapRole};

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
