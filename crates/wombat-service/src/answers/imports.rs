//! Requests and lists imports into the catalog. Builders carry them out.

use std::{fmt::Display, str::FromStr};

use wombat_model::{
    GoVersion, ModulePath, ModuleVersion, Problem, ProblemCode, Refusal,
    catalog::Import,
    wire::{ImportQuestion, ImportsAnswer},
};

use super::Answers;
use crate::refusal;

/// Most Go versions in one request.
const MOST_GO_VERSIONS: usize = 32;

impl Answers {
    pub(super) async fn import(&self, question: ImportQuestion) -> Result<Import, Refusal> {
        let (module, version, mut go_versions) = read(&question)?;
        let catalog = self.catalog.snapshot();
        if catalog.blocklist_problem().is_some() {
            return Err(refusal::without_blocklist());
        }
        if let Some(entry) = catalog.blocklist().find(&module, &version) {
            let message = format!("{module} {version} is blocked by {entry}.");
            let problem = Problem::field(ProblemCode::ModuleBlocked, "module", message);
            return Err(Refusal::of_request(vec![problem]));
        }
        if go_versions.is_empty() {
            // By default those of this release, else of the module's newest, else of another module's newest.
            let known = catalog.release(&module, &version);
            let known = known.or_else(|| catalog.default_of(&module));
            let known = known.or_else(|| catalog.default_of_each().last());
            go_versions = known.map_or_else(Vec::new, |release| release.go_versions.clone());
        }
        go_versions.sort_by(|left, right| right.cmp(left));
        go_versions.dedup();
        let now = self.connection.server_time();
        let import = Import::new(module, version, go_versions, now)
            .allowing_known_names(question.allow_known_names);
        let asked = self.store.catalog.ask_for_import(import).await;
        Ok(asked.map_err(|error| refusal::of_store(&error))?.value)
    }

    pub(super) fn imports(&self) -> ImportsAnswer {
        ImportsAnswer {
            imports: self.imports.all(self.connection.server_time()),
        }
    }
}

/// Parses the fields, or refuses with all their problems.
fn read(question: &ImportQuestion) -> Result<(ModulePath, ModuleVersion, Vec<GoVersion>), Refusal> {
    let mut problems = Vec::new();
    let module = part::<ModulePath>(&question.module, "module", &mut problems);
    let version = part::<ModuleVersion>(&question.version, "version", &mut problems);
    let go_versions: Vec<GoVersion> = question
        .go_versions
        .iter()
        .take(MOST_GO_VERSIONS)
        .enumerate()
        .filter_map(|(at, text)| part(text, &format!("goVersions[{at}]"), &mut problems))
        .collect();
    if question.go_versions.len() > MOST_GO_VERSIONS {
        let message = format!("Name at most {MOST_GO_VERSIONS} Go versions.");
        problems.push(invalid("goVersions", message));
    }
    if let (Some(module), Some(version)) = (&module, &version)
        && let Err(error) = version.check_for(module)
    {
        problems.push(invalid("version", format!("{error}.")));
    }
    match (module, version) {
        (Some(module), Some(version)) if problems.is_empty() => Ok((module, version, go_versions)),
        _ => Err(Refusal::of_request(problems)),
    }
}

fn part<T: FromStr<Err: Display>>(
    text: &str,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let read = text.parse();
    read.map_err(|error| problems.push(invalid(field, format!("{error}."))))
        .ok()
}

fn invalid(field: &str, message: String) -> Problem {
    Problem::field(ProblemCode::InvalidValue, field, message)
}
