//! What the real binary's `lint` says.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context, ensure};
use wombat_testkit::pipelines::{Input, Verdict};

/// Inputs per call.
const TOGETHER: usize = 500;
/// What it says of components that it doesn't have, before their name.
const UNKNOWN: [&str; 6] = [
    "unable to infer component type: ",
    "failed to obtain docs for ",
    " type from candidates: ",
    " type '",
    "unrecognised function '",
    "unrecognised method '",
];

/// Its words by the number of the input. A message of several lines is one.
pub(crate) fn lint(
    binary: &Path,
    folder: &Path,
    inputs: &[Input],
) -> anyhow::Result<BTreeMap<usize, Vec<String>>> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    for (number, input) in inputs.iter().enumerate() {
        std::fs::write(folder.join(file_name(number)), &input.text)?;
    }
    let mut words: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for first in (0..inputs.len()).step_by(TOGETHER) {
        let names = (first..(first + TOGETHER).min(inputs.len())).map(file_name);
        let output = Command::new(binary)
            .args(["lint", "--skip-env-var-check"])
            .args(names)
            .current_dir(folder)
            .env_clear()
            .output()
            .with_context(|| format!("running {}", binary.display()))?;
        ensure!(
            matches!(output.status.code(), Some(0 | 1)),
            "lint ended with {}",
            output.status
        );
        let mut last = None;
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            if let Some((number, message)) = numbered(line) {
                words.entry(number).or_default().push(message.to_owned());
                last = Some(number);
                continue;
            }
            let said = last.and_then(|number| words.get_mut(&number)?.last_mut());
            let said = said.with_context(|| format!("lint says: {line}"))?;
            said.push(' ');
            said.push_str(line.trim());
        }
    }
    Ok(words)
}

fn file_name(number: usize) -> String {
    format!("{number:05}.yaml")
}

/// The number of the input that a line begins with, and the rest of the line.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.split_once(".yaml(")?;
    let number = number.parse().ok()?;
    Some((
        number,
        rest.split_once(") ").map_or(rest, |(_, message)| message),
    ))
}

/// What its words amount to. `is_foreign`: whether only other binaries have one of the components of this name.
pub(crate) fn verdict(words: &[String], is_foreign: impl Fn(&str) -> bool) -> Verdict {
    if words.is_empty() {
        return Verdict::Accepted;
    }
    let mut names: Vec<&str> = Vec::new();
    for message in words {
        match unknown(message) {
            Some(name) if is_foreign(name) => names.push(name),
            Some(_) | None => return Verdict::Mistake,
        }
    }
    names.dedup();
    match names.as_slice() {
        [only] => Verdict::Unknown((*only).to_owned()),
        _ => Verdict::Mistake,
    }
}

/// The name that a message is about.
fn unknown(message: &str) -> Option<&str> {
    let at = |begin: &str| message.find(begin).map(|at| &message[at + begin.len()..]);
    let after = UNKNOWN.iter().find_map(|begin| at(begin))?;
    let after = after.rsplit_once(" type ").map_or(after, |(_, name)| name);
    let end = after.find(['\'', ']']).unwrap_or(after.len());
    after[..end].rsplit([' ', '[']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Verdict {
        let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        verdict(&words, |name| name == "aws_s3" || name == "geo")
    }

    #[test]
    fn names_of_components_that_it_lacks_are_found() {
        for words in [
            "unable to infer component type: aws_s3",
            "unable to infer component type: [label aws_s3]",
            "failed to obtain docs for input type aws_s3",
            "unable to infer input type from candidates: [aws_s3]",
            "input type 'aws_s3' was not recognised",
            "unrecognised method 'geo': x",
            "unrecognised function 'geo'",
        ] {
            assert!(matches!(said(&[words]), Verdict::Unknown(_)), "{words}");
        }
        assert_eq!(said(&[]), Verdict::Accepted);
        assert_eq!(said(&["field x not recognised"]), Verdict::Mistake);
        assert_eq!(
            said(&["input type 'aws_s3z' was not recognised"]),
            Verdict::Mistake
        );
        let both = [
            "input type 'aws_s3' was not recognised",
            "field x not recognised",
        ];
        assert_eq!(said(&both), Verdict::Mistake);
    }
}
