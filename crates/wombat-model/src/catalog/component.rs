//! Components: as packages register them, and as clients request them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ComponentKind;

/// A component as a package registers it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Component {
    /// What it does.
    pub kind: ComponentKind,
    /// Its name in a pipeline.
    pub name: String,
}

impl Component {
    /// Whether it connects to a database through a [driver](ComponentKind::Driver) that its field `driver` names.
    pub fn needs_driver(&self) -> bool {
        let in_mappings = [
            ComponentKind::BloblangFunction,
            ComponentKind::BloblangMethod,
            ComponentKind::Driver,
        ];
        let is_sql = self.name == "sql" || self.name.starts_with("sql_");
        is_sql && !in_mappings.contains(&self.kind)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A component as clients request it: `kafka` means every kind of that name, `input/kafka` one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentReference {
    /// The kind, if one was named.
    pub kind: Option<ComponentKind>,
    /// The name.
    pub name: String,
}

impl ComponentReference {
    /// Whether this component matches.
    pub fn matches(&self, component: &Component) -> bool {
        self.name == component.name && self.kind.is_none_or(|kind| kind == component.kind)
    }
}

impl fmt::Display for ComponentReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{kind}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for ComponentReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (Some(kind.parse()?), name),
            None => (None, text),
        };
        let fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if fits {
            Ok(Self {
                kind,
                name: name.to_owned(),
            })
        } else {
            Err(format!(
                "`{}` is not the name of a component",
                text.escape_debug()
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_means_every_kind() {
        let bare: ComponentReference = "kafka".parse().unwrap();
        let input: ComponentReference = "input/kafka".parse().unwrap();
        let output = Component {
            kind: ComponentKind::Output,
            name: "kafka".into(),
        };
        assert!(bare.matches(&output) && !input.matches(&output));
        assert!("inputs/kafka".parse::<ComponentReference>().is_err());
        assert!("a b".parse::<ComponentReference>().is_err());
    }
}
