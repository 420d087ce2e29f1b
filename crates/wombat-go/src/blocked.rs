//! Modules that the operator blocks: refused before anything of a build is fetched, before its packages are compiled, and
//! before its binary is used.

use std::time::Duration;

use tracing::debug;
use wombat_model::{Blocklist, BuildSpec, CompiledModule, Failure, FailureClass};
use wombat_store::{Catalog, StoreError};

use super::{
    error::BuildError,
    packages::{ListedModule, Packages},
    scope::Scope,
};

/// Pause between attempts to read the list.
const PAUSE: Duration = Duration::from_millis(500);

/// Where builds read the blocklist.
#[derive(Clone, Debug, Default)]
pub enum BlocklistSource {
    /// Nothing is blocked.
    #[default]
    Nothing,
    /// The bucket, whose leader is asked each time: no build uses an old list.
    Catalog(Box<Catalog>),
}

impl BlocklistSource {
    /// The list in this catalog.
    pub fn of(catalog: &Catalog) -> Self {
        Self::Catalog(Box::new(catalog.clone()))
    }

    /// The list as it is now. Waits while NATS doesn't answer: a builder that can't reach it loses its claims.
    ///
    /// # Errors
    /// `infra` if the stored list can't be read; and the limits of the scope.
    pub async fn read(&self, scope: &Scope) -> Result<Blocklist, BuildError> {
        let Self::Catalog(catalog) = self else {
            return Ok(Blocklist::default());
        };
        let reading = async {
            loop {
                match catalog.blocklist().await {
                    Ok(list) => return Ok(list.value),
                    Err(error @ StoreError::Unavailable(_)) => {
                        debug!(%error, "can't read the blocklist; trying again");
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(error) => return Err(unreadable(&error)),
                }
            }
        };
        Ok(scope.limit(reading).await??)
    }
}

fn unreadable(error: &StoreError) -> Failure {
    let problem = match error {
        StoreError::Corrupt { problem, .. } => problem.clone(),
        other => other.to_string(),
    };
    let message =
        format!("The operator's blocklist can't be read ({problem}), so nothing is built.");
    Failure::new(FailureClass::Infra, message)
}

/// Refuses a spec with a blocked module, before anything of it is fetched.
pub(super) fn check_spec(blocklist: &Blocklist, spec: &BuildSpec) -> Result<(), Failure> {
    let Some(hit) = blocklist.hit_of_spec(spec) else {
        return Ok(());
    };
    Err(Failure::blocked(&hit, "The request names it."))
}

/// Refuses packages of a blocked module, wherever it is required, before they are compiled.
pub(super) fn check_packages(
    blocklist: &Blocklist,
    spec: &BuildSpec,
    packages: &Packages,
) -> Result<(), Failure> {
    if blocklist.is_empty() {
        return Ok(());
    }
    let hit_of = |module: &ListedModule| {
        let mut names = module.names();
        names.find_map(|(path, version)| blocklist.hit(path, version))
    };
    let Some(found) = packages.first_of(|module| hit_of(module).is_some()) else {
        return Ok(());
    };
    let Some(hit) = hit_of(found.module) else {
        return Ok(());
    };
    let why = match found.importer {
        Some(importer) if importer == found.picked => {
            format!("{importer} imports {}.", found.package)
        }
        Some(importer) => format!(
            "{} needs it: {importer} imports {}.",
            found.picked, found.package
        ),
        None => format!("{} is a package of it.", found.package),
    };
    let failure = Failure::blocked(&hit, &why);
    let mut picked = spec.packages().keys();
    Err(match picked.find(|path| path.as_str() == found.picked) {
        Some(path) => failure.blaming(path.clone()),
        None => failure,
    })
}

/// Refuses a binary with a blocked module, by what its linker says.
pub(super) fn check_binary(
    blocklist: &Blocklist,
    modules: &[CompiledModule],
) -> Result<(), Failure> {
    match blocklist.hit_of_binary(modules) {
        Some(hit) => Err(Failure::blocked(&hit, "The binary has packages of it.")),
        None => Ok(()),
    }
}
