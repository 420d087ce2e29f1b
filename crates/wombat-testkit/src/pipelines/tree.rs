//! A pipeline before it is text. Nodes know what they are, so that mistakes can be put where they are mistakes.

use wombat_model::catalog::ComponentKind;

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) anchor: Option<String>,
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(List),
    Map(Map),
    Alias(String),
}

/// One value.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// It is text; all else is written as it is.
    pub(super) is_text: bool,
    pub(super) role: ScalarRole,
}

/// What a scalar is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarRole {
    /// The value of a field whose type is known.
    Value,
    /// One of several options.
    Option,
    Mapping,
    Interpolated,
    Label,
    /// The name of a component.
    Name,
    /// Anything may stand here.
    Free,
}

/// Several values.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) items: Vec<Node>,
    /// Nothing but a list may stand here.
    pub(super) is_typed: bool,
}

/// Names with values.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) role: MapRole,
    pub(super) entries: Vec<Entry>,
}

/// What a map is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapRole {
    /// Known fields.
    Fields,
    /// A component. `direct`: the pipeline itself names it, and `lint` reads it more strictly.
    Component { kind: ComponentKind, direct: bool },
    /// Any names, whose values have a type.
    Names,
    /// Anything may stand here.
    Free,
}

/// A name with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Node,
    /// Leaving it out is a mistake.
    pub(super) is_required: bool,
}

impl Entry {
    pub(super) fn new(key: impl Into<String>, value: Node) -> Self {
        Self {
            key: key.into(),
            value,
            is_required: false,
        }
    }
}

impl Node {
    fn of(value: Value) -> Self {
        Self {
            anchor: None,
            value,
        }
    }

    pub(super) fn text(text: impl Into<String>, role: ScalarRole) -> Self {
        Self::of(Value::Scalar(Scalar {
            text: text.into(),
            is_text: true,
            role,
        }))
    }

    /// A number, a boolean or null.
    pub(super) fn plain(text: impl Into<String>, role: ScalarRole) -> Self {
        Self::of(Value::Scalar(Scalar {
            text: text.into(),
            is_text: false,
            role,
        }))
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::of(Value::List(List {
            items,
            is_typed: true,
        }))
    }

    pub(super) fn free_list(items: Vec<Self>) -> Self {
        Self::of(Value::List(List {
            items,
            is_typed: false,
        }))
    }

    pub(super) fn map(role: MapRole, entries: Vec<Entry>) -> Self {
        Self::of(Value::Map(Map { role, entries }))
    }

    pub(super) fn alias(name: impl Into<String>) -> Self {
        Self::of(Value::Alias(name.into()))
    }

    pub(super) fn children(&self) -> Vec<&Self> {
        match &self.value {
            Value::List(list) => list.items.iter().collect(),
            Value::Map(map) => map.entries.iter().map(|entry| &entry.value).collect(),
            Value::Scalar(_) | Value::Alias(_) => Vec::new(),
        }
    }

    fn child_mut(&mut self, index: usize) -> Option<&mut Self> {
        match &mut self.value {
            Value::List(list) => list.items.get_mut(index),
            Value::Map(map) => map.entries.get_mut(index).map(|entry| &mut entry.value),
            Value::Scalar(_) | Value::Alias(_) => None,
        }
    }

    /// The places of all nodes that fit, as paths from here.
    pub(super) fn places(&self, fits: &dyn Fn(&Self) -> bool) -> Vec<Vec<usize>> {
        let mut places = Vec::new();
        let mut path = Vec::new();
        self.gather(fits, &mut path, &mut places);
        places
    }

    fn gather(
        &self,
        fits: &dyn Fn(&Self) -> bool,
        path: &mut Vec<usize>,
        places: &mut Vec<Vec<usize>>,
    ) {
        if fits(self) {
            places.push(path.clone());
        }
        for (index, child) in self.children().into_iter().enumerate() {
            path.push(index);
            child.gather(fits, path, places);
            path.pop();
        }
    }

    pub(super) fn at_mut(&mut self, path: &[usize]) -> Option<&mut Self> {
        match path {
            [] => Some(self),
            [first, rest @ ..] => self.child_mut(*first)?.at_mut(rest),
        }
    }
}
