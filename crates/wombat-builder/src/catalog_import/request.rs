//! What an import is asked, what it finds, and why it stops.

use std::collections::BTreeMap;

use wombat_model::{
    GoVersion, ImportPath, InvalidSpec, ModulePath, ModuleVersion, Platform,
    catalog::{Documentation, Field, PackageDocumentation, Release},
};

use crate::go::BuildError;

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// What people call it.
    pub title: String,
    /// The Go release that builds.
    pub go: GoVersion,
    /// Go releases on offer, newest first.
    pub go_versions: Vec<GoVersion>,
    /// Folder below which its packages are.
    pub component_root: String,
    /// Its packages, below that folder, and a line on each.
    pub packages: BTreeMap<String, String>,
    /// Packages that can't be picked, below that folder, and why.
    pub excluded: BTreeMap<String, String>,
    /// Whether a package that can't be built is left out and named, rather than the end of the import.
    pub leave_out_failing: bool,
    /// Packages that no pipeline runs without, as import paths; all in `base_module`.
    pub base: Vec<ImportPath>,
    /// The module of the base.
    pub base_module: ModulePath,
}

impl ImportRequest {
    /// The package in a folder below the root; both may be empty.
    pub(super) fn path_of(&self, folder: &str) -> Result<ImportPath, ImportError> {
        let parts = [self.module.as_str(), &self.component_root, folder];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Ok(parts.join("/").parse()?)
    }
}

/// What an import found.
#[derive(Debug)]
pub struct Imported {
    /// The release.
    pub release: Release,
    /// What the components say of themselves, with their makers' words.
    pub documentation: Vec<PackageDocumentation>,
    /// The fields of a pipeline as a whole.
    pub stream: Vec<Field>,
}

impl Imported {
    /// The same without the makers' words.
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

/// The import stopped.
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
    /// It can't be tried which packages compile for a target.
    #[error("{platform}: {source}")]
    Target {
        /// The target.
        platform: Platform,
        /// Why.
        source: BuildError,
    },
    /// What a module asks for can't be found out.
    #[error("{module}: {source}")]
    Graph {
        /// The module.
        module: ModulePath,
        /// Why.
        source: BuildError,
    },
    /// Nothing in it can be picked.
    #[error("no package of {0} registers components")]
    NoPackages(ModulePath),
    /// A path or version doesn't fit the others.
    #[error(transparent)]
    Spec(#[from] InvalidSpec),
    /// A path isn't one.
    #[error(transparent)]
    Path(#[from] wombat_model::ParsePathError),
    /// The module doesn't ask for the base's module.
    #[error("{0} isn't required by the module that is imported")]
    NoBase(ModulePath),
    /// The release offers no Go version to compile with.
    #[error("the release names no Go version")]
    NoGo,
    /// A binary doesn't tell what it holds.
    #[error("{package}: its binary doesn't list its components: {problem}")]
    Listing {
        /// The package.
        package: ImportPath,
        /// Why.
        problem: String,
    },
}
