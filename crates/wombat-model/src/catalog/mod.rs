//! The catalog: module releases, their packages, the components of each package, and the documentation of these; and
//! the Go releases that all of it is built with.

mod component;
mod documentation;
mod driver;
mod go_releases;
mod import;
mod kind;
mod package;
mod release;
mod shared;

pub use component::{Component, ComponentReference};
pub use documentation::{
    ComponentStatus, Documentation, Example, Field, FieldShape, PackageDocumentation, Parameter,
};
pub use driver::Driver;
pub use go_releases::{GoRelease, GoReleases};
pub use import::{Import, ImportState, ReleaseDocument};
pub use kind::ComponentKind;
pub use package::{
    CatalogPackage, Licence, MEASURED_ON, ParseSupportLevelError, PlatformSupport, SupportLevel,
};
pub use release::{Offer, Release};
pub use shared::SharedBytes;
