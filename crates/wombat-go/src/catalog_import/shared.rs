//! What packages have in common in a binary, as far as it can be told without measuring every pair.
//!
//! Known are the bytes that each package adds alone, and which Go packages it compiles. Go packages that the same
//! packages compile are one part. At first, it has the share of all bytes that its source has; then the parts of each
//! package are scaled to the bytes that it adds, again and again (iterative proportional fitting), until they agree with
//! every measure.

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::catalog::SharedBytes;

/// Rounds of scaling; the parts of Redpanda Connect hardly change after fifty.
const ROUNDS: usize = 200;
/// Smaller parts are left to each of the packages.
const SMALLEST: u64 = 32 * 1024;

/// A measured package.
pub(super) struct Measured<'a> {
    /// Its name among the shared parts.
    pub(super) name: &'a str,
    /// Bytes that it adds to a binary with the base alone.
    pub(super) added: u64,
    /// Import paths of all that it compiles and the base doesn't.
    pub(super) compiled: &'a BTreeSet<String>,
}

/// Go packages that the same packages compile.
struct Part {
    /// Places of the packages.
    of: Vec<usize>,
    bytes: f64,
}

/// The parts that several packages share, largest first.
pub(super) fn shared(
    packages: &[Measured<'_>],
    source_bytes: &BTreeMap<String, u64>,
) -> Vec<SharedBytes> {
    let mut parts = parts(packages, source_bytes);
    let mut of_package = vec![Vec::new(); packages.len()];
    for (index, part) in parts.iter().enumerate() {
        for package in &part.of {
            of_package[*package].push(index);
        }
    }
    let fit = |parts: &mut [Part], only_down: bool| {
        for (package, own) in packages.iter().zip(&of_package) {
            let sum: f64 = own.iter().map(|part| parts[*part].bytes).sum();
            let factor = as_float(package.added) / sum.max(1.0);
            if factor < 1.0 || !only_down {
                for part in own {
                    parts[*part].bytes *= factor;
                }
            }
        }
    };
    // Scaling favours shared parts if all grow, and the others if all shrink, so they begin at the right scale.
    let sums = of_package.iter().flatten().map(|part| parts[*part].bytes);
    let added = packages.iter().map(|package| as_float(package.added));
    let scale = added.sum::<f64>() / sums.sum::<f64>().max(1.0);
    for part in &mut parts {
        part.bytes *= scale;
    }
    for _ in 0..ROUNDS {
        fit(&mut parts, false);
    }
    // Measures that contradict each other leave some sums too large.
    fit(&mut parts, true);
    let shared = parts.iter().filter(|part| part.of.len() > 1);
    let mut shared: Vec<SharedBytes> = shared
        .map(|part| SharedBytes {
            bytes: as_bytes(part.bytes),
            packages: part
                .of
                .iter()
                .map(|it| packages[*it].name.to_owned())
                .collect(),
        })
        .filter(|part| part.bytes >= SMALLEST)
        .collect();
    shared.sort_by(|left, right| (right.bytes, &left.packages).cmp(&(left.bytes, &right.packages)));
    shared
}

fn parts(packages: &[Measured<'_>], source_bytes: &BTreeMap<String, u64>) -> Vec<Part> {
    let mut users: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, package) in packages.iter().enumerate() {
        for compiled in package.compiled {
            users.entry(compiled).or_default().push(index);
        }
    }
    let mut parts: BTreeMap<Vec<usize>, u64> = BTreeMap::new();
    for (compiled, users) in users {
        *parts.entry(users).or_default() += source_bytes.get(compiled).copied().unwrap_or(0);
    }
    let parts = parts.into_iter().map(|(of, bytes)| Part {
        of,
        // Nothing can be scaled to something.
        bytes: as_float(bytes.max(1)),
    });
    parts.collect()
}

#[expect(clippy::cast_precision_loss, reason = "binaries are below 2^52 bytes")]
fn as_float(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size of a binary, and rounded down on purpose"
)]
fn as_bytes(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn found(packages: &[(&str, u64, &[&str])], sizes: &[(&str, u64)]) -> Vec<(u64, String)> {
        let compiled: Vec<BTreeSet<String>> = packages
            .iter()
            .map(|(_, _, compiled)| compiled.iter().map(|it| (*it).to_owned()).collect())
            .collect();
        let measured: Vec<Measured<'_>> = packages
            .iter()
            .zip(&compiled)
            .map(|((name, megabytes, _), compiled)| Measured {
                name,
                added: megabytes * MB,
                compiled,
            })
            .collect();
        let sizes = sizes
            .iter()
            .map(|(path, bytes)| ((*path).to_owned(), *bytes));
        let shared = shared(&measured, &sizes.collect());
        let shared = shared.into_iter();
        shared
            .map(|it| ((it.bytes + MB / 2) / MB, it.packages.join(" ")))
            .collect()
    }

    #[test]
    fn a_package_within_another_is_shared_whole() {
        let found = found(
            &[
                ("aws", 57, &["s3", "franz"]),
                ("kafka", 8, &["franz"]),
                ("nats", 3, &["nats"]),
            ],
            &[("s3", 900), ("franz", 700), ("nats", 1)],
        );
        assert_eq!(found, [(8, "aws kafka".to_owned())]);
    }

    #[test]
    fn what_each_has_alone_is_not_shared() {
        let half = found(
            &[("a", 10, &["own", "grpc"]), ("b", 10, &["other", "grpc"])],
            &[("own", 100), ("other", 100), ("grpc", 100)],
        );
        assert_eq!(half, [(5, "a b".to_owned())]);
        assert_eq!(found(&[("a", 1, &["x"]), ("b", 1, &["y"])], &[]), []);
    }

    #[test]
    fn parts_of_a_package_are_never_more_than_the_package() {
        // The measures contradict each other: `b` is part of `a` and larger.
        let found = found(
            &[("a", 5, &["x", "y"]), ("b", 9, &["x"])],
            &[("x", 5), ("y", 5)],
        );
        assert!(
            found.iter().all(|(megabytes, _)| *megabytes <= 5),
            "{found:?}"
        );
    }
}
