//! What is built for an import.

use std::collections::BTreeMap;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wombat_model::{
    BuildSpec, GoVersion, ImportPath, ModulePath, ModuleVersion, Package, Platform, Target,
};

use super::{ImportError, ImportRequest};
use crate::{
    go::{Scope, Workshop},
    report::Reporter,
};

pub(super) fn spec(
    platform: Platform,
    go: GoVersion,
    packages: BTreeMap<ImportPath, Package>,
    modules: BTreeMap<ModulePath, ModuleVersion>,
    graph: ModulePath,
) -> Result<BuildSpec, ImportError> {
    let target = Target::new(platform, None).expect("every platform offers its default variant");
    Ok(BuildSpec::new(target, go, packages, modules, graph)?)
}

pub(super) async fn required_version(
    workshop: &Workshop,
    request: &ImportRequest,
    host: Platform,
) -> Result<ModuleVersion, ImportError> {
    let folder = request.packages.keys().next().map_or("", String::as_str);
    let path: ImportPath =
        format!("{}/{}/{folder}", request.module, request.component_root).parse()?;
    let spec = spec(
        host,
        request.go,
        BTreeMap::from([(
            path.clone(),
            Package {
                module: request.module.clone(),
                base: false,
            },
        )]),
        BTreeMap::from([(request.module.clone(), request.version.clone())]),
        request.module.clone(),
    )?;
    let graph = workshop
        .graph(&spec, &scope())
        .await
        .map_err(|source| ImportError::Build {
            package: path,
            source,
        })?;
    graph
        .go_mod
        .lines()
        .filter_map(|line| {
            line.trim()
                .trim_start_matches("require ")
                .strip_prefix(request.base_module.as_str())
        })
        .find_map(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| ImportError::NoBase(request.base_module.clone()))
}

/// An import is started by hand and may take its time.
pub(super) fn scope() -> Scope {
    let time_limit = std::time::Duration::from_hours(2);
    let (reporter, _) = Reporter::new();
    Scope {
        stop: CancellationToken::new(),
        deadline: Instant::now() + time_limit,
        time_limit,
        memory_limit: 12 << 30,
        output_limit: 2 << 30,
        process_limit: 1024,
        niceness: 10,
        parallelism: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        reporter,
    }
}
