//! Compares the build information of a finished binary with what was to be built: its spec and its module graph.

use wombat_binary::{BuildInfo, LinkedModule, ModuleSource};
use wombat_model::{BuildSpec, CompiledModule};

use super::{
    environment::target_environment,
    go_mod::{GoModText, MAIN_MODULE},
    go_sum::GoSum,
    graph_store::GraphFiles,
};

/// Settings of every build.
const FIXED: [(&str, &str); 4] = [
    ("-buildmode", "exe"),
    ("-compiler", "gc"),
    ("-trimpath", "true"),
    ("CGO_ENABLED", "0"),
];
/// Settings that change a binary, and that no build has.
const NEVER: [&str; 11] = [
    "-asan",
    "-asmflags",
    "-cover",
    "-gcflags",
    "-gccgoflags",
    "-ldflags",
    "-msan",
    "-pgo",
    "-race",
    "GOEXPERIMENT",
    "GOFIPS140",
];
const TAGS: &str = "-tags";

/// How a binary differs from what was to be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Difference {
    /// The linker's own description is missing, or can't be parsed.
    #[error("it has no build information that can be read")]
    Unreadable,
    #[error("its main package is {0}")]
    MainPackage(String),
    #[error("{found} linked it instead of {asked}")]
    Go { found: String, asked: String },
    #[error("it lacks {path} {version}")]
    Missing { path: String, version: String },
    #[error("it contains {path} {found} instead of {asked}")]
    Version {
        path: String,
        found: String,
        asked: String,
    },
    #[error("it contains {other} in the place of {path}, which {}", should(.asked.as_deref()))]
    Replacement {
        path: String,
        other: String,
        /// What the module graph replaces it by.
        asked: Option<String>,
    },
    /// The words lead to a check of this module on disk: its checksum there may be damaged.
    #[error("the checksum of {path}@{version} isn't that of the module graph")]
    Checksum { path: String, version: String },
    #[error("{name} is {} instead of {}", value(.found.as_deref()), value(.asked.as_deref()))]
    Setting {
        name: String,
        found: Option<String>,
        asked: Option<String>,
    },
}

fn should(asked: Option<&str>) -> String {
    match asked {
        Some(other) => format!("the module graph replaces by {other}"),
        None => "the module graph doesn't replace".to_owned(),
    }
}

fn value(value: Option<&str>) -> String {
    value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"))
}

/// What a binary was to be built from.
struct Asked<'a> {
    spec: &'a BuildSpec,
    go_mod: GoModText<'a>,
    go_sum: GoSum,
}

/// Finds the first difference between a binary and the spec and module graph that it was built from.
pub(super) fn compare(
    info: &BuildInfo,
    spec: &BuildSpec,
    graph: &GraphFiles,
) -> Result<(), Difference> {
    for name in [&info.package, &info.main] {
        if name != MAIN_MODULE {
            return Err(Difference::MainPackage(name.clone()));
        }
    }
    let asked = spec.go().toolchain();
    if info.go != asked {
        let found = info.go.clone();
        return Err(Difference::Go { found, asked });
    }
    let asked = Asked {
        spec,
        go_mod: GoModText::parse(&graph.go_mod),
        go_sum: GoSum::from_file(&graph.go_sum),
    };
    asked.compare_settings(info)?;
    let mut modules = info.modules.iter();
    modules.try_for_each(|module| asked.compare_module(module))?;
    asked.is_complete(info)
}

/// The modules of a binary, and those that replace them.
pub(super) fn compiled_modules(info: BuildInfo) -> Vec<CompiledModule> {
    let named = |ModuleSource { path, version, .. }| CompiledModule { path, version };
    info.sources().map(named).collect()
}

impl Asked<'_> {
    fn compare_settings(&self, info: &BuildInfo) -> Result<(), Difference> {
        let target = target_environment(self.spec.target());
        let target = target.iter().map(|(name, value)| (&name[..], &value[..]));
        let tags = self.spec.tags().join(",");
        let tags = (TAGS, Some(&tags[..]).filter(|tags| !tags.is_empty()));
        let asked = FIXED.into_iter().chain(target);
        let asked = asked.map(|(name, value)| (name, Some(value)));
        let never = NEVER.map(|name| (name, None));
        for (name, asked) in asked.chain(never).chain([tags]) {
            let found = info.settings.get(name).map(String::as_str);
            if found != asked {
                return Err(Difference::Setting {
                    name: name.to_owned(),
                    found: found.map(str::to_owned),
                    asked: asked.map(str::to_owned),
                });
            }
        }
        Ok(())
    }

    fn compare_module(&self, module: &LinkedModule) -> Result<(), Difference> {
        let ModuleSource { path, version, .. } = &module.source;
        let mut picked = self.spec.modules().iter();
        let picked = picked.find(|(picked, _)| picked.as_str() == path);
        let required = self.go_mod.requires.get(&path[..]).copied();
        for asked in picked
            .map(|(_, asked)| asked.as_str())
            .into_iter()
            .chain(required)
        {
            if asked != version {
                return Err(Difference::Version {
                    path: path.clone(),
                    found: version.clone(),
                    asked: asked.to_owned(),
                });
            }
        }
        // A module that was picked is never replaced.
        let asked = self.go_mod.replacement(path, version);
        let asked = asked.filter(|_| picked.is_none());
        let found = module.replacement.as_ref();
        if found.map(|other| (&other.path[..], &other.version[..])) != asked {
            let other = found.unwrap_or(&module.source);
            return Err(Difference::Replacement {
                path: format!("{path} {version}"),
                other: format!("{} {}", other.path, other.version),
                asked: asked.map(|(path, version)| format!("{path} {version}")),
            });
        }
        let ModuleSource { path, version, sum } = found.unwrap_or(&module.source);
        if self.go_sum.get(path, version) != Some(&sum[..]) {
            let (path, version) = (path.clone(), version.clone());
            return Err(Difference::Checksum { path, version });
        }
        Ok(())
    }

    /// Whether every module that a package was picked from is in the binary.
    fn is_complete(&self, info: &BuildInfo) -> Result<(), Difference> {
        let picked = self.spec.packages().values().map(|package| &package.module);
        for path in picked {
            let mut linked = info.modules.iter();
            if !linked.any(|module| module.source.path == path.as_str()) {
                let version = self.spec.modules()[path].to_string();
                let path = path.to_string();
                return Err(Difference::Missing { path, version });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
