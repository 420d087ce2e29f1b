//! Mutated pipelines: each is answered. `make mutated` measures 200,000 with the release build: each is answered in time,
//! and memory doesn't grow. It needs the machine for itself.
#![expect(
    clippy::disallowed_methods,
    reason = "nothing else runs on this thread"
)]

use std::time::{Duration, Instant};

use wombat_testkit::pipelines::{MAPPINGS, PIPELINES, Random};

use super::{super::document::PANICKED, damaged::PARTS, differential::GENERATOR, *};

const SEED: u64 = 20_270_101;
/// How many are tried, none of them large; `WOMBAT_TEST_MUTATED` sets another number, and they are measured.
const TRIES: usize = 300;
/// Of how many one is large.
const LARGE_EVERY: usize = 400;
const _: () = assert!(TRIES < LARGE_EVERY);
/// Largest pipelines of the two sizes, and how long their answers may take.
const SMALL: (usize, Duration) = (16 * 1024, Duration::from_millis(50));
const LARGE: (usize, Duration) = (256 * 1024, Duration::from_millis(300));
/// How often a slow answer is asked for; the fastest counts.
const MOST_TIMES: usize = 4;
/// Pages that the process may grow by after the first tenth of the tries.
const MOST_GROWTH: usize = 32 * 1024 * 1024;

/// Values of variables by name.
type Values = &'static [(&'static str, &'static str)];

/// Mutates a text.
fn mutated(text: &str, other: &str, random: &mut Random) -> String {
    let mut text: Vec<char> = text.chars().collect();
    let other: Vec<char> = other.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(24)).min(text.len());
        let part: Vec<char> = random.pick(&PARTS).chars().collect();
        match random.below(8) {
            0..=2 => drop(text.splice(at..at, part)),
            3 => drop(text.drain(at..end)),
            4 => drop(text.splice(at..end, part)),
            5 => {
                let from = random.below(other.len() + 1);
                let to = (from + random.below(200)).min(other.len());
                drop(text.splice(at..at, other[from..to].iter().copied()));
            }
            6 => {
                let copy = text[at..end].to_vec();
                let to = random.below(text.len() + 1);
                drop(text.splice(to..to, copy));
            }
            _ => text.truncate(at),
        }
    }
    text.into_iter().collect()
}

/// Repeats a part until the text has about this many bytes.
fn grown(text: &str, random: &mut Random, size: usize) -> String {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    if places.is_empty() {
        return text.to_owned();
    }
    let begin = *random.pick(&places);
    let length = 1 + random.below(60);
    let end = places
        .iter()
        .find(|at| **at > begin + length)
        .copied()
        .unwrap_or(text.len());
    let part = &text[begin..end];
    let times = size.saturating_sub(text.len()) / part.len().max(1);
    let mut grown = text[..end].to_owned();
    grown.push_str(&part.repeat(times));
    grown.push_str(&text[end..]);
    while grown.len() > size {
        grown.pop();
    }
    grown
}

/// An answer, and how long it took.
fn timed(text: &str, values: &[(&str, &str)]) -> (Duration, SelectAnswer) {
    let begun = Instant::now();
    let answer = answer_with(text, values);
    (begun.elapsed(), answer)
}

/// Memory of this process, in bytes.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// A mutated pipeline, and values of its variables; `None` if nothing is left of it, or too much has come.
fn input(texts: &[String], number: usize) -> Option<(String, Values)> {
    let mut random = Random::new(SEED, number);
    let (text, other) = (random.pick(texts).clone(), random.pick(texts).clone());
    let text = match number % LARGE_EVERY {
        0 => {
            let size = SMALL.0 + random.below(LARGE.0 - SMALL.0);
            let text = grown(&text, &mut random, size);
            mutated(&text, &other, &mut random)
        }
        n if n % 20 == 1 => {
            let text = grown(&text, &mut random, SMALL.0 - 1024);
            mutated(&text, &other, &mut random)
        }
        _ => mutated(&text, &other, &mut random),
    };
    if text.trim().is_empty() || text.len() > LARGE.0 {
        return None;
    }
    let values: Values = match random.below(3) {
        0 => &[],
        1 => &[("A", "{b: [c"), ("TEXT1", "x: 'y")],
        _ => &[("A", "&a !x, *b"), ("KEY1", "\u{1}")],
    };
    Some((text, values))
}

/// Every how many of the generated pipelines and mappings.
fn texts(step: usize) -> Vec<String> {
    let numbers = (0..PIPELINES + MAPPINGS).step_by(step);
    numbers.map(|number| GENERATOR.input(number).text).collect()
}

/// The parser doesn't fail inside.
fn check(number: usize, text: &str, answer: &SelectAnswer) {
    let said = lines(&answer.mistakes);
    let parser_failed = said.iter().any(|it| it.contains(PANICKED));
    assert!(!parser_failed, "{number}: {text:?}");
}

#[test]
fn mutated_pipelines_are_answered() {
    if let Ok(tries) = std::env::var("WOMBAT_TEST_MUTATED") {
        return measure(&texts(10), tries.parse().unwrap());
    }
    let texts = texts(100);
    for number in 1..=TRIES {
        if let Some((text, values)) = input(&texts, number) {
            check(number, &text, &answer_with(&text, values));
        }
    }
}

/// Each is answered in time, and memory doesn't grow.
fn measure(texts: &[String], tries: usize) {
    let mut took: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    let mut slowest = [(Duration::ZERO, 0), (Duration::ZERO, 0)];
    let mut at_first = 0;
    for number in 0..tries {
        if number == tries / 10 {
            at_first = memory();
        }
        let Some((text, values)) = input(texts, number) else {
            continue;
        };
        let size = usize::from(text.len() > SMALL.0);
        let limit = [SMALL.1, LARGE.1][size];
        let (mut elapsed, answer) = timed(&text, values);
        for _ in 1..MOST_TIMES {
            // Another process may have been in the way.
            if elapsed > limit {
                elapsed = elapsed.min(timed(&text, values).0);
            }
        }
        check(number, &text, &answer);
        took[size].push(elapsed);
        if elapsed > slowest[size].0 {
            slowest[size] = (elapsed, number);
            if elapsed > limit {
                let path = std::env::temp_dir().join(format!("mutated-{number}.yaml"));
                println!(
                    "{number}: {elapsed:?} for {} bytes, {}",
                    text.len(),
                    path.display()
                );
                std::fs::write(path, &text).unwrap();
            }
        }
    }
    let at_last = memory();
    for (size, name) in ["up to 16 KiB", "up to 256 KiB"].iter().enumerate() {
        took[size].sort();
        let all = &took[size];
        let part = |per_mille: usize| {
            let last = all.len().saturating_sub(1);
            all.get(last * per_mille / 1000)
                .copied()
                .unwrap_or_default()
        };
        println!(
            "{name}: {} answers, half within {:?}, 99% within {:?}, 99.9% within {:?}, all within {:?} (number {})",
            all.len(),
            part(500),
            part(990),
            part(999),
            part(1000),
            slowest[size].1,
        );
    }
    println!(
        "memory: {} MiB after a tenth, {} MiB at the end",
        at_first >> 20,
        at_last >> 20
    );
    assert!(slowest[0].0 <= SMALL.1, "{slowest:?}");
    assert!(slowest[1].0 <= LARGE.1, "{slowest:?}");
    assert!(at_last <= at_first + MOST_GROWTH, "{at_first} {at_last}");
}
