//! The packages and module versions that a request names.

use std::collections::BTreeMap;

use wombat_model::{
    ImportPath, ModulePath, ModuleVersion, Problem, ProblemCode,
    request::{BuildRequest, PackageReference},
};

use super::{Policy, base::benthos, selection::Selection};
use crate::catalog::{Snapshot, UnlistedRelease, nearest, not_offered, or_nearest};

/// A package requested by path.
#[derive(Clone, Debug)]
pub(super) struct AskedPackage {
    pub(super) module: ModulePath,
    pub(super) field: String,
}

/// A requested version, and the field that names it.
#[derive(Clone, Debug)]
pub(super) struct AskedVersion {
    pub(super) version: ModuleVersion,
    pub(super) field: String,
}

/// The packages and versions that a request names.
#[derive(Debug, Default)]
pub(super) struct Asked {
    packages: BTreeMap<ImportPath, AskedPackage>,
    versions: BTreeMap<ModulePath, AskedVersion>,
}

impl Asked {
    pub(super) fn of(
        request: &BuildRequest,
        catalog: &Snapshot,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut asked = Self::default();
        for (module, version) in &request.modules {
            let field = format!("modules.{module}");
            asked.ask(module, version, field, problems);
        }
        for (index, reference) in request.packages.iter().enumerate() {
            let field = format!("packages[{index}]");
            if let Some(message) = not_offered::import_path(reference.path.as_str()) {
                let code = ProblemCode::UnknownPackage;
                problems.push(Problem::field(code, field, message));
                continue;
            }
            let Some(module) = module_of(reference, request, catalog) else {
                problems.push(unknown_module(reference, &field, catalog));
                continue;
            };
            if let Some(version) = &reference.version {
                asked.ask(&module, version, field.clone(), problems);
            }
            asked
                .packages
                .entry(reference.path.clone())
                .or_insert(AskedPackage { module, field });
        }
        asked
    }

    fn ask(
        &mut self,
        module: &ModulePath,
        version: &ModuleVersion,
        field: String,
        problems: &mut Vec<Problem>,
    ) {
        if let Err(error) = version.check_for(module) {
            problems.push(Problem::field(
                ProblemCode::UnknownVersion,
                field,
                format!("In `{module}`, {error}."),
            ));
            return;
        }
        match self.versions.get(module) {
            Some(before) if before.version != *version => {
                let message = format!(
                    "`{module}` is requested at {} (`{}`) and at {version}; a binary contains one version of a module.",
                    before.version, before.field
                );
                problems.push(Problem::field(ProblemCode::VersionConflict, field, message));
            }
            Some(_) => {}
            None => {
                let version = version.clone();
                self.versions
                    .insert(module.clone(), AskedVersion { version, field });
            }
        }
    }

    /// Releases outside the catalog of which it must be known first what they require.
    pub(super) fn unlisted(&self, policy: &Policy, catalog: &Snapshot) -> Vec<UnlistedRelease> {
        let versions = self.versions.iter();
        let unlisted = versions.filter(|(module, asked)| {
            let policy = policy.versions;
            policy.asks_builders(module, &asked.version, catalog)
        });
        let unlisted = unlisted.map(|(module, asked)| UnlistedRelease {
            module: module.clone(),
            version: asked.version.clone(),
            field: asked.field.clone(),
        });
        unlisted.collect()
    }

    /// Refuses releases outside the catalog of which it isn't known what they require: their binaries would have
    /// another base than the answer says.
    pub(super) fn refuse_unlisted(
        &self,
        policy: &Policy,
        catalog: &Snapshot,
        problems: &mut Vec<Problem>,
    ) {
        let unlisted = self.unlisted(policy, catalog).into_iter();
        problems.extend(unlisted.map(|release| {
            Problem::field(
                ProblemCode::UnknownVersion,
                release.field,
                format!(
                    "{} {} isn't in the catalog, and it isn't known which Benthos it is built with.",
                    release.module, release.version
                ),
            )
        }));
    }

    /// Refuses versions that the operator doesn't allow. What other releases require is as good as these. Blocked ones
    /// are refused with the operator's reason.
    pub(super) fn refuse_versions(
        &self,
        policy: &Policy,
        catalog: &Snapshot,
        problems: &mut Vec<Problem>,
    ) {
        let open = self.versions.iter().filter(|(module, asked)| {
            let blocklist = catalog.blocklist();
            blocklist.find(module, &asked.version).is_none()
        });
        problems.extend(open.filter_map(|(module, asked)| {
            let message = policy.versions.refusal(module, &asked.version, catalog)?;
            let (code, field) = (ProblemCode::VersionRefused, asked.field.clone());
            Some(Problem::field(code, field, message))
        }));
    }

    pub(super) fn packages(&self) -> impl Iterator<Item = (&ImportPath, &AskedPackage)> {
        self.packages.iter()
    }

    pub(super) fn version(&self, module: &ModulePath) -> Option<&AskedVersion> {
        self.versions.get(module)
    }

    /// The modules of the packages requested by path, and of the base.
    pub(super) fn modules(&self) -> impl Iterator<Item = ModulePath> {
        self.packages
            .values()
            .map(|package| package.module.clone())
            .chain([benthos()])
    }

    /// Refuses versions of modules without a selected package.
    pub(super) fn refuse_unused(
        &self,
        selection: &Selection,
        catalog: &Snapshot,
        problems: &mut Vec<Problem>,
    ) {
        // A component that was refused may be meant to be in a module of the catalog.
        let has_refused = problems.iter().any(|problem| {
            let mut field = problem.field.iter();
            field.any(|field| field.starts_with("components["))
        });
        for (module, asked) in &self.versions {
            let used = selection.values().any(|package| package.module == *module);
            // A package that was refused already has its problem.
            let refused = problems
                .iter()
                .any(|problem| problem.field.as_deref() == Some(&asked.field));
            let is_meant = has_refused && catalog.has(module);
            if !used && !refused && !is_meant {
                problems.push(Problem::field(
                    ProblemCode::UnusedModule,
                    asked.field.clone(),
                    format!("No package of this request is in `{module}`; leave it out."),
                ));
            }
        }
    }
}

fn module_of(
    reference: &PackageReference,
    request: &BuildRequest,
    catalog: &Snapshot,
) -> Option<ModulePath> {
    let named = request
        .modules
        .keys()
        .filter(|module| module.contains(&reference.path))
        .max_by_key(|module| module.as_str().len());
    let listed = || catalog.module_of(&reference.path);
    if let Some(module) = named
        .or_else(listed)
        .or_else(|| catalog.module_of_driver(&reference.path))
    {
        return Some(module.clone());
    }
    reference.version.as_ref()?;
    reference.path.as_str().parse().ok()
}

fn unknown_module(reference: &PackageReference, field: &str, catalog: &Snapshot) -> Problem {
    let path = &reference.path;
    // A wrong path of a known module is likelier than an unknown module.
    let known = catalog
        .default_of_each()
        .flat_map(|release| &release.packages)
        .map(|package| package.path.as_str());
    let close = nearest(path.as_str(), known);
    let hint = if close.is_empty() {
        ".".to_owned()
    } else {
        or_nearest(&close)
    };
    Problem::field(
        ProblemCode::UnknownModule,
        field,
        format!(
            "No module is known for `{path}`; add the module with an exact version to `modules`, or write `{path}@v1.2.3` if the path is the module's own{hint}"
        ),
    )
}
