//! Valid mappings in Bloblang.

use wombat_model::catalog::{ComponentKind, Documentation};

use super::{
    maker::Maker,
    mapping_arguments::{arguments, literal},
};

/// Paths to values.
const PATHS: [&str; 10] = [
    "this",
    "this.a",
    "this.a.b_c",
    "root.x",
    "this.\"quoted name\".d",
    "@",
    "@key",
    "@\"other key\"",
    "$name",
    "a.b.0",
];
/// Operators between two values.
const OPERATORS: [&str; 14] = [
    "+", "-", "*", "/", "%", "&&", "||", "==", "!=", ">=", "<=", ">", "<", "|",
];

/// A mapping around a function or method: each has its turn.
pub(super) fn mapping(maker: &mut Maker<'_>, call: &Documentation) -> String {
    let mut lines = Vec::new();
    if maker.random.chance(20) {
        lines.push("# A comment: root = {".to_owned());
        lines.push(String::new());
    }
    if maker.random.chance(15) {
        let inner = expression(maker, 2);
        lines.push(format!("map thing {{\n  root.x = {inner}\n}}"));
    }
    let main = called(maker, call, 1);
    lines.push(assigned(maker, &main));
    for _ in 0..maker.random.below(3) {
        let value = expression(maker, 1);
        lines.push(assigned(maker, &value));
    }
    if maker.random.chance(15) {
        let (condition, value, other) = (
            expression(maker, 2),
            expression(maker, 2),
            expression(maker, 2),
        );
        lines.push(match maker.random.below(3) {
            0 => format!("if {condition} {{\n  root.b = {value}\n}}"),
            1 => {
                format!("if {condition} {{\n  root.b = {value}\n}} else {{\n  meta b = {other}\n}}")
            }
            _ => {
                format!("if {condition} {{ root.b = {value} }} else if {other} {{\n  let x = 1\n}}")
            }
        });
    }
    let has_comment = maker.random.chance(10);
    if has_comment {
        lines.push(String::new());
        lines.push("root.z = 1 # the end".to_owned());
    }
    // A comment ends with its line.
    let end = if has_comment || maker.random.chance(50) {
        "\n"
    } else {
        ""
    };
    lines.join("\n") + end
}

/// A mapping as a field of a component holds it.
pub(super) fn small(maker: &mut Maker<'_>) -> String {
    let value = expression(maker, 2);
    match maker.random.below(4) {
        0 => value,
        1 => format!("root = {value}"),
        _ => {
            let first = assigned(maker, &value);
            let other = expression(maker, 3);
            format!("{first}\nroot.b = {other}\n")
        }
    }
}

/// A text with a mapping in it.
pub(super) fn interpolation(maker: &mut Maker<'_>) -> String {
    let value = expression(maker, 3);
    // Its lines would become one, in which cases of a match aren't separated.
    let value = if value.contains('\n') {
        path(maker)
    } else {
        value
    };
    match maker.random.below(5) {
        0 => format!("${{!{value}}}"),
        1 => format!("a-${{! {value} }}-b"),
        2 => format!("${{{{! no mapping }}}} ${{! {value} }}"),
        3 => format!("$ ${{! {value} }}"),
        _ => format!("${{! {value} }}${{! @key }}"),
    }
}

/// A statement that assigns a value.
fn assigned(maker: &mut Maker<'_>, value: &str) -> String {
    match maker.random.below(7) {
        0 => format!("root = {value}"),
        1 => format!("root.a.b = {value}"),
        2 => format!("root.\"a b\".c = {value}"),
        3 => format!("let name = {value}"),
        4 => format!("meta key = {value}"),
        5 => format!("meta \"some key\" = {value}"),
        _ => format!("root.new =   {value}"),
    }
}

/// A value.
fn expression(maker: &mut Maker<'_>, depth: usize) -> String {
    let limit = if depth >= 3 { 4 } else { 13 };
    match maker.random.below(limit) {
        0 | 1 => path(maker),
        2 => literal(maker),
        3 => format!("!{}", path(maker)),
        4 => {
            let operator = *maker.random.pick(&OPERATORS);
            format!("{} {operator} {}", path(maker), path(maker))
        }
        5 => format!("({})", expression(maker, depth + 1)),
        6 => {
            let (condition, value, other) = (
                expression(maker, depth + 1),
                expression(maker, depth + 1),
                expression(maker, depth + 1),
            );
            match maker.random.below(3) {
                0 => format!("if {condition} {{ {value} }}"),
                1 => format!("if {condition} {{ {value} }} else {{ {other} }}"),
                _ => format!(
                    "if {condition} {{ {value} }} else if {other} {{ null }} else {{ {other} }}"
                ),
            }
        }
        7 => {
            let (value, other) = (expression(maker, depth + 1), expression(maker, depth + 1));
            let subject = path(maker);
            match maker.random.below(3) {
                0 => format!("match {subject} {{ this == 1 => {value}, _ => {other} }}"),
                1 => format!("match {{\n  {subject} == \"x\" => {value}\n  _ => {other}\n}}"),
                _ => {
                    format!("match {subject} {{ \"x\" => {value}, 5 => {other}, _ => null }}")
                }
            }
        }
        8 => format!("{}.({})", path(maker), expression(maker, depth + 1)),
        9 => format!(
            "[{}, {}]",
            expression(maker, depth + 1),
            expression(maker, depth + 1)
        ),
        10 => format!(
            "{{\"a\": {}, \"b c\": {}}}",
            expression(maker, depth + 1),
            path(maker)
        ),
        _ => {
            let kind = *maker.random.pick(&[
                ComponentKind::BloblangFunction,
                ComponentKind::BloblangMethod,
            ]);
            let all = maker.catalog.of_kind(kind);
            let call = *maker.random.pick(&all);
            called(maker, call, depth + 1)
        }
    }
}

fn path(maker: &mut Maker<'_>) -> String {
    (*maker.random.pick(&PATHS)).to_owned()
}

/// A call with fitting arguments.
fn called(maker: &mut Maker<'_>, call: &Documentation, depth: usize) -> String {
    maker.found.insert(call.component());
    let arguments = arguments(maker, call, depth);
    let name = &call.name;
    if call.kind == ComponentKind::BloblangFunction {
        return format!("{name}({arguments})");
    }
    let target = path(maker);
    format!("{target}.{name}({arguments})")
}
