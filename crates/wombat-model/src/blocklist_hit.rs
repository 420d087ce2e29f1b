//! Modules of a build that the operator blocks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BlockedModule, Blocklist, BuildSpec, Failure, FailureClass, ModulePattern};

/// How the message of a failure begins whose build has a blocked module.
const BLOCKED: &str = "This build has a module that the operator blocks: ";

/// A module whose code is in a binary, as `go` and the linker write it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct CompiledModule {
    /// Its path.
    pub path: String,
    /// Its version.
    pub version: String,
}

/// A module that a blocklist blocks, and the entry that blocks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BlocklistHit {
    /// The path of the module.
    pub module: String,
    /// Its version.
    pub version: String,
    /// The entry of the blocklist.
    pub pattern: ModulePattern,
    /// The operator's reason, if the entry has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl fmt::Display for BlocklistHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            module,
            version,
            pattern,
            reason,
        } = self;
        write!(f, "{module} {version}, by the entry `{pattern}`")?;
        match reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

impl Failure {
    /// The operator blocks a module of the build. `why` is a sentence that says what needs it.
    pub fn blocked(hit: &BlocklistHit, why: &str) -> Self {
        Self::new(FailureClass::Input, format!("{BLOCKED}{hit}. {why}"))
    }

    /// Whether it is [`Self::blocked`]: another blocklist may permit the build.
    pub fn is_blocked(&self) -> bool {
        self.class == FailureClass::Input && self.message.starts_with(BLOCKED)
    }
}

impl Blocklist {
    /// Whether it blocks nothing.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// The first entry that matches this module, whose path and version needn't be valid.
    pub fn hit(&self, path: &str, version: &str) -> Option<BlocklistHit> {
        let mut entries = self.entries().iter();
        let entry = entries.find(|entry| entry.module.matches_text(path, version))?;
        let BlockedModule { module, reason } = entry.clone();
        Some(BlocklistHit {
            module: path.to_owned(),
            version: version.to_owned(),
            pattern: module,
            reason,
        })
    }

    /// All entries that match this module.
    pub fn matching(&self, path: &str, version: &str) -> impl Iterator<Item = &ModulePattern> {
        let patterns = self.entries().iter().map(|entry| &entry.module);
        patterns.filter(move |pattern| pattern.matches_text(path, version))
    }

    /// The first blocked module of a spec.
    pub fn hit_of_spec(&self, spec: &BuildSpec) -> Option<BlocklistHit> {
        let mut modules = spec.modules().iter();
        modules.find_map(|(path, version)| self.hit(path.as_str(), version.as_str()))
    }

    /// The first blocked module of a binary.
    pub fn hit_of_binary(&self, modules: &[CompiledModule]) -> Option<BlocklistHit> {
        let mut modules = modules.iter();
        modules.find_map(|CompiledModule { path, version }| self.hit(path, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_names_the_module_the_entry_and_the_reason() {
        let list: Blocklist = serde_json::from_str(
            r#"[{"module": "evil.example/*", "reason": "malware"}, {"module": "old.example/m@v1.0.0"}]"#,
        )
        .unwrap();
        let compiled = |path: &str, version: &str| CompiledModule {
            path: path.to_owned(),
            version: version.to_owned(),
        };
        let good = compiled("good.example/m", "v1.0.0");
        // A folder that replaces a module has no version.
        let evil = compiled("evil.example/m", "");
        assert_eq!(list.hit_of_binary(std::slice::from_ref(&good)), None);
        let hit = list.hit_of_binary(&[good, evil]).unwrap();
        assert_eq!(
            (hit.module.as_str(), hit.reason.as_deref()),
            ("evil.example/m", Some("malware"))
        );
        let hit = list.hit("old.example/m", "v1.0.0").unwrap();
        assert_eq!(
            hit.to_string(),
            "old.example/m v1.0.0, by the entry `old.example/m@v1.0.0`"
        );
        let failure = Failure::blocked(&hit, "The request names it.");
        assert!(failure.is_blocked() && failure.class.is_final());
        let other = Failure::new(FailureClass::Input, "no such package");
        assert!(!other.is_blocked());
        assert_eq!(list.hit("old.example/m", "v1.0.1"), None);
        assert!(!list.is_empty() && Blocklist::default().is_empty());
    }
}
