//! A spec: a request with every choice made, ready to be built the same way for ever.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    BuildKey, Distribution, GoVersion, Identity, ImportPath, ModulePath, ModuleVersion, Target,
    Template,
};

/// The linker flags of all templates so far: no symbols, no debug data, no build id.
const LDFLAGS: &str = "-s -w -buildid=";

/// A package that goes into the binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The module that holds it.
    pub module: ModulePath,
    /// Whether it was added because no pipeline runs without it.
    pub base: bool,
}

/// What is to be built, exactly: no ranges, no `latest`, no defaults left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildSpec {
    pub(crate) target: Target,
    pub(crate) go: GoVersion,
    pub(crate) packages: BTreeMap<ImportPath, Package>,
    pub(crate) modules: BTreeMap<ModulePath, ModuleVersion>,
    pub(crate) graph: ModulePath,
    pub(crate) template: Template,
    pub(crate) distribution: Distribution,
    pub(crate) tags: Vec<String>,
    pub(crate) ldflags: String,
}

/// The parts don't make a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    /// Nothing to build.
    #[error("a build needs at least one package")]
    NoPackages,
    /// A package's module has no version.
    #[error("package `{package}` is in module `{module}`, which has no version")]
    NoVersion {
        /// The package.
        package: ImportPath,
        /// Its module.
        module: ModulePath,
    },
    /// A package lies outside the module that it names.
    #[error("package `{package}` isn't in module `{module}`")]
    OutsideModule {
        /// The package.
        package: ImportPath,
        /// The module named for it.
        module: ModulePath,
    },
    /// A module that neither contains a package nor gives the module graph.
    #[error("module `{0}` isn't used by any package")]
    UnusedModule(ModulePath),
    /// The module whose graph is the base isn't one of the modules.
    #[error("module `{0}` gives the module graph but isn't one of the modules")]
    UnknownGraph(ModulePath),
    /// The template knows no own name and version of a distribution.
    #[error("template {0} knows no own name and version of a distribution")]
    NoDistribution(Template),
}

impl BuildSpec {
    /// A spec under the newest template, of the default distribution.
    pub fn new(
        target: Target,
        go: GoVersion,
        packages: BTreeMap<ImportPath, Package>,
        modules: BTreeMap<ModulePath, ModuleVersion>,
        graph: ModulePath,
    ) -> Result<Self, InvalidSpec> {
        Self {
            target,
            go,
            packages,
            modules,
            graph,
            template: Template::NEWEST,
            distribution: Distribution::default(),
            tags: Vec::new(),
            ldflags: LDFLAGS.into(),
        }
        .checked()
    }

    /// The same under another template.
    pub fn with_template(self, template: Template) -> Result<Self, InvalidSpec> {
        Self { template, ..self }.checked()
    }

    /// The same as another distribution.
    pub fn with_distribution(self, distribution: Distribution) -> Result<Self, InvalidSpec> {
        Self {
            distribution,
            ..self
        }
        .checked()
    }

    pub(crate) fn checked(self) -> Result<Self, InvalidSpec> {
        if self.packages.is_empty() {
            return Err(InvalidSpec::NoPackages);
        }
        // The module that gives the graph counts even where no package comes from it.
        let mut used = BTreeSet::from([self.graph.clone()]);
        for (path, package) in &self.packages {
            let module = package.module.clone();
            if !self.modules.contains_key(&module) {
                return Err(InvalidSpec::NoVersion {
                    package: path.clone(),
                    module,
                });
            }
            if !module.contains(path) {
                return Err(InvalidSpec::OutsideModule {
                    package: path.clone(),
                    module,
                });
            }
            used.insert(module);
        }
        if let Some(unused) = self.modules.keys().find(|module| !used.contains(*module)) {
            return Err(InvalidSpec::UnusedModule(unused.clone()));
        }
        if !self.modules.contains_key(&self.graph) {
            return Err(InvalidSpec::UnknownGraph(self.graph));
        }
        if self.template < Template::SECOND && !self.distribution.is_default() {
            return Err(InvalidSpec::NoDistribution(self.template));
        }
        Ok(self)
    }

    /// Platform and variant.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The Go release that builds it.
    pub fn go(&self) -> GoVersion {
        self.go
    }

    /// What `main.go` imports, base packages included.
    pub fn packages(&self) -> &BTreeMap<ImportPath, Package> {
        &self.packages
    }

    /// The exact version of every module that a package comes from.
    pub fn modules(&self) -> &BTreeMap<ModulePath, ModuleVersion> {
        &self.modules
    }

    /// The module whose own `go.mod` and `go.sum` are the base of the module graph.
    pub fn graph(&self) -> &ModulePath {
        &self.graph
    }

    /// The version of [`Self::graph`].
    pub fn graph_version(&self) -> &ModuleVersion {
        &self.modules[&self.graph]
    }

    /// Build tags.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Linker flags.
    pub fn ldflags(&self) -> &str {
        &self.ldflags
    }

    /// The template that this spec is built with.
    pub fn template(&self) -> Template {
        self.template
    }

    /// Its own name and version, if it has them.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// Everything that decides the bytes of the binary.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            go_version: self.go,
            goarch: self.target.platform().goarch(),
            goos: self.target.platform().goos(),
            ldflags: &self.ldflags,
            modules: &self.modules,
            name: self.distribution.name.as_ref(),
            packages: self.packages.keys().collect(),
            tags: &self.tags,
            template: self.template,
            variant: self.target.variant(),
            version: self.distribution.version.as_ref(),
        }
    }

    /// The build's name.
    pub fn key(&self) -> BuildKey {
        BuildKey::new(self.target.platform(), self.go, &self.identity().hash())
    }
}

#[cfg(test)]
mod tests;
