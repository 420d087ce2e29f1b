//! Roles of tokens.

use strum::VariantArray;

/// What a token allows. Each role includes the ones before it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    clap::ValueEnum,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Read, and request builds.
    Reader,
    /// Cancel builds, force rebuilds, read the blocklist.
    Operator,
    /// Remove builds, change the blocklist, import releases into the catalog.
    Admin,
}

impl Role {
    /// All roles, from the least to the most powerful.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its name in token files and messages.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
