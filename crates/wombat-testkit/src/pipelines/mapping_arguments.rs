//! Arguments of functions and methods.

use wombat_model::catalog::{Documentation, Parameter};

use super::maker::Maker;

/// Functions and methods whose arguments their own code checks when a mapping is read: these fit. A name may end in `*`.
const ARGUMENTS: [(&str, &str); 22] = [
    ("compress", "\"gzip\""),
    ("decode", "\"base64\""),
    ("decompress", "\"gzip\""),
    ("encode", "\"base64\""),
    ("file", "this.argument"),
    ("file_rel", "this.argument"),
    ("geoip_*", "this.argument"),
    ("hash", "\"sha256\""),
    ("json_schema", "\"{}\""),
    ("parse_jwt_*", "this.argument"),
    ("patch", "this.argument"),
    ("random_int", "1, 2"),
    ("range", "0, this.argument"),
    ("replace_all_many", "[\"a\", \"b\"]"),
    ("replace_many", "[\"a\", \"b\"]"),
    ("sign_jwt_*", "this.argument"),
    ("ts_add_iso8601", "\"P1D\""),
    ("ts_format", "this.argument"),
    ("ts_sub_iso8601", "\"P1D\""),
    ("ts_tz", "\"UTC\""),
    ("ulid", ""),
    ("zip", "this.argument"),
];
/// Arguments that fit, without brackets.
pub(super) fn arguments(maker: &mut Maker<'_>, call: &Documentation, depth: usize) -> String {
    if let Some((_, arguments)) = ARGUMENTS.iter().find(|(name, _)| fits(name, &call.name)) {
        return (*arguments).to_owned();
    }
    let required = call.parameters.iter().filter(|it| !it.optional).count();
    let wanted = required + maker.random.below(call.parameters.len() - required + 1);
    let is_named = maker.random.chance(25);
    let given: Vec<&Parameter> = if is_named {
        let keep = maker.random.chance(50);
        call.parameters
            .iter()
            .filter(|it| !it.optional || keep)
            .collect()
    } else {
        // Those without names come in order, so an optional one before a required one is there, too.
        let last = call
            .parameters
            .iter()
            .rposition(|it| !it.optional)
            .map_or(0, |at| at + 1);
        call.parameters.iter().take(wanted.max(last)).collect()
    };
    let mut written = Vec::new();
    for parameter in given {
        let value = argument(maker, parameter, depth);
        written.push(if is_named {
            format!("{}: {value}", parameter.name)
        } else {
            value
        });
    }
    written.join(", ")
}

/// Whether a name of the list above is this one.
fn fits(listed: &str, name: &str) -> bool {
    match listed.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => listed == name,
    }
}

fn argument(maker: &mut Maker<'_>, parameter: &Parameter, depth: usize) -> String {
    if parameter.of != "query expression" && maker.random.chance(60) {
        return "this.argument".to_owned();
    }
    match parameter.of.as_str() {
        "integer" => "1".to_owned(),
        "float" => "1.5".to_owned(),
        "bool" => "true".to_owned(),
        "array" => "[\"a\"]".to_owned(),
        "object" => "{\"a\": 1}".to_owned(),
        "query expression" => match maker.random.below(3) {
            0 => "this".to_owned(),
            1 => {
                // A name isn't used again beside others.
                maker.names += 1;
                let name = format!("item_{}", maker.names);
                format!("{name} -> {name}{}", if depth > 2 { "" } else { ".a" })
            }
            _ => "this.value".to_owned(),
        },
        "timestamp" => "this.time".to_owned(),
        "unknown" => literal(maker),
        _ => "\"text\"".to_owned(),
    }
}

/// A literal of any type.
pub(super) fn literal(maker: &mut Maker<'_>) -> String {
    let literals = [
        "1",
        "-3",
        "2.5",
        "true",
        "false",
        "null",
        "\"text\"",
        "\"with \\\"quotes\\\" and \\n\"",
        "\"\"\"raw \"text\" \\ here\"\"\"",
        "[]",
        "{}",
        "[1, 2]",
        "{\"k\": \"v\"}",
    ];
    (*maker.random.pick(&literals)).to_owned()
}
