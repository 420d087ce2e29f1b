//! What is made.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use wombat_model::catalog::Component;

use super::style::Style;

/// A pipeline for both.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its YAML.
    pub text: String,
    /// The components in it, functions and methods of mappings included. Of an input with a mistake, at least these are
    /// meant.
    pub components: BTreeSet<Component>,
    /// The only mistake in it.
    pub mistake: Option<&'static str>,
    /// How it is written.
    pub style: Style,
}

impl Input {
    /// Tells inputs apart, in 16 hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(&Sha256::digest(&self.text)[..8])
    }
}
