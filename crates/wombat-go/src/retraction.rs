//! Whether the authors of a module retracted a release, according to the `go.mod` of the newest version.

use std::collections::BTreeMap;

use serde::Deserialize;
use wombat_model::{
    Failure, FailureClass, ModulePath, ModuleVersion,
    plain_text::{plain_line, shortened},
};

use super::{classify, error::BuildError, go::Go, stage::Stage};

/// Most bytes of the authors' reason that are passed on.
const LONGEST_RATIONALE: usize = 200;

/// The output of `go list -m -retracted -json` for a module.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    /// The reason, as many times as the version is retracted.
    #[serde(default)]
    retracted: Vec<String>,
    #[serde(default)]
    error: Option<ListedError>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedError {
    err: String,
}

/// Why a release was retracted, if it was, on one line. `go` asks the module proxy for the versions of the module, and
/// reads the `go.mod` of the newest one.
///
/// # Errors
/// If one of them can't be had: then it isn't known whether the release was retracted.
pub(super) async fn of(
    go: &Go<'_>,
    (module, version): (&ModulePath, &ModuleVersion),
) -> Result<Option<String>, BuildError> {
    let name = format!("{module}@{version}");
    let arguments = ["list", "-m", "-retracted", "-json", &name];
    let finished = go
        .run(Stage::Fetch, go.work_dir, BTreeMap::new(), &arguments)
        .await?;
    if !finished.succeeded() {
        return Err(classify::fetching(&finished.stderr).into());
    }
    let listed: Listed = serde_json::from_slice(&finished.stdout).map_err(|error| {
        let message = format!("The output of `go list -m` can't be parsed: {error}.");
        Failure::new(FailureClass::Internal, message)
    })?;
    if let Some(error) = listed.error {
        return Err(classify::fetching(&error.err).into());
    }
    let rationale = listed.retracted.first();
    Ok(rationale
        .map(|text| shortened(&plain_line(text.as_bytes()), LONGEST_RATIONALE).into_owned()))
}
