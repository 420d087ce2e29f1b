//! Injects faults into a system of real processes, and reports what was lost, a line for each scenario. `--only NAME`
//! runs one scenario; `--quick` a fraction of each; `--one` and `--three` only one nats-server or a cluster of three;
//! `--program PATH` another program than `target/release/wombat`. Exits with 1 if anything was wrong.

use std::process::ExitCode;

use anyhow::{Context, bail};
use wombat_testkit::{
    Program,
    torture::{Scenario, Tally, Topology, Torture},
};

struct Arguments {
    torture: Torture,
    scenarios: Vec<Scenario>,
    topologies: Vec<Topology>,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut program = "target/release/wombat".to_owned();
    let (mut quick, mut scenarios, mut topologies) = (false, Vec::new(), Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--quick" => quick = true,
            "--one" => topologies.push(Topology::One),
            "--three" => topologies.push(Topology::Three),
            "--only" => scenarios.push(value()?.parse()?),
            "--program" => program = value()?,
            _ => bail!(
                "unknown option {word}; use --only NAME, --quick, --one, --three, --program PATH"
            ),
        }
    }
    if scenarios.is_empty() {
        scenarios = Scenario::ALL.to_vec();
    }
    if topologies.is_empty() {
        topologies = vec![Topology::One, Topology::Three];
    }
    Ok(Arguments {
        torture: Torture {
            program: Program::at(std::path::absolute(program)?),
            quick,
        },
        scenarios,
        topologies,
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Arguments {
        torture,
        scenarios,
        topologies,
    } = arguments()?;
    let mut clean = true;
    eprintln!("{:28}  {}", "", Tally::heads());
    for scenario in scenarios {
        for topology in scenario
            .topologies()
            .iter()
            .filter(|topology| topologies.contains(topology))
        {
            let shown = match topology {
                Topology::One => "one server",
                Topology::Three => "three",
            };
            match torture.run(scenario, *topology).await {
                Ok(tally) => {
                    clean &= tally.is_clean();
                    eprintln!("{scenario:17}{shown:11}  {tally}");
                }
                Err(error) => {
                    clean = false;
                    eprintln!("{scenario:17}{shown:11}  aborted: {error:#}");
                }
            }
        }
    }
    Ok(if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
