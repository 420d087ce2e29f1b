//! Templates: the rules by which a spec becomes `main.go`, `go.mod` and a command, by number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a template. A record may have one that this version doesn't know: a later version wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(u32);

/// No template has this number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no template {0}; write 1 or 2, or leave it out for the newest")]
pub struct UnknownTemplate(String);

impl Template {
    /// The packages, and a version that names the build.
    pub const FIRST: Self = Self(1);
    /// Adds the time zone database, the release's date, and an own name and version of the distribution.
    pub const SECOND: Self = Self(2);
    /// The template of new requests. If the same spec would give other bytes, add a template.
    pub const NEWEST: Self = Self::SECOND;
    /// The templates that this version builds.
    pub const KNOWN: [Self; 2] = [Self::FIRST, Self::SECOND];

    /// The template of this number, if this version builds it.
    pub fn known(number: u64) -> Result<Self, UnknownTemplate> {
        Self::KNOWN
            .into_iter()
            .find(|template| u64::from(template.0) == number)
            .ok_or_else(|| UnknownTemplate(number.to_string()))
    }

    /// Whether this version builds it.
    pub fn is_known(self) -> bool {
        Self::KNOWN.contains(&self)
    }
}

impl From<u32> for Template {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_later_versions_are_kept_but_not_known() {
        assert_eq!(Template::known(2), Ok(Template::NEWEST));
        let message = Template::known(3).unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no template 3; write 1 or 2, or leave it out for the newest"
        );
        let later: Template = serde_json::from_str("3").unwrap();
        assert!(!later.is_known() && later > Template::NEWEST);
    }
}
