//! What the real binary says of each input: a line of text each, after a header.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};

use super::{MAPPINGS, PIPELINES, input::Input};

/// What the real binary says of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Accepted,
    /// It found a mistake.
    Mistake,
    /// It only says that it has no component, function or method of this name.
    Unknown(String),
}

/// About all verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The seed of the inputs.
    pub seed: u64,
    /// SHA-256 over all inputs: other ones mean another generator or catalog.
    pub generator: String,
    /// Modules of the binary with their versions.
    pub modules: Vec<String>,
    /// Its packages.
    pub packages: Vec<String>,
}

/// All verdicts.
#[derive(Clone, Debug)]
pub struct Verdicts {
    /// About all of them.
    pub header: Header,
    /// By number: the digest of the input, and what the binary says of it.
    pub lines: Vec<(String, Verdict)>,
}

/// SHA-256 over the digests of all inputs.
fn generator_digest<'a>(digests: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for digest in digests {
        hash.update(digest);
    }
    hex::encode(hash.finalize())
}

impl Verdicts {
    /// For these inputs.
    pub fn new(
        seed: u64,
        modules: Vec<String>,
        packages: Vec<String>,
        judged: impl Iterator<Item = (Input, Verdict)>,
    ) -> Self {
        let lines: Vec<(String, Verdict)> = judged
            .map(|(input, verdict)| (input.digest(), verdict))
            .collect();
        let generator = generator_digest(lines.iter().map(|(digest, _)| digest.as_str()));
        Self {
            header: Header {
                seed,
                generator,
                modules,
                packages,
            },
            lines,
        }
    }

    /// As text.
    pub fn to_text(&self) -> String {
        let Header {
            seed,
            generator,
            modules,
            packages,
        } = &self.header;
        let mut text = String::from(
            "# Verdicts of a real binary's lint, by `make differential`: digest of the input, then . for accepted, x for a mistake, ?name for a component that it doesn't have.\n",
        );
        let _ = writeln!(text, "seed {seed}");
        let _ = writeln!(text, "generator {generator}");
        let _ = writeln!(text, "modules {}", modules.join(" "));
        let _ = writeln!(text, "packages {}", packages.join(" "));
        for (digest, verdict) in &self.lines {
            let _ = match verdict {
                Verdict::Accepted => writeln!(text, "{digest} ."),
                Verdict::Mistake => writeln!(text, "{digest} x"),
                Verdict::Unknown(name) => writeln!(text, "{digest} ?{name}"),
            };
        }
        text
    }

    /// Reads them.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut header = BTreeMap::new();
        for name in ["seed", "generator", "modules", "packages"] {
            let line = lines.next().context("the header is incomplete")?;
            let (key, value) = line.split_once(' ').context("a header line has no value")?;
            ensure!(key == name, "`{key}` stands where `{name}` belongs");
            header.insert(name, value);
        }
        let words = |name: &str| header[name].split(' ').map(str::to_owned).collect();
        let lines = lines.map(|line| {
            let (digest, verdict) = line.split_once(' ').context("a verdict is incomplete")?;
            let verdict = match verdict.split_at_checked(1) {
                Some((".", "")) => Verdict::Accepted,
                Some(("x", "")) => Verdict::Mistake,
                Some(("?", name)) => Verdict::Unknown(name.to_owned()),
                _ => anyhow::bail!("`{verdict}` is no verdict"),
            };
            Ok((digest.to_owned(), verdict))
        });
        let lines = lines.collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(
            lines.len() == PIPELINES + MAPPINGS,
            "there are {} verdicts",
            lines.len()
        );
        Ok(Self {
            header: Header {
                seed: header["seed"].parse()?,
                generator: header["generator"].to_owned(),
                modules: words("modules"),
                packages: words("packages"),
            },
            lines,
        })
    }
}
