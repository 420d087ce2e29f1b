//! Finds the packages of a module that can be picked, if no list of them exists.

use std::collections::BTreeMap;

use wombat_model::{GoVersion, ModulePath, ModuleVersion, Platform};

use super::{
    ImportError,
    specs::{Effort, graph_spec},
};
use crate::{SourcePackage, Workshop};

/// Where modules usually keep their component packages.
const USUAL_ROOT: &str = "public/components";
/// A package that registers components imports one of these.
const REGISTERING: [&str; 2] = [
    "github.com/redpanda-data/benthos/v4/public/service",
    "github.com/redpanda-data/benthos/v4/public/bloblang",
];
/// A package that imports this many of its neighbours is only a bundle.
const BUNDLE: usize = 8;

/// The packages of a module that can be picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedPackages {
    /// The folder above them; empty for the module's own.
    pub root: String,
    /// Their folders, relative to it.
    pub folders: Vec<String>,
    /// Folders of packages that can't be picked, and why.
    pub excluded: BTreeMap<String, String>,
}

impl OfferedPackages {
    /// Lists the module's packages: those below `public/components` if there are any, otherwise those that register
    /// components themselves.
    pub async fn of(
        workshop: &Workshop,
        (module, version): (&ModulePath, &ModuleVersion),
        go: GoVersion,
        host: Platform,
        effort: &Effort,
    ) -> Result<Self, ImportError> {
        let spec = graph_spec(module, version, go, host)?;
        let scope = effort.scope();
        let packages = workshop.packages_of_module(&spec, module, &scope).await;
        let packages = packages.map_err(|source| ImportError::Graph {
            module: module.clone(),
            source,
        })?;
        Self::among(module, &packages).ok_or_else(|| ImportError::NoPackages(module.clone()))
    }

    fn among(module: &ModulePath, packages: &[SourcePackage]) -> Option<Self> {
        let internal = |path: &str| path.split('/').any(|element| element == "internal");
        let usable = packages
            .iter()
            .filter(|package| package.name != "main" && !internal(&package.import_path));
        let usual = format!("{module}/{USUAL_ROOT}/");
        let (in_usual_place, elsewhere): (Vec<_>, Vec<_>) =
            usable.partition(|package| package.import_path.starts_with(&usual));
        let (root, prefix, chosen) = if in_usual_place.is_empty() {
            let registers = |package: &&SourcePackage| {
                let mut imports = package.imports.iter();
                imports.any(|import| REGISTERING.contains(&import.as_str()))
            };
            let chosen = elsewhere.into_iter().filter(registers).collect();
            ("", format!("{module}/"), chosen)
        } else {
            (USUAL_ROOT, usual, in_usual_place)
        };
        let mut offered = Self {
            root: root.to_owned(),
            folders: Vec::new(),
            excluded: BTreeMap::new(),
        };
        for package in chosen {
            let folder = package
                .import_path
                .strip_prefix(&prefix)
                .unwrap_or_default();
            let neighbours = package.imports.iter().filter(|it| it.starts_with(&prefix));
            match neighbours.count() {
                0..BUNDLE => offered.folders.push(folder.to_owned()),
                many => {
                    let why = format!("It only gathers {many} others; pick those that you need.");
                    offered.excluded.insert(folder.to_owned(), why);
                }
            }
        }
        (!offered.folders.is_empty()).then_some(offered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(path: &str, name: &str, imports: &[String]) -> SourcePackage {
        SourcePackage {
            import_path: path.to_owned(),
            name: name.to_owned(),
            imports: imports.to_vec(),
        }
    }

    #[test]
    fn what_lies_in_the_usual_place_is_offered_and_bundles_are_not() {
        let neighbours: Vec<String> = (0..BUNDLE)
            .map(|number| format!("a.b/c/public/components/p{number}"))
            .collect();
        let packages = [
            package("a.b/c/cmd/tool", "main", &[]),
            package("a.b/c/public/components/all", "all", &neighbours),
            package("a.b/c/public/components/kafka", "kafka", &[]),
            package("a.b/c/public/components/kafka/internal/x", "x", &[]),
            package("a.b/c/public/service", "service", &[]),
        ];
        let offered = OfferedPackages::among(&"a.b/c".parse().unwrap(), &packages).unwrap();
        assert_eq!(offered.root, "public/components");
        assert_eq!(offered.folders, ["kafka"]);
        assert!(offered.excluded["all"].contains("gathers 8 others"));
    }

    #[test]
    fn elsewhere_what_registers_is_offered_the_module_itself_included() {
        let registers = [REGISTERING[0].to_owned()];
        let packages = [
            package("a.b/c", "c", &registers),
            package("a.b/c/helpers", "helpers", &[]),
            package("a.b/c/more", "more", &registers),
        ];
        let module = "a.b/c".parse().unwrap();
        let offered = OfferedPackages::among(&module, &packages).unwrap();
        assert_eq!(offered.root, "");
        assert_eq!(offered.folders, ["", "more"]);
        assert!(OfferedPackages::among(&module, &packages[1..2]).is_none());
    }
}
