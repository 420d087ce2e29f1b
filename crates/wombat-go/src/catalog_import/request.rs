//! The request, the result and the errors of an import.

use std::collections::BTreeMap;

use wombat_model::{
    GoVersion, ImportPath, InvalidSpec, ModulePath, ModuleVersion, Platform,
    catalog::{Documentation, Field, PackageDocumentation, Release},
};

use crate::BuildError;

/// What to import.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// Its title.
    pub title: String,
    /// The Go release to build with.
    pub go: GoVersion,
    /// Go releases that it is known to be built with, newest first.
    pub go_versions: Vec<GoVersion>,
    /// The lowest Go release that its own `go.mod` allows.
    pub lowest_go: Option<GoVersion>,
    /// Folder that contains its packages.
    pub component_root: String,
    /// Its packages, relative to that folder, with descriptions.
    pub packages: BTreeMap<String, String>,
    /// Packages that can't be picked, relative to that folder, with reasons.
    pub excluded: BTreeMap<String, String>,
    /// Packages that every pipeline needs, as import paths; all in `base_module`.
    pub base: Vec<ImportPath>,
    /// The module of the base.
    pub base_module: ModulePath,
}

/// The result of an import.
#[derive(Debug)]
pub struct Imported {
    /// The release.
    pub release: Release,
    /// The components' documentation, with their authors' texts.
    pub documentation: Vec<PackageDocumentation>,
    /// The fields of a pipeline as a whole.
    pub stream: Vec<Field>,
}

impl Imported {
    /// The same without the authors' texts.
    #[must_use]
    pub fn without_words(mut self) -> Self {
        for package in &mut self.documentation {
            let components = std::mem::take(&mut package.components).into_iter();
            package.components = components.map(Documentation::without_words).collect();
        }
        let stream = self.stream.into_iter();
        Self {
            stream: stream.map(Field::without_words).collect(),
            ..self
        }
    }
}

/// Why an import failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A package can't be built.
    #[error("{package}: {source}")]
    Build {
        /// The package.
        package: ImportPath,
        /// Why.
        source: BuildError,
    },
    /// The packages can't be compiled for a target.
    #[error("{platform}: {source}")]
    Target {
        /// The target.
        platform: Platform,
        /// Why.
        source: BuildError,
    },
    /// The module graph can't be resolved.
    #[error("{module}: {source}")]
    Graph {
        /// The module.
        module: ModulePath,
        /// Why.
        source: BuildError,
    },
    /// No package of the module can be picked.
    #[error("no package of {0} registers components")]
    NoPackages(ModulePath),
    /// A path or version contradicts the others.
    #[error(transparent)]
    Spec(#[from] InvalidSpec),
    /// A path is invalid.
    #[error(transparent)]
    Path(#[from] wombat_model::ParsePathError),
    /// The module doesn't require the base's module.
    #[error("the imported module doesn't require {0}")]
    NoBase(ModulePath),
    /// The release offers no Go version to compile with.
    #[error("the release names no Go version")]
    NoGo,
    /// A binary doesn't list its components.
    #[error("{package}: can't list the components of its binary: {problem}")]
    Listing {
        /// The package.
        package: ImportPath,
        /// Why.
        problem: String,
    },
}
