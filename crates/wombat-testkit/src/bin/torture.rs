//! Surprises a system of real processes in every way that there is, and says what was lost: a line for each scenario.
//! `--only NAME` runs one scenario; `--quick` a fraction of each; `--one` and `--three` on one kind of server alone;
//! `--program PATH` tortures another program than `target/release/wombat`. Ends with 1 if anything was wrong.

use std::process::ExitCode;

use anyhow::{Context, bail};
use wombat_testkit::{
    Program,
    torture::{Place, Scenario, Tally, Torture},
};

struct Wanted {
    torture: Torture,
    scenarios: Vec<Scenario>,
    places: Vec<Place>,
}

fn wanted() -> anyhow::Result<Wanted> {
    let mut program = "target/release/wombat".to_owned();
    let (mut quick, mut scenarios, mut places) = (false, Vec::new(), Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--quick" => quick = true,
            "--one" => places.push(Place::One),
            "--three" => places.push(Place::Three),
            "--only" => scenarios.push(value()?.parse()?),
            "--program" => program = value()?,
            _ => bail!(
                "what is {word}? There are --only NAME, --quick, --one, --three, --program PATH"
            ),
        }
    }
    if scenarios.is_empty() {
        scenarios = Scenario::ALL.to_vec();
    }
    if places.is_empty() {
        places = vec![Place::One, Place::Three];
    }
    Ok(Wanted {
        torture: Torture {
            program: Program::at(std::path::absolute(program)?),
            quick,
        },
        scenarios,
        places,
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Wanted {
        torture,
        scenarios,
        places,
    } = wanted()?;
    let mut clean = true;
    eprintln!("{:28}  {}", "", Tally::heads());
    for scenario in scenarios {
        for place in scenario
            .places()
            .iter()
            .filter(|place| places.contains(place))
        {
            let shown = match place {
                Place::One => "one server",
                Place::Three => "three",
            };
            match torture.run(scenario, *place).await {
                Ok(tally) => {
                    clean &= tally.is_clean();
                    eprintln!("{scenario:17}{shown:11}  {tally}");
                }
                Err(error) => {
                    clean = false;
                    eprintln!("{scenario:17}{shown:11}  broke off: {error:#}");
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
