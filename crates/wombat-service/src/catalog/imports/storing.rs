//! A release on its way into the catalog.

use tracing::warn;
use wombat_model::catalog::{Import, ImportState, Release};
use wombat_store::{Revision, Store, StoreError};

use super::{
    super::{Snapshot, documents::LARGEST_DOCUMENT, some_of},
    result::{checked, is_of},
};

/// Why a result isn't in the catalog.
pub(super) enum Unsettled {
    /// A retry may succeed.
    Later(StoreError),
    /// The store lost the builder's result.
    Gone(String),
    /// The builder's result isn't a valid release.
    Never(anyhow::Error),
    /// It brings names of official components, and the request doesn't allow that. The object with the result isn't
    /// needed any more.
    KnownNames { message: String, document: String },
}

/// Returns the number of packages, and the import's document if the catalog doesn't need it.
pub(super) async fn put_into_catalog(
    store: &Store,
    known: &Snapshot,
    import: &Import,
    revision: Revision,
) -> Result<(u32, Option<String>), Unsettled> {
    let ImportState::Storing { document: name } = &import.state else {
        return Err(Unsettled::Never(anyhow::anyhow!(
            "the import has no result to store"
        )));
    };
    if !is_of(import, name) {
        return Err(Unsettled::Never(anyhow::anyhow!(
            "the builder names an object that can't be the result of this import: {name}"
        )));
    }
    let bytes = match store.documents.bytes(name, LARGEST_DOCUMENT).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Unsettled::Gone(format!("the object `{name}` is gone"))),
        Err(error @ StoreError::Lost(_)) => return Err(Unsettled::Gone(error.to_string())),
        Err(error @ StoreError::Corrupt { .. }) => return Err(Unsettled::Never(error.into())),
        Err(error) => return Err(Unsettled::Later(error)),
    };
    let document = checked(import, &bytes).map_err(Unsettled::Never)?;
    let mut release = document.release;
    if let Some(message) = refuse_known_names(import, &release, known) {
        let document = name.clone();
        return Err(Unsettled::KnownNames { message, document });
    }
    let packages = u32::try_from(release.packages.len()).unwrap_or(u32::MAX);
    release.document = Some(name.clone());
    let unused = if import.only.is_empty() {
        replace(store, known, release, revision).await?;
        None
    } else {
        add(store, known, release, revision).await?
    };
    let work = store
        .catalog
        .forget_import_work(&import.module, &import.version);
    work.await.map_err(Unsettled::Later)?;
    Ok((packages, unused))
}

/// Why this release doesn't come into the catalog without a further word of the one who requested it: another module
/// must not take over the names of official components unnoticed. What its packages took stays, so that a repeated import
/// is quick.
fn refuse_known_names(import: &Import, release: &Release, known: &Snapshot) -> Option<String> {
    let brought = known.official_names().brought_by(release);
    if brought.is_empty() || import.allow_known_names {
        return None;
    }
    Some(format!(
        "{} {} registers names that official components have: {}. If that is meant, request the import again with \
         `allowKnownNames` (`wombat catalog import --allow-known-names`); these names go on meaning the official \
         components, unless a build picks a package of {} by its path.",
        release.module,
        release.version,
        some_of(&brought),
        release.module
    ))
}

/// Puts a whole release into the catalog.
async fn replace(
    store: &Store,
    known: &Snapshot,
    mut release: Release,
    revision: Revision,
) -> Result<(), Unsettled> {
    carry_over(&mut release, known);
    let used: Vec<String> = release.documents().cloned().collect();
    let before = store.catalog.store(release, revision).await;
    let before = before.map_err(Unsettled::Later)?;
    for old in before.iter().flat_map(Release::documents) {
        if !used.contains(old) {
            remove_document(store, old).await;
        }
    }
    Ok(())
}

/// Adds packages that a release lacked. Returns the document if it tells nothing of them.
async fn add(
    store: &Store,
    known: &Snapshot,
    mut found: Release,
    revision: Revision,
) -> Result<Option<String>, Unsettled> {
    describe(&mut found, known);
    let unused = found.document.take_if(|_| found.packages.is_empty());
    let name = (&found.module, &found.version);
    let added = store
        .catalog
        .amend(name, revision, |release| release.add(found.clone()));
    if !added.await.map_err(Unsettled::Later)? {
        let problem = "the release isn't in the catalog any more";
        return Err(Unsettled::Never(anyhow::anyhow!(problem)));
    }
    Ok(unused)
}

pub(super) async fn remove_document(store: &Store, name: &str) {
    if let Err(error) = store.documents.remove(name).await {
        warn!(name, %error, "can't remove a document that isn't needed any more");
    }
}

/// Keeps the title and descriptions that people wrote for earlier releases of the module, the platforms on which this
/// version is known to compile, and its packages that couldn't be tried this time.
fn carry_over(release: &mut Release, known: &Snapshot) {
    if let Some(same) = known.release(&release.module, &release.version) {
        release.keep_platforms(same);
        release.keep_unfetched(same);
    }
    describe(release, known);
}

/// Takes the title and descriptions that people wrote for earlier releases of the module.
fn describe(release: &mut Release, known: &Snapshot) {
    let earlier: Vec<_> = known
        .all()
        .filter(|other| other.module == release.module)
        .collect();
    if let Some(newest) = earlier.first() {
        release.title.clone_from(&newest.title);
    }
    for package in &mut release.packages {
        let mut others = earlier.iter();
        if let Some(other) = others.find_map(|other| other.package(&package.path)) {
            package.description.clone_from(&other.description);
        }
    }
}
