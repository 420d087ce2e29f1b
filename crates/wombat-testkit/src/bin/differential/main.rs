//! Makes the verdicts that `select` is compared with: `differential CATALOG VERDICTS [BINARY]` builds a binary of Redpanda
//! Connect (or takes BINARY), lets it lint all generated inputs, and writes what it says to VERDICTS. All its words are
//! left in `target/differential/words.txt`.
#![expect(
    clippy::disallowed_methods,
    reason = "nothing else runs in this process"
)]

mod binary;
mod lint;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;
use wombat_testkit::pipelines::{
    BENTHOS, CONNECT, Catalog, Generator, Input, PACKAGES, SEED, Verdict, Verdicts,
};

/// Everything that this leaves behind, but the verdicts.
const FOLDER: &str = "target/differential";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "differential CATALOG VERDICTS [BINARY]";
    let catalog = arguments.next().context(usage)?;
    let target = arguments.next().context(usage)?;
    let folder = std::path::absolute(FOLDER)?;
    std::fs::create_dir_all(&folder)?;

    let binary = match arguments.next() {
        Some(binary) => std::path::absolute(binary)?,
        None => binary::build(&folder.join("binary"))?,
    };
    let begun = Instant::now();
    let generator = Generator::new(Catalog::read(&catalog)?, SEED);
    let inputs: Vec<Input> = generator.inputs().collect();
    eprintln!("{} inputs made in {:?}", inputs.len(), begun.elapsed());

    let begun = Instant::now();
    let words = lint::lint(&binary, &folder.join("inputs"), &inputs)?;
    eprintln!("linted in {:?}", begun.elapsed());
    write_words(&folder.join("words.txt"), &inputs, &words)?;

    let judged = inputs.into_iter().enumerate().map(|(number, input)| {
        let words = words.get(&number).map_or(&[][..], Vec::as_slice);
        let verdict = lint::verdict(words, |name| generator.catalog().is_foreign(name));
        (input, verdict)
    });
    let modules = vec![
        format!("github.com/redpanda-data/connect/v4@{CONNECT}"),
        format!("github.com/redpanda-data/benthos/v4@{BENTHOS}"),
    ];
    let packages = PACKAGES.map(|name| name.replace('-', "/")).into();
    let verdicts = Verdicts::new(SEED, modules, packages, judged);
    std::fs::write(&target, verdicts.to_text())?;
    let count = |is: fn(&Verdict) -> bool| verdicts.lines.iter().filter(|it| is(&it.1)).count();
    eprintln!(
        "{} accepted, {} with a mistake, {} with a component that the binary doesn't have",
        count(|it| *it == Verdict::Accepted),
        count(|it| *it == Verdict::Mistake),
        count(|it| matches!(it, Verdict::Unknown(_))),
    );
    Ok(())
}

/// All words of the binary, for people who look into a disagreement.
fn write_words(
    path: &Path,
    inputs: &[Input],
    words: &BTreeMap<usize, Vec<String>>,
) -> anyhow::Result<()> {
    let mut text = String::new();
    for (number, input) in inputs.iter().enumerate() {
        let said = words
            .get(&number)
            .map_or(String::new(), |it| it.join(" | "));
        let planted = input.mistake.unwrap_or("-");
        writeln!(text, "{number}\t{}\t{planted}\t{said}", input.style)?;
    }
    Ok(std::fs::write(path, text)?)
}
