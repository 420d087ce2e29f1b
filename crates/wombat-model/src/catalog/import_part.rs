//! What an import found of one package, so that an interrupted import goes on where it was.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Documentation, Field, ImportPlan, PartBasis};
use crate::{BuilderId, ImportPath, ModulePath, ModuleVersion, Platform};

/// One package of an import: a value of the `catalog` bucket until the import is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportPart {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// The package.
    pub path: ImportPath,
    /// When the import was requested that it is for.
    #[serde(with = "time::serde::rfc3339")]
    pub requested: OffsetDateTime,
    /// What it depends on.
    pub basis: PartBasis,
    /// How far it is.
    pub state: PartState,
}

/// How far one package of an import is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "status",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum PartState {
    /// A builder works on it. If the builder is gone, another one may take it.
    Claimed {
        /// The builder.
        builder: BuilderId,
    },
    /// It is done.
    Done {
        /// Milliseconds that it took.
        took_ms: u64,
        /// The result.
        outcome: PackageOutcome,
    },
}

/// What came of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum PackageOutcome {
    /// It can be built.
    Built(Box<PackageFindings>),
    /// It can't be built.
    Excluded {
        /// Why.
        reason: String,
    },
    /// Whether it can be built is unknown: something that it needs couldn't be had.
    Unfetched {
        /// Why, in words for people.
        reason: String,
        /// The module that couldn't be had.
        dependency: String,
    },
}

/// Facts about a package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PackageFindings {
    /// Number of files under the Redpanda Community Licence that it compiles.
    pub rcl_files: u32,
    /// Whether it is in upstream's own community bundle.
    pub bundled: bool,
    /// Platforms on which it compiles to nothing.
    pub empty_on: Vec<Platform>,
    /// The components of its binary that the base doesn't have. None if it is empty on the machine that built it.
    pub components: Vec<Documentation>,
    /// The fields of a pipeline as a whole, if there is no base that has them.
    pub stream: Vec<Field>,
    /// Size of its binary; 0 if there is none.
    pub bytes: u64,
    /// Milliseconds that it took to compile, without what earlier packages had compiled already.
    pub compile_ms: Option<u64>,
}

impl ImportPart {
    /// A package of a plan.
    pub fn of(plan: &ImportPlan, path: ImportPath, state: PartState) -> Self {
        Self {
            module: plan.module.clone(),
            version: plan.version.clone(),
            path,
            requested: plan.requested,
            basis: plan.basis.clone(),
            state,
        }
    }

    /// What it found, if that is valid for this plan. A package that can't be had or built is tried again by every new
    /// import; one that was built stays built.
    pub fn outcome_for(&self, plan: &ImportPlan) -> Option<&PackageOutcome> {
        let PartState::Done { outcome, .. } = &self.state else {
            return None;
        };
        let lasts = match outcome {
            PackageOutcome::Built(_) => true,
            PackageOutcome::Excluded { .. } | PackageOutcome::Unfetched { .. } => {
                self.requested == plan.requested
            }
        };
        let fits = (&self.module, &self.version, &self.basis)
            == (&plan.module, &plan.version, &plan.basis);
        (fits && lasts).then_some(outcome)
    }

    /// The builder that works on it.
    pub fn claimed_by(&self) -> Option<&BuilderId> {
        match &self.state {
            PartState::Claimed { builder } => Some(builder),
            PartState::Done { .. } => None,
        }
    }

    /// The same without its authors' texts.
    #[must_use]
    pub fn without_words(mut self) -> Self {
        if let PartState::Done {
            outcome: PackageOutcome::Built(found),
            ..
        } = &mut self.state
        {
            let components = std::mem::take(&mut found.components).into_iter();
            found.components = components.map(Documentation::without_words).collect();
            let stream = std::mem::take(&mut found.stream).into_iter();
            found.stream = stream.map(Field::without_words).collect();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::{Duration, macros::datetime};

    use super::*;
    use crate::catalog::BaseContents;

    fn plan() -> ImportPlan {
        ImportPlan {
            module: "a.b/c".parse().unwrap(),
            version: "v1.0.0".parse().unwrap(),
            requested: datetime!(2026-01-02 03:04:05 UTC),
            title: "c".to_owned(),
            basis: PartBasis {
                generation: 4,
                host: "linux/amd64".parse().unwrap(),
                go: "1.26.8".parse().unwrap(),
                base_version: "v4.77.0".parse().unwrap(),
            },
            go_versions: Vec::new(),
            lowest_go: None,
            component_root: "public/components".to_owned(),
            packages: BTreeMap::new(),
            excluded: BTreeMap::new(),
            base: Vec::new(),
            base_module: "a.b/base".parse().unwrap(),
            contents: BaseContents::default(),
            support: BTreeMap::new(),
        }
    }

    fn done(outcome: PackageOutcome) -> ImportPart {
        let path = "a.b/c/public/components/d".parse().unwrap();
        let took_ms = 1;
        ImportPart::of(&plan(), path, PartState::Done { took_ms, outcome })
    }

    #[test]
    fn a_built_package_is_valid_for_the_next_import_and_a_missing_one_is_tried_again() {
        let built = done(PackageOutcome::Built(Box::default()));
        let missing = done(PackageOutcome::Unfetched {
            reason: "no".to_owned(),
            dependency: "a.b/x v1.0.0".to_owned(),
        });
        let same = plan();
        let next = ImportPlan {
            requested: same.requested + Duration::days(1),
            ..plan()
        };
        let other_go = ImportPlan {
            basis: PartBasis {
                go: "1.26.9".parse().unwrap(),
                ..same.basis.clone()
            },
            ..plan()
        };
        let valid = |part: &ImportPart| {
            [&same, &next, &other_go].map(|plan| part.outcome_for(plan).is_some())
        };
        assert_eq!(valid(&built), [true, true, false]);
        assert_eq!(valid(&missing), [true, false, false]);
        let claimed = PartState::Claimed {
            builder: "b-1".parse().unwrap(),
        };
        let claimed = ImportPart::of(&same, built.path.clone(), claimed);
        assert_eq!(valid(&claimed), [false; 3]);
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        for part in [
            done(PackageOutcome::Built(Box::default())),
            done(PackageOutcome::Excluded {
                reason: "no".to_owned(),
            }),
        ] {
            let text = serde_json::to_string(&part).unwrap();
            assert_eq!(serde_json::from_str::<ImportPart>(&text).unwrap(), part);
        }
    }
}
