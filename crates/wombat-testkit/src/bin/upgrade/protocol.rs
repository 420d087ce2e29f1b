//! The printed protocol: each step with its time, and whatever is wrong.

use std::{
    fmt::Display,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use parking_lot::Mutex;

/// Problems that are printed at most, of each kind.
const MOST: usize = 5;

/// Prints to standard output.
#[derive(Debug)]
pub(crate) struct Protocol {
    begun: Instant,
    step: Mutex<Instant>,
    wrong: AtomicUsize,
}

impl Protocol {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            step: Mutex::new(Instant::now()),
            wrong: AtomicUsize::new(0),
        }
    }

    /// The heading of a part.
    pub(crate) fn part(&self, name: &str) {
        *self.step.lock() = Instant::now();
        println!("\n== {name}");
    }

    /// A step that is done, with the seconds since the one before it.
    pub(crate) fn step(&self, words: impl Display) {
        let mut step = self.step.lock();
        let took = step.elapsed().as_secs_f64();
        *step = Instant::now();
        let at = self.begun.elapsed().as_secs_f64();
        println!("{at:7.1} s  (+{took:5.1} s)  {words}");
    }

    /// Counts problems, and prints some of them.
    pub(crate) fn wrong(&self, what: &str, problems: &[String]) {
        if problems.is_empty() {
            return;
        }
        self.wrong.fetch_add(problems.len(), Ordering::Relaxed);
        println!("WRONG: {what}: {}", problems.len());
        for problem in problems.iter().take(MOST) {
            println!("       {problem}");
        }
    }

    /// A comparison: these problems, or the step that is done if there are none.
    pub(crate) fn compared(&self, problems: &[String], words: impl Display) {
        if problems.is_empty() {
            self.step(words);
        } else {
            self.wrong("compared", problems);
        }
    }

    /// Counts a problem unless this holds.
    pub(crate) fn holds(&self, what: &str, is_so: bool) {
        if !is_so {
            self.wrong("expected", &[what.to_owned()]);
        }
    }

    /// Whether nothing was wrong; prints the verdict.
    pub(crate) fn is_clean(&self) -> bool {
        let wrong = self.wrong.load(Ordering::Relaxed);
        let took = self.begun.elapsed().as_secs_f64();
        println!("\n{wrong} problems in {took:.0} s");
        wrong == 0
    }
}

/// Lines of a process, below the step before.
pub(crate) fn quote(text: &str) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        println!("                       | {line}");
    }
}

/// What a process logs of its work, without times.
pub(crate) fn quote_log(log: &str) {
    const CONNECTING: [&str; 3] = [
        "async_nats",
        "wombat_store::health",
        "wombat_store::connection",
    ];
    let about_work = |line: &&str| !CONNECTING.iter().any(|part| line.contains(part));
    for line in log.lines().filter(about_work) {
        let (time, rest) = line.split_once("Z ").unwrap_or(("", line));
        let is_time = time.starts_with("20") && !time.contains(' ');
        quote(if is_time { rest } else { line });
    }
}
