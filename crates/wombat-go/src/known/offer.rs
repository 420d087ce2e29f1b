//! Package lists of other builders, which are believed as far as this builder can check them.
//!
//! A list that lies about imports or versions is noticed by `go build`. Only its answer to one question is used without
//! that: whether licences have to be accepted. So a list counts only if it agrees with the module graph, and the source
//! on this machine shows that no package below can be under such a licence; otherwise `go list` decides.

use std::{collections::HashMap, fmt, path::Path};

use futures::StreamExt as _;
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use tracing::debug;
use wombat_gocache::ListScope;
use wombat_model::BuildSpec;
use wombat_store::GoCache;

use crate::{
    blocking::blocking, go_mod::GoModText, licence_bound::LicenceBound, packages::ListedPackage,
};

/// Size limit of a decompressed package list; that of a package of Redpanda Connect has 3 MB.
const LARGEST: usize = 16 << 20;
/// Most packages on it. Those of a whole release are six thousand.
const MOST: usize = 20_000;
const EFFORT: i32 = 3;

/// Package lists that other builders made, by the package that they are about. Nothing in them is checked yet.
#[derive(Debug, Default)]
pub(crate) struct Offer(pub(super) HashMap<String, Vec<ListedPackage>>);

impl Offer {
    /// Fetches the lists of these packages, as far as the fleet has them.
    pub(super) async fn fetch(fleet: &GoCache, scope: &ListScope, roots: &[String]) -> Self {
        let by_key: HashMap<String, &String> = roots
            .iter()
            .map(|root| (scope.key("packages", root), root))
            .collect();
        let keys: Vec<String> = by_key.keys().cloned().collect();
        let mut found = HashMap::new();
        let mut answers = std::pin::pin!(fleet.fetch(&keys));
        while let Some(answer) = answers.next().await {
            match answer {
                Ok((key, value)) => {
                    let unpacked = blocking(move || unpack(&value)).await;
                    if let (Some(root), Some(packages)) = (by_key.get(&key), unpacked) {
                        found.insert(String::clone(root), packages);
                    }
                }
                Err(error) => {
                    debug!(%error, "can't fetch package lists of the fleet");
                    break;
                }
            }
        }
        Self(found)
    }

    /// The lists that are believed. Blocks: it reads the packages' files.
    pub(super) fn believed(
        &self,
        spec: &BuildSpec,
        go_mod: &GoModText<'_>,
        module_cache: &Path,
        bound: &LicenceBound,
    ) -> Vec<(String, Vec<ListedPackage>)> {
        let free = |root: &str| bound.is_free(root, spec, go_mod, module_cache);
        let lists = self.0.iter().filter(|(root, packages)| {
            let agrees = packages.iter().all(|package| agrees(package, go_mod));
            let believed = agrees && free(root);
            if !agrees {
                tracing::warn!(
                    package = %root,
                    "another builder's package list contradicts the module graph; it isn't used"
                );
            }
            believed
        });
        lists
            .map(|(root, packages)| {
                let packages = packages.iter().map(ListedPackage::without_licence);
                (root.clone(), packages.collect())
            })
            .collect()
    }
}

/// Whether a package's module is in the graph at this version.
fn agrees(package: &ListedPackage, go_mod: &GoModText<'_>) -> bool {
    let Some(module) = &package.module else {
        return true;
    };
    let (path, version) = (&module.path[..], &module.version[..]);
    let replacement = module.replace.as_ref();
    go_mod.requires.get(path) == Some(&version)
        && go_mod.replacement(path, version)
            == replacement.map(|other| (&other.path[..], &other.version[..]))
}

pub(super) fn pack(packages: &[ListedPackage]) -> Vec<u8> {
    let json = serde_json::to_vec(packages).unwrap_or_default();
    zstd::bulk::compress(&json, EFFORT).unwrap_or_default()
}

pub(super) fn unpack(value: &[u8]) -> Option<Vec<ListedPackage>> {
    let json = zstd::bulk::decompress(value, LARGEST).ok()?;
    let Bounded(packages) = serde_json::from_slice(&json).ok()?;
    Some(packages)
}

/// A list of at most [`MOST`] packages: an empty one has a hundred times the size of its JSON.
struct Bounded(Vec<ListedPackage>);

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor)
    }
}

struct BoundedVisitor;

impl<'de> Visitor<'de> for BoundedVisitor {
    type Value = Bounded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST} packages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bounded, A::Error> {
        let mut packages = Vec::new();
        while let Some(package) = list.next_element()? {
            if packages.len() == MOST {
                return Err(de::Error::invalid_length(MOST + 1, &self));
            }
            packages.push(package);
        }
        Ok(Bounded(packages))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        licence_bound::tests::{GO_MOD, release},
        main_file::tests::{CONNECT, spec},
    };

    const NATS: &str = "github.com/redpanda-data/connect/v4/public/components/nats";
    const KAFKA: &str = "github.com/redpanda-data/connect/v4/public/components/kafka";

    fn listed(path: &str, module: &serde_json::Value) -> ListedPackage {
        let json = serde_json::json!({"ImportPath": path, "Module": module, "Marked": false});
        serde_json::from_value(json).unwrap()
    }

    fn believed(packages: Vec<ListedPackage>) -> Vec<String> {
        let folder = release();
        let offer = Offer([(packages[0].import_path.clone(), packages)].into());
        let bound = LicenceBound::default();
        let go_mod = GoModText::parse(GO_MOD);
        let spec = spec(&[NATS]);
        let lists = offer.believed(&spec, &go_mod, folder.path(), &bound);
        lists.into_iter().map(|(root, _)| root).collect()
    }

    #[test]
    fn a_list_has_a_limit() {
        let list = |count| pack(&vec![ListedPackage::default(); count]);
        assert_eq!(unpack(&list(MOST)).unwrap().len(), MOST);
        assert!(unpack(&list(MOST + 1)).is_none());
        let empty = format!("[{}{{}}]", "{},".repeat(1 << 20));
        let packed = zstd::bulk::compress(empty.as_bytes(), EFFORT).unwrap();
        assert!(unpack(&packed).is_none(), "{} bytes", packed.len());
    }

    #[test]
    fn a_list_is_believed_if_the_source_says_the_same() {
        let connect = serde_json::json!({"Path": CONNECT, "Version": "v4.105.0"});
        assert_eq!(believed(vec![listed(NATS, &connect)]), [NATS]);
        // The source of `kafka` has files under the licence, whatever the list says.
        assert!(believed(vec![listed(KAFKA, &connect)]).is_empty());
        for other in [
            serde_json::json!({"Path": CONNECT, "Version": "v4.104.0"}),
            serde_json::json!({"Path": CONNECT, "Version": "v4.105.0", "Replace": {"Path": "evil.example/fork", "Version": "v1.0.0"}}),
            serde_json::json!({"Path": "evil.example/m", "Version": "v1.0.0"}),
        ] {
            let packages = vec![listed(NATS, &connect), listed("x.example/p", &other)];
            assert!(believed(packages.clone()).is_empty(), "{packages:?}");
        }
    }

    #[test]
    fn what_isnt_a_list_is_left_out() {
        assert!(unpack(b"nonsense").is_none());
    }
}
