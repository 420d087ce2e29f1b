//! Loads the packages of a binary: fetches the modules that they need, and finds packages that can't be built before
//! the compiler runs.

use std::path::Path;

use wombat_model::{BuildSpec, Failure, FailureClass, ImportPath};

use super::{
    blocking::blocking,
    classify,
    environment::{Environment, target_environment},
    error::BuildError,
    go::Go,
    module_cache::{CachedModule, ModuleCache},
    packages::{FIELDS, Packages},
    stage::Stage,
};

/// Lists the main package in `directory` and, in the same call, the package with the licence hook, whose errors don't
/// count.
pub(super) async fn list(
    go: &Go<'_>,
    directory: &Path,
    spec: &BuildSpec,
    licence: Option<&ImportPath>,
) -> Result<Packages, BuildError> {
    let packages = load(go, directory, spec, licence).await?;
    if let Some(path) = packages.empty(spec) {
        let message = format!(
            "{path} compiles to nothing on {}, so the binary would lack it. It needs cgo or other build tags there.",
            spec.target().platform()
        );
        return Err(Failure::new(FailureClass::Input, message)
            .blaming(path.clone())
            .into());
    }
    Ok(packages)
}

/// The same, but accepts packages that compile to nothing.
pub(super) async fn load(
    go: &Go<'_>,
    directory: &Path,
    spec: &BuildSpec,
    licence: Option<&ImportPath>,
) -> Result<Packages, BuildError> {
    let (cache, asked) = (go.settings.module_cache.clone(), spec.clone());
    blocking(move || check_folders(&cache, &asked)).await?;
    let listing = completed(go, directory, spec, licence).await?;
    match listing
        .failure(spec)
        .or_else(|| listing.other_version(spec))
    {
        Some(failure) => Err(failure.into()),
        None => Ok(listing.packages),
    }
}

/// The same, but accepts packages that can't be listed: their errors are in the list.
pub(super) async fn survey(
    go: &Go<'_>,
    directory: &Path,
    spec: &BuildSpec,
) -> Result<Packages, BuildError> {
    let listing = completed(go, directory, spec, None).await?;
    match listing.failure(spec) {
        Some(failure) if listing.error.is_none() || !failure.class.is_final() => {
            Err(failure.into())
        }
        Some(_) | None => Ok(listing.packages),
    }
}

/// Adds the licence hook, which was listed with the main package, to the binary.
pub(super) fn include(packages: &mut Packages, licence: &ImportPath) -> Result<(), BuildError> {
    let included = packages.include(licence.as_str());
    let closure = packages.closure(licence.as_str());
    if let Some(error) = packages
        .iter(&closure)
        .find_map(|package| package.error.as_ref())
    {
        return Err(classify::fetching(&error.err).into());
    }
    if included {
        Ok(())
    } else {
        Err(Failure::new(
            FailureClass::Internal,
            format!("`go list` omitted {licence}."),
        )
        .into())
    }
}

struct ListResult {
    packages: Packages,
    /// The first error of a package in the binary.
    error: Option<String>,
    stderr: String,
    succeeded: bool,
    /// Whether `go.mod` or `go.sum` is incomplete.
    incomplete: bool,
}

/// Messages of `go` about an incomplete `go.mod` or `go.sum`.
const INCOMPLETE: &[&str] = &[
    "missing go.sum entry",
    "updates to go.mod needed",
    "no required module provides package",
];

/// Lists, and completes `go.mod` and `go.sum` where they are incomplete.
async fn completed(
    go: &Go<'_>,
    directory: &Path,
    spec: &BuildSpec,
    licence: Option<&ImportPath>,
) -> Result<ListResult, BuildError> {
    let listing = run(go, directory, spec, licence, "-mod=readonly").await?;
    if !listing.incomplete {
        return Ok(listing);
    }
    // An added module may be older than Go 1.17 and not name everything below it, or its go.sum may be incomplete.
    // `go` can complete both from the other modules and the checksum database.
    run(go, directory, spec, licence, "-mod=mod").await
}

async fn run(
    go: &Go<'_>,
    directory: &Path,
    spec: &BuildSpec,
    licence: Option<&ImportPath>,
    mode: &str,
) -> Result<ListResult, BuildError> {
    let mut arguments = vec![
        "list".to_owned(),
        "-e".to_owned(),
        "-deps".to_owned(),
        mode.to_owned(),
        format!("-json={FIELDS}"),
    ];
    if !spec.tags().is_empty() {
        arguments.extend(["-tags".to_owned(), spec.tags().join(",")]);
    }
    arguments.push(".".to_owned());
    arguments.extend(licence.map(ToString::to_string));
    let finished = go
        .run(Stage::Fetch, directory, target(spec), &arguments)
        .await?;
    let mut packages = Packages::from_json(&finished.stdout).map_err(|error| {
        Failure::new(
            FailureClass::Internal,
            format!(
                "The output of `go list` can't be parsed: {error}; {}",
                classify::excerpt(&finished.stderr)
            ),
        )
    })?;
    packages.reword_errors(|text| go.without_folders(text));
    let binary = packages.binary();
    let mut errors: Vec<String> = packages
        .iter(&binary)
        .filter_map(|package| Some(package.error.as_ref()?.err.clone()))
        .collect();
    // Temporary errors first, then those about modules that can't be had: the others may be their consequences.
    errors.sort_by_cached_key(|text| {
        let failure = classify::fetching(text);
        (
            failure.class != FailureClass::Infra,
            failure.unfetched.is_none(),
        )
    });
    let succeeded = finished.succeeded() && binary.len() > 0;
    let lacks = |text: &str| INCOMPLETE.iter().any(|sign| text.contains(sign));
    let incomplete = errors.iter().any(|text| lacks(text)) || lacks(&finished.stderr);
    Ok(ListResult {
        incomplete,
        error: errors.into_iter().next(),
        packages,
        stderr: finished.stderr,
        succeeded,
    })
}

impl ListResult {
    fn failure(&self, spec: &BuildSpec) -> Option<Failure> {
        let Some(error) = &self.error else {
            return (!self.succeeded).then(|| classify::fetching(&self.stderr));
        };
        let failure = classify::fetching(error);
        let binary = self.packages.binary();
        let failing = self.packages.iter(&binary).find(|package| {
            package
                .error
                .as_ref()
                .is_some_and(|found| found.err == *error)
        });
        match failing.and_then(|package| self.packages.blame(spec, &package.import_path)) {
            Some(picked) => Some(failure.blaming(picked)),
            None => Some(failure),
        }
    }
}

impl ListResult {
    /// Whether a module has another version than the requested one.
    fn other_version(&self, spec: &BuildSpec) -> Option<Failure> {
        let binary = self.packages.binary();
        let mut modules = self
            .packages
            .iter(&binary)
            .filter_map(|package| package.module.as_ref());
        modules.find_map(|module| {
            let (path, asked) = spec
                .modules()
                .iter()
                .find(|(path, _)| path.as_str() == module.path)?;
            (asked.as_str() != module.version).then(|| {
                let message = format!(
                    "{path} {asked} was requested, but the other modules need {path} {}.",
                    module.version
                );
                Failure::new(FailureClass::Input, message)
            })
        })
    }
}

/// Variables that select the target.
pub(super) fn target(spec: &BuildSpec) -> Environment {
    target_environment(spec.target())
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect()
}

/// Fails early if a module lacks a package: `go` would search every module of the graph for it.
fn check_folders(module_cache: &Path, spec: &BuildSpec) -> Result<(), BuildError> {
    for (path, package) in spec.packages() {
        let version = &spec.modules()[&package.module];
        let cache = ModuleCache(module_cache);
        let module = CachedModule::new(&package.module, version);
        let below = path.as_str()[package.module.as_str().len()..].trim_start_matches('/');
        if cache.is_unpacked(&module) && !cache.folder(&module).join(below).is_dir() {
            let message = format!(
                "There is no package {path} in {} {version}.",
                package.module
            );
            return Err(Failure::new(FailureClass::Input, message)
                .blaming(path.clone())
                .into());
        }
    }
    Ok(())
}
