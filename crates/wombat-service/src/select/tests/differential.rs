//! Thousands of generated pipelines and mappings: `select` finds a mistake exactly where the `lint` of a real binary does,
//! and the components that are there. `make differential` asks the binary anew; this compares with what it said.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::LazyLock,
};

use wombat_model::catalog::{Component, ComponentKind};
use wombat_testkit::pipelines::{
    Catalog, Generator, Input, MAPPINGS, PIPELINES, SEED, Style, Verdict, Verdicts,
};

use super::{
    super::{merged::Merged, pipeline::Pipeline},
    *,
};

/// What the real binary says of each input.
const VERDICTS: &str = include_str!("differential/verdicts.txt");
/// Inputs of which `select` says something else: number, words of `lint`, and why.
const DISAGREEMENTS: &str = include_str!("differential/disagreements.txt");
/// Most disagreements.
const MOST: usize = 20;

pub(super) static GENERATOR: LazyLock<Generator> =
    LazyLock::new(|| Generator::new(catalog(), SEED));

fn catalog() -> Catalog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    Catalog::read(&folder).unwrap()
}

fn verdicts() -> Verdicts {
    Verdicts::parse(VERDICTS).unwrap()
}

/// The listed disagreements: number, and why.
fn listed() -> BTreeMap<usize, &'static str> {
    let lines = DISAGREEMENTS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [number, words, why] = columns[..] else {
                panic!("{line} hasn't three columns");
            };
            assert!(!words.is_empty() && !why.is_empty(), "{line}");
            (number.parse().unwrap(), why)
        })
        .collect()
}

/// The schemas of the modules of the real binary.
fn schemas(modules: &[String]) -> Schemas {
    let pair = |module: &String| {
        let (path, version) = module.split_once('@').unwrap();
        (path.parse().unwrap(), version.parse().unwrap())
    };
    Schemas::of_built(&KNOWN.0, &modules.iter().map(pair).collect())
}

/// What is wrong with what was found in an input, if anything.
fn objection(
    merged: &Merged,
    input: &Input,
    verdict: &Verdict,
    is_in_oracle: impl Fn(&Component) -> bool,
) -> Option<String> {
    let found: BTreeSet<Component> = merged
        .components
        .keys()
        // Lint knows nothing of drivers.
        .filter(|it| it.kind != ComponentKind::Driver)
        .cloned()
        .collect();
    let said = lines(&merged.mistakes);
    let missing: Vec<&Component> = found.iter().filter(|it| !is_in_oracle(it)).collect();
    match verdict {
        Verdict::Mistake if said.is_empty() => return Some("no mistake found".to_owned()),
        Verdict::Mistake => return None,
        Verdict::Accepted | Verdict::Unknown(_) if !said.is_empty() => {
            return Some(format!("mistakes that aren't: {said:?}"));
        }
        Verdict::Accepted if !missing.is_empty() => {
            return Some(format!("not needed: {missing:?}"));
        }
        Verdict::Unknown(name) if !missing.iter().any(|it| it.name == *name) => {
            return Some(format!("`{name}` isn't found"));
        }
        Verdict::Accepted | Verdict::Unknown(_) => {}
    }
    // Other documents have components of their own.
    let is_all = match input.style {
        Style::Documents => found.is_superset(&input.components),
        _ => found == input.components,
    };
    (!is_all).then(|| {
        let difference: Vec<_> = found.symmetric_difference(&input.components).collect();
        format!("other components: {difference:?}")
    })
}

#[test]
fn inputs_are_those_with_verdicts() {
    let verdicts = verdicts();
    assert_eq!(verdicts.header.seed, SEED);
    assert_eq!(verdicts.header.packages.len(), 31);
    for number in (0..PIPELINES + MAPPINGS).step_by(20) {
        let input = GENERATOR.input(number);
        let (digest, _) = &verdicts.lines[number];
        assert_eq!(
            input.digest(),
            *digest,
            "input {number} is another one; run `make differential`: {}",
            input.text
        );
    }
}

#[test]
fn select_agrees_with_lint() {
    let verdicts = verdicts();
    let listed = listed();
    assert!(listed.len() <= MOST, "{} disagreements", listed.len());
    let catalog = GENERATOR.catalog();
    let in_oracle: BTreeSet<Component> = catalog.in_oracle().collect();
    let schemas = schemas(&verdicts.header.modules);
    let mut unlisted = Vec::new();
    let mut settled = listed.clone();
    for (number, (input, (digest, verdict))) in GENERATOR.inputs().zip(&verdicts.lines).enumerate()
    {
        assert_eq!(input.digest(), *digest, "input {number}");
        let question = SelectQuestion::of(input.text.clone());
        let read = Pipeline::read(&question, &schemas, None);
        if let Some(objection) =
            objection(&read.merged, &input, verdict, |it| in_oracle.contains(it))
            && settled.remove(&number).is_none()
        {
            let (style, planted) = (input.style, input.mistake);
            unlisted.push(format!(
                "{number} {style} {planted:?} {verdict:?}: {objection}"
            ));
        }
    }
    for line in &unlisted {
        println!("{line}");
    }
    assert!(unlisted.is_empty(), "{} more disagreements", unlisted.len());
    assert!(settled.is_empty(), "no longer disagreements: {settled:?}");
}

/// Resolution takes most of the time, and lint knows nothing of it.
#[test]
fn some_inputs_are_answered_in_full() {
    for number in (0..PIPELINES + MAPPINGS).step_by(20) {
        let input = GENERATOR.input(number);
        let question = SelectQuestion::of(input.text.clone());
        let answer = answer_to(&question);
        let is_readable = Pipeline::read(&question, known_schemas(), None).is_readable;
        // A licence may not be accepted.
        let is_answered = answer.request.is_some() || !answer.problems.is_empty();
        assert_eq!(is_readable, is_answered, "{number}: {answer:?}");
        assert_eq!(answer.request.is_some(), answer.resolution.is_some());
    }
}

#[test]
fn everything_takes_part() {
    let catalog = GENERATOR.catalog();
    let inputs: Vec<Input> = GENERATOR.inputs().collect();
    let used: BTreeSet<&Component> = inputs.iter().flat_map(|it| &it.components).collect();
    let left_out: Vec<Component> = catalog
        .everything()
        .filter(|it| !used.contains(it))
        .collect();
    assert!(left_out.is_empty(), "{left_out:?}");
    for style in Style::ALL {
        let count = inputs.iter().filter(|it| it.style == style).count();
        assert!(count > 250, "{style}: {count}");
    }
    let planted: BTreeMap<&str, usize> =
        inputs
            .iter()
            .filter_map(|it| it.mistake)
            .fold(BTreeMap::new(), |mut counts, mistake| {
                *counts.entry(mistake).or_default() += 1;
                counts
            });
    assert!(planted.len() >= 50, "{planted:?}");
    assert!(planted.values().sum::<usize>() > 1500, "{planted:?}");
}
