//! Which releases' schemas a pipeline is read by: those of the releases that its binary is built with.

use std::collections::BTreeMap;

use wombat_model::{ModulePath, ModuleVersion, Problem, ProblemCode, Refusal, wire::SelectAnswer};

use crate::catalog::{BENTHOS, Schemas, Snapshot};

/// How often a pipeline is read: which releases are built depends on its components, and those on the schemas.
const MOST_READINGS: usize = 4;

type Versions = BTreeMap<ModulePath, ModuleVersion>;

/// The answer by the schemas of the releases that it resolves to. `asked`: versions of modules that were requested;
/// `defaults`: schemas of the default releases, which most pipelines get.
pub(super) fn by_own_schemas(
    asked: &Versions,
    catalog: &Snapshot,
    defaults: &Schemas,
    mut read: impl FnMut(&Schemas) -> Result<SelectAnswer, Refusal>,
) -> Result<SelectAnswer, Refusal> {
    let asked = requested(asked, catalog);
    if let Some(problem) = unknown_base(&asked, catalog) {
        return Ok(refused(problem));
    }
    let mut own = (!defaults.are_of(&asked)).then(|| Schemas::of_built(catalog, &asked));
    let mut answer = read(own.as_ref().unwrap_or(defaults))?;
    for _ in 1..MOST_READINGS {
        let Some(built) = answer.resolution.as_ref().map(|it| &it.modules) else {
            break;
        };
        if let Some(problem) = unknown_base(built, catalog) {
            return Ok(refused(problem));
        }
        if own.as_ref().unwrap_or(defaults).are_of(built) {
            break;
        }
        let schemas = own.insert(Schemas::of_built(catalog, built));
        answer = read(schemas)?;
    }
    Ok(answer)
}

/// The requested versions, and those that these releases require.
fn requested(own: &Versions, catalog: &Snapshot) -> Versions {
    let mut all = own.clone();
    for (module, version) in own {
        let requires = catalog.requirements(module, version);
        for (required, version) in requires.into_iter().flatten() {
            if own.contains_key(required) {
                continue;
            }
            let highest = all
                .entry(required.clone())
                .or_insert_with(|| version.clone());
            if *highest < *version {
                highest.clone_from(version);
            }
        }
    }
    all
}

/// The problem of a pipeline whose base is a release that the catalog doesn't have: its fields aren't known, and those of
/// another release aren't the same.
fn unknown_base(built: &Versions, catalog: &Snapshot) -> Option<Problem> {
    let mut all = built.iter();
    let (module, version) = all.find(|(module, _)| module.as_str() == BENTHOS)?;
    if catalog.release(module, version).is_some() {
        return None;
    }
    let message = format!(
        "The binary would be built with {module} {version}, which isn't in the catalog, so the fields of its components aren't known. An admin can import it: `wombat catalog import {module}@{version}`."
    );
    let field = format!("modules.{module}");
    Some(Problem::field(ProblemCode::UnknownVersion, field, message))
}

fn refused(problem: Problem) -> SelectAnswer {
    SelectAnswer {
        problems: vec![problem],
        ..SelectAnswer::default()
    }
}
