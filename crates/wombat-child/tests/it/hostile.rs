//! A finished binary is foreign code. This one, a Go program that real Go builds, tries to leave the confinement in
//! which binaries are asked about themselves, and to use more than its limits. What it achieves is the table in
//! `docs/SECURITY.md`; `make hostile-binary` tries it with the limits of builders, and prints what the host saw.

mod attempts;
mod host;
mod scene;
mod table;

use std::io;

use anyhow::ensure;
use wombat_child::Ending;
use wombat_model::SandboxLevel::{self, Landlock, Namespaces, None as Unconfined};
use wombat_testkit::table_in_docs;

use self::{
    attempts::{ATTEMPTS, Attempt, Sizes},
    scene::Scene,
    table::Row,
};
use crate::support::running;

const LEVELS: [SandboxLevel; 3] = [Namespaces, Landlock, Unconfined];
/// Memory that the machine must have to spare for all attempts with their full sizes, in KiB.
const SPARE: u64 = 8 << 20;
/// What the host may see beyond the limit of mapped memory: page tables until they are counted, and code. In bytes.
const BEYOND: u64 = 256 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn it_achieves_nothing_and_stays_within_its_limits() -> anyhow::Result<()> {
    let sizes = Sizes::chosen();
    ensure!(
        !Sizes::are_full() || spare()? > SPARE,
        "the attempts take up to 4 GiB, and this machine hasn't twice as much to spare"
    );
    let mut rows = Vec::new();
    for attempt in ATTEMPTS {
        // At once, since most of the time is the helper's between two counts.
        let [first, second, third] = LEVELS.map(|level| tried(level, attempt, sizes));
        let (first, second, third) = tokio::try_join!(first, second, third)?;
        rows.extend([first, second, third]);
    }
    let outcomes = table::outcomes(&rows, &LEVELS);
    table_in_docs("SECURITY.md", "hostile binary", &outcomes)?;
    if Sizes::are_full() && std::env::var_os("WOMBAT_RENEW_DOCS").is_some() {
        let measured = table::measured(&rows);
        table_in_docs("SECURITY.md", "hostile binary, measured", &measured)?;
    }
    Ok(())
}

async fn tried(level: SandboxLevel, attempt: Attempt, sizes: Sizes) -> anyhow::Result<Row> {
    let scene = Scene::new()?;
    let report = scene.run(level, sizes, &attempt).await?;
    let row = Row {
        attempt,
        level,
        report,
    };
    eprint!("{}", table::measured_line(&row));
    judge(&scene, &row, sizes)?;
    Ok(row)
}

fn judge(scene: &Scene, row: &Row, sizes: Sizes) -> anyhow::Result<()> {
    let Row {
        attempt,
        level,
        report,
    } = row;
    let (name, level) = (attempt.name, *level);
    let expected = if level == Unconfined {
        attempt.unconfined
    } else {
        attempt.confined
    };
    assert_eq!(report.outcome(), expected, "{level}: {name}: {report:?}");
    assert_eq!(running(&scene.program()), 0, "{level}: {name}");
    assert!(!report.seen.had_to_end_it, "{level}: {name}: {report:?}");
    assert!(
        report.printed < sizes.flood + (64 << 20),
        "{level}: {name}: {}",
        report.printed
    );
    if level == Unconfined {
        return scene.restore();
    }
    let most = sizes.data + BEYOND;
    assert!(report.seen.memory < most, "{level}: {name}: {report:?}");
    assert_eq!(report.seen.processes.max(1), 1, "{level}: {name}");
    assert_eq!(report.changed, 0, "{level}: {name}: {report:?}");
    assert!(!report.said.contains("canary"), "{level}: {name}");
    let connected = scene.stream.accept().map(drop);
    let heard = scene.datagram.recv(&mut [0; 10]).map(drop);
    for result in [connected, heard] {
        let nothing = result.map_err(|error| error.kind());
        assert_eq!(nothing, Err(io::ErrorKind::WouldBlock), "{level}: {name}");
    }
    Ok(())
}

/// Memory of the machine that is free, in KiB.
fn spare() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(number.unwrap_or_default().parse()?)
}

/// What `EPERM` is to Go.
const REFUSED: &str = "operation not permitted";

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_refused_whatever_their_arguments() -> anyhow::Result<()> {
    let scene = Scene::new()?;
    let tested = ["calls", "signals", "metadata", "sockets"];
    for level in [Namespaces, Landlock] {
        for attempt in ATTEMPTS.iter().filter(|it| tested.contains(&it.name)) {
            let report = scene.run(level, Sizes::chosen(), attempt).await?;
            for line in report.said.lines() {
                // Go's `clone` without `clone3` is the one that is looked at.
                let expected = if line.contains("clone3") {
                    "function not implemented"
                } else {
                    REFUSED
                };
                assert!(line.contains(expected), "{level}: {line}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_program_reads_and_prints() -> anyhow::Result<()> {
    let scene = Scene::new()?;
    for level in LEVELS {
        let words = ["read".to_owned(), scene.at("job/question")];
        let mut said = Vec::new();
        let child = scene.command(level, Sizes::chosen(), &words).spawn()?;
        let ending = child
            .run(std::future::pending::<()>(), |_, bytes| {
                said.extend_from_slice(bytes);
            })
            .await?;
        assert_eq!(
            (ending, said.as_slice()),
            (Ending::Exited(0), &b"a question"[..]),
            "{level}"
        );
    }
    Ok(())
}
