//! One hostile module beside honest builds: what came of it, and what was wrong.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    archive::EvilModule,
    kinds::{Expected, Kind},
    memory,
    scene::Scene,
};

/// The most memory that the process may occupy, in bytes.
const MOST: u64 = 300 << 20;
/// The longest that an honest build may take beside a hostile one; its packages are compiled.
const HONEST: Duration = Duration::from_mins(2);
/// Most honest builds beside one hostile one.
const BESIDE: usize = 3;

/// What came of it.
pub(crate) struct Trial {
    name: &'static str,
    outcome: String,
    told: String,
    took: Duration,
    peak: u64,
    honest: Vec<Duration>,
    /// What must not be; none: all is well.
    pub(crate) wrong: Vec<String>,
}

impl Trial {
    /// Tries the kind with this number.
    pub(crate) async fn run(scene: &Scene, n: usize, kind: &Kind) -> anyhow::Result<Self> {
        let module = (kind.make)(EvilModule::new(n), &scene.proxy)?;
        let version = module.version().to_owned();
        module.serve(&scene.proxy)?;
        let process = scene.process()?;
        memory::forget_peak(process)?;
        let begun = Instant::now();
        let mut trial = Self {
            name: kind.name,
            outcome: String::new(),
            told: String::new(),
            took: Duration::ZERO,
            peak: 0,
            honest: Vec::new(),
            wrong: Vec::new(),
        };
        match scene.ask(&version).await? {
            Err(refusal) => {
                trial.outcome = String::from("not accepted");
                trial.told = refusal;
                trial.beside(scene).await;
            }
            Ok(id) => {
                scene.until_begun(&id).await?;
                let hostile = async {
                    let view = scene.ended(&id).await?;
                    anyhow::Ok((view, begun.elapsed()))
                };
                let (ended, honest) = tokio::join!(hostile, honest_builds(scene));
                let (view, took) = ended?;
                trial.took = took;
                trial.add_honest(honest);
                trial.finish(scene, kind, &id, &view).await?;
            }
        }
        trial.judge(scene, kind, process)?;
        Ok(trial)
    }

    async fn beside(&mut self, scene: &Scene) {
        let honest = honest_builds(scene).await;
        self.add_honest(honest);
    }

    fn add_honest(&mut self, builds: Vec<anyhow::Result<Duration>>) {
        for build in builds {
            match build {
                Ok(took) => self.honest.push(took),
                Err(error) => self
                    .wrong
                    .push(format!("an honest build failed: {error:#}")),
            }
        }
    }

    /// Everything that the record and its binary say.
    async fn finish(
        &mut self,
        scene: &Scene,
        kind: &Kind,
        id: &str,
        view: &Value,
    ) -> anyhow::Result<()> {
        let class = view["failure"]["class"].as_str().unwrap_or_default();
        let status = view["status"].as_str().unwrap_or_default();
        self.outcome = String::from(if class.is_empty() { status } else { class });
        if status == "failed" && class.is_empty() {
            self.wrong.push("the failure has no class".to_owned());
        }
        self.told = String::from(view["error"].as_str().unwrap_or_default());
        let succeeded = status == "success";
        let expected = match kind.expected {
            Expected::Failed(classes) => classes.contains(&class),
            Expected::Success | Expected::FailedLint => succeeded,
            Expected::Limited => succeeded || class == "resource",
        };
        if !expected {
            self.wrong.push(format!(
                "{} isn't expected: {:?}",
                self.outcome, kind.expected
            ));
        }
        let log = scene.log(id).await?;
        for (what, text) in [("the log", &log), ("the record", &view.to_string())] {
            for secret in ["root:", "PRETTY_NAME", "GOCACHEPROG="] {
                if text.contains(secret) {
                    self.wrong.push(format!("{what} has {secret}"));
                }
            }
        }
        if succeeded {
            scene.contents(id).await?;
        }
        if succeeded && matches!(kind.expected, Expected::FailedLint) {
            let begun = Instant::now();
            let (told, honest) = tokio::join!(
                async { (scene.lint(id).await, begun.elapsed()) },
                scene.honest(HONEST)
            );
            self.add_honest(vec![honest]);
            let (told, took) = told;
            (self.told, self.took) = (told?, took);
            self.outcome = String::from("lint");
            if self.told.contains("\"accepted\":true") {
                self.wrong.push("the lint was accepted".to_owned());
            }
        }
        Ok(())
    }

    fn judge(&mut self, scene: &Scene, kind: &Kind, process: u32) -> anyhow::Result<()> {
        self.peak = memory::peak(process)?;
        if self.peak > MOST {
            self.wrong.push(format!(
                "{} MiB is more than {} MiB",
                self.peak >> 20,
                MOST >> 20
            ));
        }
        let failed = matches!(kind.expected, Expected::Failed(_));
        if failed && (self.told.is_empty() || !self.told.contains(kind.words)) {
            self.wrong.push("the client isn't told why".to_owned());
        }
        if self.told.chars().any(commands) {
            let told = self.told.escape_debug();
            self.wrong
                .push(format!("the client's terminal is told: {told}"));
        }
        if self
            .told
            .contains(&scene.folder.path().display().to_string())
        {
            self.wrong
                .push("the client is told paths of the builder".to_owned());
        }
        let left = scene.jobs()?;
        if left > scene.kept() {
            self.wrong
                .push(format!("{left} folders of builds are left"));
        }
        if std::fs::exists("/tmp/wombat-evil")? {
            self.wrong.push("a program of the module ran".to_owned());
        }
        Ok(())
    }
}

/// How long honest builds took while the hostile one runs.
async fn honest_builds(scene: &Scene) -> Vec<anyhow::Result<Duration>> {
    let mut builds = Vec::new();
    for _ in 0..BESIDE {
        builds.push(scene.honest(HONEST).await);
    }
    builds
}

/// Whether a character commands a terminal, or turns text around.
fn commands(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && !matches!(c, '\n' | '\t')
}

/// The heads of the columns.
pub(crate) const HEADS: &str = "| module | outcome | time | peak memory | slowest honest build | what the client is told |\n\
     |---|---|---:|---:|---:|---|\n";

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.told.replace(['\n', '\t'], " ");
        let mut short: String = line.chars().filter(|c| !commands(*c)).take(140).collect();
        if short.len() < line.len() {
            short.push('…');
        }
        let slowest = self.honest.iter().max().copied().unwrap_or_default();
        write!(
            f,
            "| {} | {} | {:.0} s | {} MiB | {:.0} s | {} |",
            self.name,
            self.outcome,
            self.took.as_secs_f64(),
            self.peak >> 20,
            slowest.as_secs_f64(),
            short.replace('|', "\\|"),
        )
    }
}
