//! Anchors, aliases and merges: what is repeated is written once.

use super::{
    components::{has, is_component},
    random::Random,
    rules,
    style::Style,
    tree::{Entry, MapRole, Node, ScalarRole, Value},
};

/// Repeats parts of a pipeline if its style asks for that.
pub(super) fn apply(root: &mut Node, style: Style, random: &mut Random) {
    match style {
        Style::Anchors => {
            repeat_item(root, random);
            repeat_text(root);
        }
        Style::Merge => merge(root, random),
        Style::Block
        | Style::Flow
        | Style::QuotedLines
        | Style::Tabs
        | Style::Crlf
        | Style::Bom
        | Style::Variables
        | Style::Documents
        | Style::Json
        | Style::Comments => {}
    }
}

/// A list gets one of its items again.
fn repeat_item(root: &mut Node, random: &mut Random) {
    let places = root.places(&|node| match &node.value {
        Value::List(list) => list.items.iter().any(is_repeatable),
        Value::Scalar(_) | Value::Map(_) | Value::Alias(_) => false,
    });
    if places.is_empty() {
        return;
    }
    let place = random.pick(&places);
    if let Some(node) = root.at_mut(place)
        && let Value::List(list) = &mut node.value
        && let Some(item) = list.items.iter_mut().find(|item| is_repeatable(item))
    {
        item.anchor = Some("item".to_owned());
        list.items.push(Node::alias("item"));
    }
}

/// Labels are unique, so what has one isn't repeated.
fn is_repeatable(node: &Node) -> bool {
    let has_label = node.places(&|node| match &node.value {
        Value::Map(map) => has(map, "label"),
        Value::Scalar(_) | Value::List(_) | Value::Alias(_) => false,
    });
    !matches!(node.value, Value::Alias(_)) && has_label.is_empty()
}

/// Equal texts refer to the first of them.
fn repeat_text(root: &mut Node) {
    let is_value = |node: &Node| match &node.value {
        Value::Scalar(scalar) => {
            node.anchor.is_none() && scalar.is_text && scalar.role == ScalarRole::Value
        }
        Value::List(_) | Value::Map(_) | Value::Alias(_) => false,
    };
    let places = root.places(&is_value);
    let texts: Vec<String> = places
        .iter()
        .filter_map(|place| match &root.at_mut(place)?.value {
            Value::Scalar(scalar) => Some(scalar.text.clone()),
            Value::List(_) | Value::Map(_) | Value::Alias(_) => None,
        })
        .collect();
    for (first, text) in texts.iter().enumerate() {
        let Some(second) = texts.iter().skip(first + 1).position(|it| it == text) else {
            continue;
        };
        let second = first + 1 + second;
        if let Some(node) = root.at_mut(&places[first]) {
            node.anchor = Some("text".to_owned());
        }
        if let Some(node) = root.at_mut(&places[second]) {
            *node = Node::alias("text");
        }
        return;
    }
}

/// A component of a list comes a second time, with its fields merged.
fn merge(root: &mut Node, random: &mut Random) {
    let places = root.places(&|node| match &node.value {
        Value::List(list) => list.items.iter().any(|item| fields_of(item).is_some()),
        Value::Scalar(_) | Value::Map(_) | Value::Alias(_) => false,
    });
    if places.is_empty() {
        return;
    }
    let place = random.pick(&places).clone();
    let Some(node) = root.at_mut(&place) else {
        return;
    };
    let Value::List(list) = &mut node.value else {
        return;
    };
    let Some(item) = list.items.iter_mut().find(|item| fields_of(item).is_some()) else {
        return;
    };
    let mut second = item.clone();
    if let (Some(own), Some(other)) = (fields_of_mut(item), fields_of_mut(&mut second)) {
        own.anchor = Some("fields".to_owned());
        let mut entries = vec![Entry::new("<<", Node::alias("fields"))];
        if let Value::Map(map) = &mut other.value {
            // Some of them are written again.
            let again = map.entries.drain(..).filter(|_| random.chance(30));
            entries.extend(again);
            map.entries = entries;
        }
        list.items.push(second);
    }
}

/// The fields of a component whose name is a key, if it may be repeated.
fn fields_of(item: &Node) -> Option<&Node> {
    let Value::Map(map) = &item.value else {
        return None;
    };
    let [only] = map.entries.as_slice() else {
        return None;
    };
    let is_fields = matches!(&only.value.value, Value::Map(fields)
        if fields.role == MapRole::Fields && !fields.entries.is_empty());
    let may_merge =
        is_component(map) && is_fields && is_repeatable(item) && !rules::is_about(&only.key);
    may_merge.then_some(&only.value)
}

fn fields_of_mut(item: &mut Node) -> Option<&mut Node> {
    fields_of(item)?;
    let Value::Map(map) = &mut item.value else {
        return None;
    };
    map.entries.first_mut().map(|entry| &mut entry.value)
}
