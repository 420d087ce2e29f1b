//! Checks the result of an import, as far as that can be done without building it again. What it says of its packages is
//! the builder's word.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use wombat_model::catalog::{Import, Release, ReleaseDocument};

/// Whether an object may hold the result of this import.
pub(super) fn is_of(import: &Import, document: &str) -> bool {
    let folder = format!("{}/{}/", import.module, import.version);
    document.starts_with(&folder)
}

/// Parses a builder's result, and checks that it is of the requested release.
pub(super) fn checked(import: &Import, bytes: &[u8]) -> anyhow::Result<ReleaseDocument> {
    let mut document: ReleaseDocument =
        serde_json::from_slice(bytes).context("the builder's result can't be read")?;
    let release = &mut document.release;
    ensure!(
        (&release.module, &release.version) == (&import.module, &import.version),
        "the builder imported another release: {} {}",
        release.module,
        release.version
    );
    // Which objects belong to a release is the service's to say.
    release.document = None;
    release.added_documents.clear();
    if !import.only.is_empty() {
        keep_requested(import, release);
    }
    let release = &document.release;
    ensure!(
        !release.packages.is_empty() || !import.only.is_empty(),
        "the release has no packages that can be built{}",
        why_none(release)
    );
    let mut packages = BTreeSet::new();
    let named = release.packages.iter().map(|package| &package.path);
    let missing = release.excluded.keys().chain(release.unfetched.keys());
    for path in named.clone().chain(missing) {
        ensure!(
            release.module.contains(path),
            "the package {path} isn't in this module"
        );
    }
    for path in named {
        ensure!(packages.insert(path), "the package {path} is listed twice");
    }
    for driver in &release.drivers {
        let path = &driver.package.path;
        ensure!(
            driver.module.contains(path) && !release.module.contains(path),
            "the driver {path} isn't in its module"
        );
        driver.version.check_for(&driver.module)?;
    }
    for (module, version) in &release.requires {
        ensure!(
            *module != release.module,
            "the release requires its own module"
        );
        version.check_for(module)?;
    }
    for package in &document.documentation {
        let path = &package.path;
        ensure!(
            release.module.contains(path) || release.driver(path).is_some(),
            "the documented package {path} isn't in this module"
        );
    }
    Ok(document)
}

/// Drops packages that weren't requested.
fn keep_requested(import: &Import, release: &mut Release) {
    let only: BTreeSet<_> = import.only.iter().collect();
    release
        .packages
        .retain(|package| only.contains(&package.path));
    release.excluded.retain(|path, _| only.contains(path));
    release.unfetched.retain(|path, _| only.contains(path));
}

/// One of the reasons why a release has no packages.
fn why_none(release: &Release) -> String {
    let unfetched = release.unfetched.values().map(|why| &why.reason);
    let mut reasons = unfetched.chain(release.excluded.values());
    reasons
        .next()
        .map_or_else(String::new, |why| format!(": {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    use super::*;
    use crate::fixture::release_with;

    fn import() -> Import {
        let (module, version) = ("a.b/c".parse().unwrap(), "v1.0.0".parse().unwrap());
        Import::new(module, version, Vec::new(), OffsetDateTime::UNIX_EPOCH)
    }

    fn document() -> Value {
        let release = release_with("a.b/c", "v1.0.0", &["x", "y"]);
        json!({"release": release, "documentation": [], "stream": []})
    }

    fn check(import: &Import, document: &Value) -> anyhow::Result<ReleaseDocument> {
        checked(import, document.to_string().as_bytes())
    }

    #[test]
    fn a_result_is_of_the_requested_release_and_its_module() {
        type Forgery = fn(&mut Value);
        assert!(check(&import(), &document()).is_ok());
        let forgeries: [(&str, Forgery); 8] = [
            ("another release", |it| {
                it["release"]["module"] = json!("a.b/d");
            }),
            ("another release", |it| {
                it["release"]["version"] = json!("v4.999.0");
            }),
            ("no packages", |it| it["release"]["packages"] = json!([])),
            ("isn't in this module", |it| {
                it["release"]["packages"][0]["path"] = json!("evil.example/x");
            }),
            ("isn't in this module", |it| {
                it["release"]["excluded"] = json!({"evil.example/x": "no"});
            }),
            ("listed twice", |it| {
                it["release"]["packages"][1] = it["release"]["packages"][0].clone();
            }),
            ("its own module", |it| {
                it["release"]["requires"] = json!({"a.b/c": "v1.0.1"});
            }),
            ("documented package", |it| {
                it["documentation"] = json!([{"path": "evil.example/x", "components": []}]);
            }),
        ];
        for (why, forge) in forgeries {
            let mut forged = document();
            forge(&mut forged);
            let error = check(&import(), &forged).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
    }

    #[test]
    fn a_result_names_no_objects_and_only_requested_packages() {
        let mut forged = document();
        forged["release"]["document"] = json!("other/v1/x");
        forged["release"]["addedDocuments"] = json!(["other/v1/y"]);
        let checked = check(&import(), &forged).unwrap().release;
        assert_eq!(checked.documents().count(), 0);
        let one = checked.packages[0].path.clone();
        let only = import().of_only(vec![one.clone()]);
        let checked = check(&only, &forged).unwrap().release;
        let paths: Vec<_> = checked.packages.iter().map(|it| &it.path).collect();
        assert_eq!(paths, [&one]);
        assert!(is_of(&only, "a.b/c/v1.0.0/u"));
        for foreign in ["a.b/c/v1.0.1/u", "a.b/c/v1.0.0", "x/a.b/c/v1.0.0/u"] {
            assert!(!is_of(&only, foreign), "{foreign}");
        }
    }
}
