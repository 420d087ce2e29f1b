//! The heartbeat of a builder. Its key expires by the server's clock unless the builder renews it.

use serde::{Deserialize, Serialize};

use crate::{BuildKey, BuilderId, ClaimId, GoVersion, SandboxLevel, Template};

/// A build that a builder is working on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActiveClaim {
    /// The build.
    pub id: BuildKey,
    /// The claim.
    pub claim: ClaimId,
}

/// An entry of the `builders` bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// The builder process.
    pub builder: BuilderId,
    /// The host name of its machine.
    pub host: String,
    /// Version of Wombat Builder.
    pub version: String,
    /// Builds that it can run at the same time.
    pub workers: u32,
    /// How many of its workers take only builds of the catalog.
    #[serde(default, skip_serializing_if = "is_none")]
    pub catalog_workers: u32,
    /// Builds that it is running.
    pub active: Vec<ActiveClaim>,
    /// The Go release that is installed there.
    pub go: Option<GoVersion>,
    /// How strictly its compilers are sandboxed.
    #[serde(default = "unconfined")]
    pub sandbox: SandboxLevel,
    /// Templates that it builds; it leaves builds of others alone.
    #[serde(default = "first_template")]
    #[schemars(with = "Vec<u32>")]
    pub templates: Vec<Template>,
    /// It claims no new builds: it only finishes the ones it has, or can't build at all.
    pub draining: bool,
    /// Why it can't build, and how to fix that, for people. It checks again from time to time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How long this entry lives without being renewed, in milliseconds.
    pub lease_ms: u64,
}

impl Presence {
    /// Whether it could claim a build of this template.
    pub fn takes(&self, template: Template) -> bool {
        !self.draining && self.templates.contains(&template)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_none(workers: &u32) -> bool {
    *workers == 0
}

/// A builder that reports no templates is of version 0.1.0.
fn first_template() -> Vec<Template> {
    vec![Template::FIRST]
}

/// A builder that reports no level is from before there was a sandbox.
fn unconfined() -> SandboxLevel {
    SandboxLevel::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_of_0_1_0_has_the_first_template() {
        let old = r#"{"builder":"b","host":"h","version":"0.1.0","workers":1,"active":[],"go":null,"draining":false,"leaseMs":9000}"#;
        let mut presence: Presence = serde_json::from_str(old).unwrap();
        assert!(presence.takes(Template::FIRST) && !presence.takes(Template::SECOND));
        presence.draining = true;
        assert!(!presence.takes(Template::FIRST));
    }
}
