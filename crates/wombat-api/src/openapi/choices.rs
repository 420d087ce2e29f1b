//! The values that parameters may have.

use wombat_model::{Goarch, Goos, catalog::ComponentKind};

pub(super) const BASES: [&str; 2] = ["standard", "pure"];

pub(super) fn systems() -> impl Iterator<Item = &'static str> {
    Goos::ALL.iter().map(|goos| goos.as_str())
}

pub(super) fn architectures() -> impl Iterator<Item = &'static str> {
    Goarch::ALL.iter().map(|goarch| goarch.as_str())
}

pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    ComponentKind::ALL.iter().map(|kind| kind.as_str())
}
