//! Makes a catalog release from the real module: builds every package and asks its binary for its components.
//!
//! A package's components are the difference between the binary with it and the one with the base alone. For other
//! targets than this machine, a package is only listed, which finds the packages that are empty there. [`Untried`]
//! compiles the others in a run of its own, as that takes hours.

mod contents;
mod facts;
mod listing;
mod offered;
mod platforms;
mod request;
mod shared;
mod specs;
mod support;

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use tracing::info;
use wombat_model::{
    FailureClass, ImportPath, ModuleVersion, Platform,
    catalog::{CatalogPackage, Component, Licence, PackageDocumentation, PlatformSupport, Release},
};

use crate::{BuildError, Workshop};
use contents::BinaryContents;
use facts::Facts;
pub use offered::OfferedPackages;
pub use platforms::Untried;
pub use request::{ImportError, ImportRequest, Imported};
use specs::required_version;
pub use specs::{Effort, lowest_go, module_graph};

/// Generation of the releases that this importer writes.
const GENERATION: u32 = 5;

/// A running import.
#[derive(Debug)]
pub struct Importer<'a> {
    workshop: &'a Workshop,
    request: ImportRequest,
    effort: Effort,
    base_version: ModuleVersion,
    /// The platform of this machine, on which the binaries run.
    host: Platform,
}

impl<'a> Importer<'a> {
    /// Finds the version of the base that the module requires.
    pub async fn new(
        workshop: &'a Workshop,
        request: ImportRequest,
        host: Platform,
        effort: Effort,
    ) -> Result<Self, ImportError> {
        let base_version = if request.base_module == request.module {
            request.version.clone()
        } else {
            required_version(workshop, &request, host, &effort).await?
        };
        Ok(Self {
            workshop,
            request,
            effort,
            base_version,
            host,
        })
    }

    /// Builds every package, asks every binary, surveys every target. Calls `progress` with the numbers of finished and
    /// of all packages.
    pub async fn run(&self, progress: impl Fn(usize, usize)) -> Result<Imported, ImportError> {
        let own_base = self.request.base_module == self.request.module;
        // The base's own release contains all components of its packages; other releases contain only those in
        // addition.
        let base = if own_base {
            BinaryContents::nothing()
        } else {
            self.contents(&[]).await?
        };
        let mut known: BTreeSet<Component> = base.components.keys().cloned().collect();
        let (mut packages, mut documentation, mut stream) = (Vec::new(), Vec::new(), base.stream);
        let mut excluded = BTreeMap::new();
        for (folder, why) in &self.request.excluded {
            excluded.insert(self.request.path_of(folder)?, why.clone());
        }
        let all = self.in_order()?;
        let paths: Vec<ImportPath> = all.iter().map(|(path, _)| path.clone()).collect();
        let facts = self.facts(&paths).await?;
        for (done, (path, description)) in all.iter().enumerate() {
            progress(done, all.len());
            info!(package = %path, "importing");
            let imported = self.package(path.clone(), description, &known, base.bytes, &facts);
            let (package, held) = match imported.await {
                Ok(imported) => imported,
                Err(ImportError::Build {
                    package,
                    source: BuildError::Failed(failure),
                }) if self.request.leave_out_failing
                    && matches!(failure.class, FailureClass::Input | FailureClass::Compile) =>
                {
                    info!(%package, message = failure.message, "left out");
                    excluded.insert(package, failure.message);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if own_base {
                known.extend(package.components.iter().cloned());
            }
            if let Some(mut held) = held {
                documentation.push(PackageDocumentation {
                    path: package.path.clone(),
                    components: package
                        .components
                        .iter()
                        .filter_map(|component| held.components.remove(component))
                        .collect(),
                });
                if stream.is_empty() {
                    stream = held.stream;
                }
            }
            packages.push(package);
        }
        let support = self.support_table().await;
        for package in &mut packages {
            package.support = support.levels(&package.components);
        }
        for package in &mut documentation {
            package
                .components
                .iter_mut()
                .for_each(|it| support.complete(it));
        }
        packages.sort_by(|left, right| left.path.cmp(&right.path));
        documentation.sort_by(|left, right| left.path.cmp(&right.path));
        let requires = if own_base {
            BTreeMap::new()
        } else {
            BTreeMap::from([(self.request.base_module.clone(), self.base_version.clone())])
        };
        let mut release = Release {
            module: self.request.module.clone(),
            version: self.request.version.clone(),
            title: self.request.title.clone(),
            go_versions: self.request.go_versions.clone(),
            lowest_go: self.request.lowest_go,
            requires,
            component_root: self.request.component_root.clone(),
            packages,
            base_bytes: (!own_base).then_some(base.bytes),
            shared: Vec::new(),
            drivers: Vec::new(),
            excluded,
            document: None,
            generation: GENERATION,
        };
        self.complete(&mut release, &facts, &support).await?;
        Ok(Imported {
            release,
            documentation,
            stream,
        })
    }

    /// Packages of the base come first, in its order, since later ones contain the earlier ones.
    fn in_order(&self) -> Result<Vec<(ImportPath, &str)>, ImportError> {
        let mut packages = Vec::new();
        for (folder, description) in &self.request.packages {
            packages.push((self.request.path_of(folder)?, description.as_str()));
        }
        let place = |path: &ImportPath| self.request.base.iter().position(|base| base == path);
        packages.sort_by_key(|(path, _)| place(path).unwrap_or(usize::MAX));
        Ok(packages)
    }

    async fn package(
        &self,
        path: ImportPath,
        description: &str,
        known: &BTreeSet<Component>,
        base_bytes: u64,
        facts: &Facts,
    ) -> Result<(CatalogPackage, Option<BinaryContents>), ImportError> {
        let mut platforms = facts.empty_on(&path);
        let (marked_files, bundled) = facts.licences(&path);
        // Empty on every target: it needs cgo, which is off.
        let cgo = platforms.len() == Platform::ALL.len();
        let (mut components, mut held) = (Vec::new(), None);
        if cgo {
            platforms.clear();
        } else if let Entry::Vacant(host) = platforms.entry(self.host) {
            let found = self.contents(&[self.own(&path)]).await?;
            host.insert(PlatformSupport::Compiles);
            let all = found.components.keys();
            components = all.filter(|it| !known.contains(it)).cloned().collect();
            held = Some(found);
        }
        let added = held.as_ref().filter(|_| base_bytes > 0);
        let package = CatalogPackage {
            path,
            description: if description.is_empty() {
                described(&components)
            } else {
                description.to_owned()
            },
            licence: match (marked_files, bundled) {
                (0, _) => Licence::Apache,
                (_, true) => Licence::Community,
                (_, false) => Licence::Rcl,
            },
            rcl_files: marked_files,
            cgo,
            platforms,
            components,
            // Set once all packages are known.
            enterprise: Vec::new(),
            missing: BTreeMap::new(),
            support: Vec::new(),
            added_bytes: added.map(|held| held.bytes.saturating_sub(base_bytes)),
            compile_ms: held
                .as_ref()
                .and_then(|held| u64::try_from(held.compile.as_millis()).ok()),
        };
        Ok((package, held))
    }
}

/// A generated description of a package without one.
fn described(components: &[Component]) -> String {
    const SHOWN: usize = 4;
    let mut names: Vec<&str> = components.iter().map(|it| it.name.as_str()).collect();
    names.dedup();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(SHOWN);
    match names.join(", ") {
        shown if shown.is_empty() => "No components of its own.".to_owned(),
        shown => format!("Brings {shown}{more}."),
    }
}
