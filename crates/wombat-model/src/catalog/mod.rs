//! The catalog: module releases, their packages, the components of each package, and the documentation of these; and
//! the Go releases that all of it is built with.

mod asked_import;
mod component;
mod default_releases;
mod documentation;
mod driver;
mod go_releases;
mod import;
mod import_part;
mod import_plan;
mod kind;
mod package;
mod release;
mod shared;
mod unfetched;

pub use asked_import::AskedImport;
pub use component::{Component, ComponentReference};
pub use default_releases::{DefaultReleases, ParseReleaseChoiceError, ReleaseChoice};
pub use documentation::{
    ComponentStatus, Documentation, Example, Field, FieldShape, PackageDocumentation, Parameter,
};
pub use driver::Driver;
pub use go_releases::{GoRelease, GoReleases};
pub use import::{Import, ImportState, ReleaseDocument};
pub use import_part::{ImportPart, PackageFindings, PackageOutcome, PartState};
pub use import_plan::{BaseContents, ImportPlan, PartBasis, time_left};
pub use kind::ComponentKind;
pub use package::{
    CatalogPackage, Licence, MEASURED_ON, ParseSupportLevelError, PlatformSupport, SupportLevel,
};
pub use release::{Offer, Release};
pub use shared::SharedBytes;
pub use unfetched::Unfetched;
