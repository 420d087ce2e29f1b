//! Lists of the results that builds requested, so that later builds can fetch them ahead: one list per package, graph
//! and target.
//!
//! A builder with an empty cache fetches the lists of its build's packages, and then all results on them at once. A
//! package's list comes from the build that had the fewest other packages. Lists are hints: a result missing on one is
//! fetched on request, and one too many was fetched in vain.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use futures::StreamExt as _;
use sha2::Digest as _;
use wombat_model::ImportPath;
use wombat_store::{GoCache, PutOutcome, StoreError};

use super::{fleet::Wanted, id::ActionId};

/// Bytes of one result on a list.
const LINE: usize = 36;
/// Most results on the lists of one build; the others aren't fetched ahead. A usual selection requests 3,000.
const MOST_WANTED: usize = 100_000;
/// Digits of a list's digest.
const DIGITS: usize = 32;

/// Digest of what all results on a list have in common, apart from their packages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListScope(String);

impl ListScope {
    /// The scope that this text identifies.
    pub fn of(text: &str) -> Self {
        Self(short_digest(text.as_bytes()))
    }

    /// Key of an entry about one package.
    pub fn key(&self, kind: &str, package: &str) -> String {
        let package = short_digest(package.as_bytes());
        format!("{kind}.{}.{package}", self.0)
    }
}

fn short_digest(bytes: &[u8]) -> String {
    hex::encode(&sha2::Sha256::digest(bytes)[..16])
}

/// The lists of some packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// All results on them.
    pub(super) wanted: Vec<Wanted>,
    /// Packages that have a list, and the number of packages in the build that it comes from.
    sizes: BTreeMap<ImportPath, usize>,
}

impl Lists {
    /// Fetches the lists that exist.
    pub(super) async fn fetch<'a>(
        store: &GoCache,
        scope: &ListScope,
        packages: impl Iterator<Item = &'a ImportPath>,
    ) -> Result<Self, StoreError> {
        let by_prefix: BTreeMap<String, &ImportPath> = packages
            .map(|package| (scope.key("list", package.as_str()), package))
            .collect();
        let patterns: Vec<String> = by_prefix
            .keys()
            .map(|prefix| format!("{prefix}.*"))
            .collect();
        let mut best: BTreeMap<&ImportPath, (usize, Bytes)> = BTreeMap::new();
        let mut pointers = std::pin::pin!(store.fetch(&patterns));
        while let Some(pointer) = pointers.next().await {
            let (key, digest) = pointer?;
            let Some((prefix, size)) = key.rsplit_once('.') else {
                continue;
            };
            let (Some(package), Ok(size)) = (by_prefix.get(prefix), size.parse::<usize>()) else {
                continue;
            };
            if digest.len() != DIGITS {
                continue;
            }
            let known = best.entry(package).or_insert((usize::MAX, Bytes::new()));
            if size < known.0 {
                *known = (size, digest);
            }
        }
        let keys: HashSet<String> = best
            .values()
            .map(|(_, digest)| format!("ids.{}", String::from_utf8_lossy(digest)))
            .collect();
        let keys: Vec<String> = keys.into_iter().collect();
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        let mut lists = std::pin::pin!(store.fetch(&keys));
        while let Some(list) = lists.next().await {
            let list = list?.1;
            let new = decode(&list).filter(|wanted| seen.insert(wanted.action));
            wanted.extend(new.take(MOST_WANTED - wanted.len()));
            if wanted.len() == MOST_WANTED {
                break;
            }
        }
        Ok(Self {
            wanted,
            sizes: best
                .into_iter()
                .map(|(package, (size, _))| (package.clone(), size))
                .collect(),
        })
    }

    /// The packages of a build for which its list would be shorter than the stored one.
    pub(super) fn improved_by<'a>(
        &self,
        packages: impl ExactSizeIterator<Item = &'a ImportPath>,
    ) -> Vec<ImportPath> {
        let count = packages.len();
        packages
            .filter(|package| self.sizes.get(*package).is_none_or(|known| count < *known))
            .cloned()
            .collect()
    }
}

/// Stores the list of a build of `count` packages for `packages`, which are some of them.
pub(super) async fn store(
    store: &GoCache,
    scope: &ListScope,
    packages: &[ImportPath],
    count: usize,
    wanted: &[Wanted],
) -> Result<(), StoreError> {
    let list = encode(wanted);
    if packages.is_empty() || list.len() > store.largest() {
        return Ok(());
    }
    let digest = short_digest(&list);
    // Another package may have stored the same list.
    let (PutOutcome::Stored | PutOutcome::AlreadyThere) =
        store.put(&format!("ids.{digest}"), list.into()).await?;
    for package in packages {
        let key = format!("{}.{count}", scope.key("list", package.as_str()));
        store.put(&key, digest.clone().into()).await?;
    }
    Ok(())
}

fn encode(wanted: &[Wanted]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(wanted.len() * LINE);
    for Wanted { action, size } in wanted {
        bytes.extend(action.as_bytes());
        bytes.extend(size.to_le_bytes());
    }
    bytes
}

fn decode(list: &[u8]) -> impl Iterator<Item = Wanted> + '_ {
    let (lines, _) = list.as_chunks::<LINE>();
    lines.iter().filter_map(|line| {
        let (action, size) = line.split_first_chunk::<32>()?;
        Some(Wanted {
            action: ActionId::from_bytes(*action),
            size: u32::from_le_bytes(size.try_into().ok()?),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::action;

    #[test]
    fn lists_come_back_as_they_were() {
        let wanted: Vec<Wanted> = (0..5)
            .map(|n| Wanted {
                action: action(n),
                size: u32::from(n) * 1000,
            })
            .collect();
        assert!(decode(&encode(&wanted)).eq(wanted));
    }

    #[test]
    fn a_list_with_fewer_other_packages_is_better() {
        let path = |name: &str| -> ImportPath { format!("a.example/{name}").parse().unwrap() };
        let lists = Lists {
            wanted: Vec::new(),
            sizes: [(path("one"), 2), (path("two"), 3)].into(),
        };
        let build = [path("one"), path("two"), path("three")];
        assert_eq!(lists.improved_by(build.iter()), [path("three")]);
        assert_eq!(lists.improved_by(build[..2].iter()), [path("two")]);
    }
}
