//! A spec: a request with every choice made, ready to be built the same way for ever.

use std::collections::{BTreeMap, BTreeSet};

use crate::{BuildKey, GoVersion, Identity, ImportPath, ModulePath, ModuleVersion, Target};

/// Version of the rules by which a spec becomes `main.go`, `go.mod` and a command. Raise it when the same
/// spec would give other bytes.
pub const TEMPLATE_VERSION: u32 = 1;

/// The linker flags of [`TEMPLATE_VERSION`]: no symbols, no debug data, no build id.
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
    pub(crate) template: u32,
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
}

impl BuildSpec {
    /// A spec under the present template.
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
            template: TEMPLATE_VERSION,
            tags: Vec::new(),
            ldflags: LDFLAGS.into(),
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
    pub fn template(&self) -> u32 {
        self.template
    }

    /// Everything that decides the bytes of the binary.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            go_version: self.go,
            goarch: self.target.platform().goarch(),
            goos: self.target.platform().goos(),
            ldflags: &self.ldflags,
            modules: &self.modules,
            packages: self.packages.keys().collect(),
            tags: &self.tags,
            template: self.template,
            variant: self.target.variant(),
        }
    }

    /// The build's name.
    pub fn key(&self) -> BuildKey {
        BuildKey::new(self.target.platform(), self.go, &self.identity().hash())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECT: &str = "github.com/redpanda-data/connect/v4";
    const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";

    fn spec(
        packages: &[(&str, &str, bool)],
        modules: &[(&str, &str)],
    ) -> Result<BuildSpec, InvalidSpec> {
        BuildSpec::new(
            Target::new("linux/amd64".parse().unwrap(), None).unwrap(),
            "1.26.8".parse().unwrap(),
            packages
                .iter()
                .map(|(path, module, base)| {
                    let module = module.parse().unwrap();
                    (
                        path.parse().unwrap(),
                        Package {
                            module,
                            base: *base,
                        },
                    )
                })
                .collect(),
            modules
                .iter()
                .map(|(path, version)| (path.parse().unwrap(), version.parse().unwrap()))
                .collect(),
            modules.last().unwrap().0.parse().unwrap(),
        )
    }

    /// Every stored build and every link that was ever shared hangs on this value: it changes only together
    /// with [`TEMPLATE_VERSION`].
    #[test]
    fn the_id_of_a_known_build_stays_what_it_is() {
        let nats = format!("{CONNECT}/public/components/nats");
        let pure = format!("{BENTHOS}/public/components/pure");
        let io = format!("{BENTHOS}/public/components/io");
        let modules = [(BENTHOS, "v4.77.0"), (CONNECT, "v4.105.0")];
        let known = spec(
            &[
                (&nats, CONNECT, false),
                (&pure, BENTHOS, true),
                (&io, BENTHOS, true),
            ],
            &modules,
        )
        .unwrap();
        assert_eq!(
            known.identity().canonical_json(),
            concat!(
                r#"{"goVersion":"1.26.8","goarch":"amd64","goos":"linux","ldflags":"-s -w -buildid=","#,
                r#""modules":{"github.com/redpanda-data/benthos/v4":"v4.77.0","github.com/redpanda-data/connect/v4":"v4.105.0"},"#,
                r#""packages":["github.com/redpanda-data/benthos/v4/public/components/io","#,
                r#""github.com/redpanda-data/benthos/v4/public/components/pure","#,
                r#""github.com/redpanda-data/connect/v4/public/components/nats"],"#,
                r#""tags":[],"template":1,"variant":"v1"}"#
            )
        );
        assert_eq!(
            known.key().as_str(),
            "build.linux.amd64.1_26_8.a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb"
        );

        let turned = spec(
            &[
                (&io, BENTHOS, false),
                (&pure, BENTHOS, false),
                (&nats, CONNECT, false),
            ],
            &modules,
        )
        .unwrap();
        assert_eq!(
            turned.key(),
            known.key(),
            "neither the order of packages nor why one is included is part of the identity"
        );
    }

    #[test]
    fn modules_and_packages_must_fit() {
        let package = "a.b/c/d";
        assert!(matches!(
            spec(&[], &[("a.b/c", "v1.0.0")]),
            Err(InvalidSpec::NoPackages)
        ));
        assert!(matches!(
            spec(&[(package, "a.b/x", false)], &[("a.b/x", "v1.0.0")]),
            Err(InvalidSpec::OutsideModule { .. })
        ));
        assert!(matches!(
            spec(&[(package, "a.b/c", false)], &[("a.b/x", "v1.0.0")]),
            Err(InvalidSpec::NoVersion { .. })
        ));
        assert!(matches!(
            spec(
                &[(package, "a.b/c", false)],
                &[("a.b/x", "v1.0.0"), ("a.b/c", "v1.0.0")]
            ),
            Err(InvalidSpec::UnusedModule(_))
        ));
    }
}
