//! The specs and limits of an import's builds.

use std::collections::BTreeMap;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wombat_model::{
    BuildSpec, GoVersion, ImportPath, ModulePath, ModuleVersion, Package, Platform, Target,
};

use super::{ImportError, ImportRequest};
use crate::{Limit, Scope, Workshop, go_mod::GoModText, report::Reporter};

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

/// The resources of an import, and its cancellation.
#[derive(Clone, Debug)]
pub struct Effort {
    /// Cancel this to stop the import.
    pub stop: CancellationToken,
    /// `nice` value of `go`.
    pub niceness: i32,
    /// Most compilers at a time.
    pub parallelism: usize,
}

impl Effort {
    /// For an import from the command line.
    pub fn by_hand() -> Self {
        Self {
            stop: CancellationToken::new(),
            niceness: 10,
            parallelism: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        }
    }

    /// The limits of each of its builds.
    pub fn scope(&self) -> Scope {
        let time_limit = std::time::Duration::from_hours(2);
        let (reporter, _) = Reporter::new();
        Scope {
            stop: self.stop.clone(),
            deadline: Instant::now() + time_limit,
            time_limit: Limit::of_all(time_limit),
            memory_limit: 12 << 30,
            output_limit: Limit::of_all(2 << 30),
            process_limit: 1024,
            niceness: self.niceness,
            parallelism: self.parallelism,
            reporter,
        }
    }
}

/// A spec with the module's own graph. Its package need not exist: it isn't loaded.
pub(crate) fn graph_spec(
    module: &ModulePath,
    version: &ModuleVersion,
    go: GoVersion,
    host: Platform,
) -> Result<BuildSpec, ImportError> {
    let package = Package {
        module: module.clone(),
        base: false,
    };
    spec(
        host,
        go,
        BTreeMap::from([(module.as_str().parse()?, package)]),
        BTreeMap::from([(module.clone(), version.clone())]),
        module.clone(),
    )
}

/// The `go.mod` of a module's own graph.
pub async fn module_graph(
    workshop: &Workshop,
    (module, version): (&ModulePath, &ModuleVersion),
    go: GoVersion,
    host: Platform,
    effort: &Effort,
) -> Result<String, ImportError> {
    let spec = graph_spec(module, version, go, host)?;
    let graph = workshop.graph(&spec, &effort.scope()).await;
    let graph = graph.map_err(|source| ImportError::Graph {
        module: module.clone(),
        source,
    })?;
    Ok(graph.go_mod.clone())
}

/// The lowest Go release that a `go.mod` allows.
pub fn lowest_go(go_mod: &str) -> Option<GoVersion> {
    go_mod.lines().find_map(|line| {
        let version = line.strip_prefix("go ")?.trim();
        // Older modules have no patch number.
        let parsed = version.parse().or_else(|_| format!("{version}.0").parse());
        parsed.ok()
    })
}

/// The versions of other modules that a `go.mod` requires.
pub(crate) fn required_versions(go_mod: &str) -> BTreeMap<ModulePath, ModuleVersion> {
    let requires = GoModText::parse(go_mod).requires.into_iter();
    requires
        .filter_map(|(path, version)| Some((path.parse().ok()?, version.parse().ok()?)))
        .collect()
}

pub(super) async fn required_version(
    workshop: &Workshop,
    request: &ImportRequest,
    host: Platform,
    effort: &Effort,
) -> Result<ModuleVersion, ImportError> {
    let module = (&request.module, &request.version);
    let go_mod = module_graph(workshop, module, request.go, host, effort).await?;
    required_versions(&go_mod)
        .remove(&request.base_module)
        .ok_or_else(|| ImportError::NoBase(request.base_module.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_mod_says_which_versions_it_requires() {
        let go_mod = "module x\n\ngo 1.26.5\n\nrequire (\n\ta.b/c v1.0.0\n\ta.b/d v1.1.0 // indirect\n)\n\n\
                      require a.b/e v1.2.0\n\nreplace (\n\ta.b/f => a.b/g v9.0.0\n)\n";
        let all = required_versions(go_mod);
        let all: Vec<String> = all.iter().map(|(it, at)| format!("{it}@{at}")).collect();
        assert_eq!(all, ["a.b/c@v1.0.0", "a.b/d@v1.1.0", "a.b/e@v1.2.0"]);
    }

    #[test]
    fn a_go_mod_says_which_go_it_needs() {
        for (go_mod, lowest) in [
            ("module x\n\ngo 1.26.5\n", Some("1.26.5")),
            ("go 1.24\n", Some("1.24.0")),
            ("module x\n", None),
            ("go 1.27rc1\n", None),
        ] {
            let lowest = lowest.map(|text| text.parse().unwrap());
            assert_eq!(lowest_go(go_mod), lowest, "{go_mod}");
        }
    }
}
