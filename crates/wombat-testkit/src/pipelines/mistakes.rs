//! One mistake in the tree of a pipeline.

use super::{
    components::{has, is_component, is_name, other_of},
    random::Random,
    tree::{Entry, MapRole, Node, Scalar, ScalarRole, Value},
};

/// Puts a mistake somewhere and names it; `None` if there is no place for the kind that was drawn.
pub(super) fn plant(root: &mut Node, random: &mut Random) -> Option<&'static str> {
    // Of kinds that don't fit, the next one is tried.
    let first = random.below(KINDS.len());
    for offset in 0..KINDS.len() {
        let kind = KINDS[(first + offset) % KINDS.len()];
        let places = root.places(&|node| kind.fits(node));
        if places.is_empty() {
            continue;
        }
        let place = random.pick(&places);
        if let Some(node) = root.at_mut(place) {
            kind.apply(node, random);
            return Some(kind.name());
        }
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    UnknownField,
    MissingField,
    ListForScalar,
    MapForScalar,
    ScalarForList,
    MapForList,
    ScalarForMap,
    ListForMap,
    ScalarForNames,
    UnknownComponent,
    UnknownType,
    TwoNames,
    KeyBesideType,
    WrongOption,
    WrongLabel,
    NoName,
    NoComponent,
    WrongMapping,
    WrongInterpolation,
    EmptyProcessors,
}

const KINDS: [Kind; 20] = [
    Kind::UnknownField,
    Kind::MissingField,
    Kind::ListForScalar,
    Kind::MapForScalar,
    Kind::ScalarForList,
    Kind::MapForList,
    Kind::ScalarForMap,
    Kind::ListForMap,
    Kind::ScalarForNames,
    Kind::UnknownComponent,
    Kind::UnknownType,
    Kind::TwoNames,
    Kind::KeyBesideType,
    Kind::WrongOption,
    Kind::WrongLabel,
    Kind::NoName,
    Kind::NoComponent,
    Kind::WrongMapping,
    Kind::WrongInterpolation,
    Kind::EmptyProcessors,
];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::UnknownField => "unknown field",
            Self::MissingField => "missing field",
            Self::ListForScalar => "list for a value",
            Self::MapForScalar => "map for a value",
            Self::ScalarForList => "value for a list",
            Self::MapForList => "map for a list",
            Self::ScalarForMap => "value for fields",
            Self::ListForMap => "list for fields",
            Self::ScalarForNames => "value for names",
            Self::UnknownComponent => "unknown component",
            Self::UnknownType => "unknown type",
            Self::TwoNames => "two names",
            Self::KeyBesideType => "key beside type",
            Self::WrongOption => "wrong option",
            Self::WrongLabel => "wrong label",
            Self::NoName => "no name",
            Self::NoComponent => "no component",
            Self::WrongMapping => "wrong mapping",
            Self::WrongInterpolation => "wrong interpolation",
            Self::EmptyProcessors => "empty processors",
        }
    }

    fn fits(self, node: &Node) -> bool {
        match (self, &node.value) {
            (Self::UnknownField | Self::ScalarForMap | Self::ListForMap, Value::Map(map)) => {
                map.role == MapRole::Fields
            }
            (Self::MissingField, Value::Map(map)) => {
                map.entries.iter().any(|entry| entry.is_required)
            }
            (Self::ListForScalar | Self::MapForScalar, Value::Scalar(scalar)) => {
                matches!(
                    scalar.role,
                    ScalarRole::Value
                        | ScalarRole::Option
                        | ScalarRole::Mapping
                        | ScalarRole::Interpolated
                        | ScalarRole::Label
                )
            }
            (Self::ScalarForList | Self::MapForList, Value::List(list)) => list.is_typed,
            (Self::ScalarForNames, Value::Map(map)) => map.role == MapRole::Names,
            (Self::UnknownComponent, Value::Map(map)) => is_component(map) && !has(map, "type"),
            (Self::UnknownType | Self::KeyBesideType, Value::Map(map)) => {
                is_component(map) && has(map, "type")
            }
            (Self::TwoNames, Value::Map(map)) => {
                is_component(map) && !has(map, "type") && other_of(map).is_some()
            }
            (Self::NoName | Self::NoComponent, Value::Map(map)) => {
                matches!(map.role, MapRole::Component { direct: true, .. })
            }
            (Self::WrongOption, Value::Scalar(scalar)) => scalar.role == ScalarRole::Option,
            (Self::WrongLabel, Value::Scalar(scalar)) => scalar.role == ScalarRole::Label,
            (Self::WrongMapping, Value::Scalar(scalar)) => scalar.role == ScalarRole::Mapping,
            (Self::WrongInterpolation, Value::Scalar(scalar)) => {
                scalar.role == ScalarRole::Interpolated
            }
            (Self::EmptyProcessors, Value::Map(map)) => {
                use wombat_model::catalog::ComponentKind::{Input, Output};
                matches!(
                    map.role,
                    MapRole::Component {
                        kind: Input | Output,
                        ..
                    }
                ) && !has(map, "processors")
            }
            _ => false,
        }
    }

    fn apply(self, node: &mut Node, random: &mut Random) {
        let scalar = |text: &str| Node::text(text, ScalarRole::Free).value;
        match self {
            Self::UnknownField => {
                let key = *random.pick(&["no_such_field", "colour", "Url"]);
                let entry = Entry::new(key, Node::text("x", ScalarRole::Free));
                insert(node, random, entry);
            }
            Self::MissingField => remove(node, random, |entry| entry.is_required),
            Self::ListForScalar => {
                node.value = Node::free_list(vec![Node::text("x", ScalarRole::Free)]).value;
            }
            Self::ScalarForList | Self::ScalarForMap | Self::ScalarForNames => {
                node.value = scalar(random.pick::<&str>(&["x", "some words"]));
            }
            Self::MapForScalar | Self::MapForList => {
                let entry = Entry::new("x", Node::text("y", ScalarRole::Free));
                node.value = Node::map(MapRole::Free, vec![entry]).value;
            }
            Self::ListForMap => node.value = Node::free_list(Vec::new()).value,
            Self::UnknownComponent => {
                if let Value::Map(map) = &mut node.value
                    && let Some(at) = map
                        .entries
                        .iter()
                        .position(|entry| is_name(map, &entry.key))
                {
                    map.entries[at].key.push('z');
                }
            }
            Self::UnknownType => {
                if let Value::Map(map) = &mut node.value
                    && let Some(entry) = map.entries.iter_mut().find(|entry| entry.key == "type")
                    && let Value::Scalar(Scalar { text, .. }) = &mut entry.value.value
                {
                    text.push('z');
                }
            }
            Self::TwoNames => {
                if let Value::Map(map) = &mut node.value
                    && let Some(other) = other_of(map)
                {
                    let config = Node::map(MapRole::Free, Vec::new());
                    map.entries.push(Entry::new(other, config));
                }
            }
            Self::KeyBesideType => {
                let entry = Entry::new("stray", Node::text("x", ScalarRole::Free));
                insert(node, random, entry);
            }
            Self::WrongOption => node.value = scalar("no_such_option"),
            Self::WrongLabel => {
                node.value = scalar(random.pick::<&str>(&["Upper", "_x", "with space", "-x"]));
            }
            Self::NoName => {
                if let Value::Map(map) = &mut node.value {
                    map.entries.retain(|entry| entry.key == "label");
                }
            }
            Self::NoComponent => node.value = scalar("x"),
            Self::WrongMapping => {
                let wrong = [
                    "root = ",
                    "root = this.foo(",
                    "root.a = nosuchfunction()",
                    "root = \"x",
                    "root.a = 1 root.b = 2",
                ];
                node.value = scalar(random.pick::<&str>(&wrong));
            }
            Self::WrongInterpolation => {
                let wrong = [
                    "${! }",
                    "a ${! this.x. } b",
                    "${! nosuchfunction() }",
                    "${! \"x }",
                    "${!this.a",
                ];
                node.value = scalar(random.pick::<&str>(&wrong));
            }
            Self::EmptyProcessors => {
                if let Value::Map(map) = &mut node.value {
                    map.entries
                        .push(Entry::new("processors", Node::list(Vec::new())));
                }
            }
        }
    }
}

fn insert(node: &mut Node, random: &mut Random, entry: Entry) {
    if let Value::Map(map) = &mut node.value {
        let at = random.below(map.entries.len() + 1);
        map.entries.insert(at, entry);
    }
}

fn remove(node: &mut Node, random: &mut Random, fits: impl Fn(&Entry) -> bool) {
    if let Value::Map(map) = &mut node.value {
        let places: Vec<usize> = (0..map.entries.len())
            .filter(|at| fits(&map.entries[*at]))
            .collect();
        if !places.is_empty() {
            map.entries.remove(*random.pick(&places));
        }
    }
}
