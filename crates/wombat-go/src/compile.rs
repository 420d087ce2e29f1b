//! Runs `go build`: reports its progress, notices when the linker starts, and classifies a failure.

use std::{path::Path, time::Duration};

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval};
use wombat_model::{BuildSpec, Failure, FailureClass, log::Phase};

use super::{
    blocking::blocking, classify, environment::build_arguments, error::BuildError, go::Go,
    go_mod::MAIN_MODULE, list::target, packages::Packages, progress::Counter, stage::Stage,
};

/// Shortest time between two progress reports.
const TICK: Duration = Duration::from_millis(250);
/// Most bytes of the compiler's output in a message; the log contains all of it.
const MAX_WORDS: usize = 1500;

/// An event of `go build -json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BuildEvent {
    import_path: String,
    action: String,
    output: String,
}

/// When each step began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Milestones {
    pub(super) compile: Instant,
    pub(super) link: Instant,
}

/// Follows the output of `go build`.
struct Listener<'a> {
    go: &'a Go<'a>,
    counter: Counter<'a>,
    unread: Vec<u8>,
    linking: Option<Instant>,
    reported: Instant,
    /// The first package that didn't compile, and the compiler's output for it.
    failed: Option<String>,
    words: String,
}

impl Listener<'_> {
    fn read(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let Some(end) = self.unread.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        let rest = self.unread.split_off(end + 1);
        for line in std::mem::replace(&mut self.unread, rest).split(|byte| *byte == b'\n') {
            match serde_json::from_slice::<BuildEvent>(line) {
                Ok(event) => self.event(&event),
                // Not an event, but output of an unexpected version of `go`; belongs in the log.
                Err(_) => self.log(&String::from_utf8_lossy(line)),
            }
        }
    }

    fn event(&mut self, event: &BuildEvent) {
        let text = self.go.without_folders(event.output.trim_end());
        let text = text.as_str();
        match event.action.as_str() {
            "build-output" if text == event.import_path && self.counter.started(text) => {
                if text == MAIN_MODULE {
                    self.go.scope.reporter.line(text);
                }
                self.report(false);
            }
            "build-output" => {
                self.log(text);
                if !text.starts_with("# ")
                    && self.words.len() < MAX_WORDS
                    && self
                        .failed
                        .as_ref()
                        .is_none_or(|failed| *failed == event.import_path)
                {
                    self.failed.get_or_insert_with(|| event.import_path.clone());
                    // One event may have any length.
                    let room = text.floor_char_boundary(MAX_WORDS);
                    self.words.push_str(&text[..room]);
                    self.words.push('\n');
                }
            }
            "build-fail" => drop(self.failed.get_or_insert_with(|| event.import_path.clone())),
            _ => {}
        }
    }

    fn log(&self, text: &str) {
        if !text.is_empty() {
            self.go.scope.reporter.line(text);
        }
    }

    fn report(&mut self, now: bool) {
        if self.linking.is_none() && (now || self.reported.elapsed() >= TICK) {
            self.reported = Instant::now();
            self.go
                .scope
                .reporter
                .phase(Phase::Compile, Some(self.counter.progress()));
        }
    }

    fn link_started(&mut self) {
        if self.linking.is_none() {
            self.counter.all_ready();
            self.report(true);
            self.linking = Some(Instant::now());
            self.go.scope.reporter.phase(Phase::Link, None);
        }
    }
}

/// Builds the main package in `directory` into `output`.
pub(super) async fn compile(
    go: &Go<'_>,
    directory: &Path,
    spec: &BuildSpec,
    packages: &Packages,
    output: &Path,
) -> Result<Milestones, BuildError> {
    let begun = Instant::now();
    let mut listener = Listener {
        go,
        counter: Counter::new(packages),
        unread: Vec::new(),
        linking: None,
        reported: begun,
        failed: None,
        words: String::new(),
    };
    listener.report(true);
    let mut arguments = build_arguments(spec);
    arguments.extend([
        "-v".to_owned(),
        "-json".to_owned(),
        "-p".to_owned(),
        go.scope.parallelism.max(1).to_string(),
    ]);
    arguments.extend([
        "-o".to_owned(),
        output.display().to_string(),
        ".".to_owned(),
    ]);

    let shared = Mutex::new(listener);
    let listen = || shared.lock();
    let mut ticks = interval(TICK / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let build = go.stream(
        Stage::Compile,
        directory,
        target(spec),
        &arguments,
        |bytes| listen().read(bytes),
    );
    let finished = {
        tokio::pin!(build);
        loop {
            tokio::select! {
                finished = &mut build => break finished?,
                _ = ticks.tick() => {
                    let tmp = go.work_dir.join("tmp");
                    if blocking(move || linker_runs(&tmp)).await {
                        listen().link_started();
                    }
                }
            }
        }
    };
    let mut listener = shared.into_inner();
    if finished.succeeded() {
        listener.link_started();
        return Ok(Milestones {
            compile: begun,
            link: listener.linking.unwrap_or(begun),
        });
    }
    let everything = format!("{}\n{}", listener.words, finished.stderr);
    if let Some(failure) = classify::exhausted(&everything, go.scope.output_limit) {
        return Err(failure.into());
    }
    let Some(failed) = listener.failed else {
        return Err(classify::fetching(&finished.stderr).into());
    };
    Err(compile_failure(spec, packages, &failed, &listener.words).into())
}

fn compile_failure(spec: &BuildSpec, packages: &Packages, failed: &str, words: &str) -> Failure {
    let picked = packages.blame(spec, failed);
    let platform = spec.target().platform();
    let what = match &picked {
        Some(picked) if picked.as_str() == failed => {
            format!("{failed} doesn't compile for {platform}")
        }
        Some(picked) => format!("{failed}, which {picked} needs, doesn't compile for {platform}"),
        None => format!("{failed} doesn't compile for {platform}"),
    };
    let failure = Failure::new(
        FailureClass::Compile,
        format!("{what}:\n{}", words.trim_end()),
    );
    match picked {
        Some(picked) => failure.blaming(picked),
        None => failure,
    }
}

/// `go` creates the folder `b001/exe` in its temporary folder right before it starts the linker; it reports no event.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn linker_runs(tmp: &Path) -> bool {
    let entries = std::fs::read_dir(tmp).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        entry.file_name().to_string_lossy().starts_with("go-build")
            && entry.path().join("b001/exe").is_dir()
    })
}
