//! A million paths and versions, judged by our parsers and by Go's own.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::{
    cmp::Ordering,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use tempfile::TempDir;
use wombat_model::{
    ImportPath, ModulePath, ModuleVersion, ParseModuleVersionError, ParsePathError,
};

/// Questions of each kind.
const COUNT: usize = 200_000;
/// The questions are the same every time.
const SEED: u64 = 0x5eed_0f90;

/// Parts of paths: real ones, those at the edge of a rule, and bytes that no path may have.
const HOSTS: &[&str] = &[
    "github.com",
    "gopkg.in",
    "a.b",
    "k8s.io",
    "golang.org",
    "example",
    "EXAMPLE.com",
    "a_b.c",
    "1.2",
    "x.local",
    "a.0x1",
    "-a.b",
    "a~1.b",
    ".a",
    "a.",
    "localhost.x",
    "bücher.de",
    "com1.x",
];
const ELEMENTS: &[&str] = &[
    "connect",
    "v4",
    "v1",
    "v0",
    "v02",
    "v2.1",
    "v10",
    "yaml.v3",
    "yaml.v03",
    "check.v1-unstable",
    "check.v-unstable",
    "check.v0-unstable",
    "x.v2-unstable",
    "con",
    "Con.txt",
    "lpt9",
    "com0",
    "aux.",
    ".",
    "..",
    "...",
    ".hidden",
    "a..b",
    "~",
    "~1",
    "a~12",
    "a~b",
    "a~1.go",
    "c++",
    "internal",
    "toolchain",
    "-x",
    "_",
    "v",
    "x.v",
    "x.v0",
    "",
    "é",
    "a b",
    "!a",
];
const ODD: &[&str] = &[
    "\0",
    "\n",
    "\t",
    " ",
    "\"",
    "'",
    "\\",
    "`",
    "*",
    ">",
    "$",
    "@",
    ":",
    "?",
    "#",
    "%",
    "&",
    "!",
    "~",
    "+",
    ".",
    "/",
    "-",
    "\u{7f}",
    "\u{130}",
    "\u{17f}",
    "\u{212a}",
    "\u{200b}",
    "\u{ff0e}",
    "\u{1f980}",
    "0",
    "v",
    "V",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "4",
    "10",
    "105",
    "01",
    "00",
    "",
    "999999999999999999999",
    "-1",
    "1e3",
    "x",
    "\u{661}",
];
const PRERELEASES: &[&str] = &[
    "",
    "-rc.1",
    "-alpha",
    "-0",
    "-01",
    "-a..b",
    "-",
    "-20240101000000-abcdef123456",
    "-rc.1.0.20240101000000-abcdef123456",
    "-0.20240101000000-abcdef123456",
    "+incompatible",
    "-rc+incompatible",
    "+meta",
    "-beta-2",
    "-é",
    "-1.a.2",
    "+incompatible ",
];

/// Xorshift: what it gives is the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    fn one<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn path(&mut self) -> String {
        let mut path = self.one(HOSTS).to_owned();
        for _ in 0..self.below(4) {
            path.push('/');
            path.push_str(self.one(ELEMENTS));
        }
        self.disturbed(path)
    }

    fn version(&mut self) -> String {
        let prefix = if self.below(20) == 0 {
            self.one(ODD)
        } else {
            "v"
        };
        let mut numbers = vec![self.one(NUMBERS)];
        let more = if self.below(10) == 0 {
            self.below(4)
        } else {
            2
        };
        numbers.extend((0..more).map(|_| self.one(NUMBERS)));
        let version = format!("{prefix}{}{}", numbers.join("."), self.one(PRERELEASES));
        self.disturbed(version)
    }

    /// A path of a module, more often than not.
    fn plausible_path(&mut self) -> String {
        let host = self.one(&["github.com", "gopkg.in", "a.b"]);
        let last = self.one(&[
            "connect",
            "v2",
            "v4",
            "v10",
            "yaml.v0",
            "yaml.v1",
            "yaml.v3",
            "x.v2-unstable",
            "x.v-unstable",
        ]);
        match self.below(3) {
            0 => format!("{host}/{last}"),
            1 => format!("{host}/{}/{last}", self.one(ELEMENTS)),
            _ => host.to_owned(),
        }
    }

    /// A version, more often than not.
    fn plausible_version(&mut self) -> String {
        let numbers = [
            "0",
            "1",
            "2",
            "3",
            "4",
            "10",
            "105",
            "999999999999999999999",
        ];
        let numbers = [0; 3].map(|_| self.one(&numbers)).join(".");
        format!("v{numbers}{}", self.one(PRERELEASES))
    }

    /// Every third text gets something odd in, or loses something.
    fn disturbed(&mut self, mut text: String) -> String {
        if self.below(3) > 0 {
            return text;
        }
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        if places.is_empty() {
            return text;
        }
        let place = places[self.below(places.len())];
        if self.below(4) == 0 {
            text.remove(place);
        } else {
            text.insert_str(place, self.one(ODD));
        }
        text
    }
}

/// A question to Go, and our own verdict.
struct Question {
    words: Vec<String>,
    ours: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    Refused,
    /// Go accepts it; a stricter rule of our own doesn't.
    RefusedByUs,
    Order(Ordering),
}

impl Verdict {
    fn of<T, E>(result: &Result<T, E>, is_own_rule: impl Fn(&E) -> bool) -> Self {
        match result {
            Ok(_) => Self::Taken,
            Err(error) if is_own_rule(error) => Self::RefusedByUs,
            Err(_) => Self::Refused,
        }
    }

    /// Go's answer if this verdict is right.
    fn expects(self) -> &'static str {
        match self {
            Self::Taken | Self::RefusedByUs => "true",
            Self::Refused => "false",
            Self::Order(Ordering::Less) => "-1",
            Self::Order(Ordering::Equal) => "0",
            Self::Order(Ordering::Greater) => "1",
        }
    }
}

fn questions() -> Vec<Question> {
    let mut random = Random(SEED);
    let mut all = Vec::with_capacity(5 * COUNT);
    let mut ask = |words: &[&str], ours| {
        all.push(Question {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            ours,
        });
    };
    for _ in 0..COUNT {
        let path = random.path();
        let import = path.parse::<ImportPath>();
        ask(
            &["import", &path],
            Verdict::of(&import, ParsePathError::is_own_rule),
        );
    }
    for _ in 0..COUNT {
        let path = random.path();
        let module = path.parse::<ModulePath>();
        ask(
            &["module", &path],
            Verdict::of(&module, ParsePathError::is_own_rule),
        );
    }
    for _ in 0..COUNT {
        let version = random.version();
        let parsed = version.parse::<ModuleVersion>();
        ask(
            &["version", &version],
            Verdict::of(&parsed, ParseModuleVersionError::is_own_rule),
        );
    }
    // Both halves must be valid: otherwise the question doesn't test whether they fit together.
    let (mut fitting, mut ordered) = (0, 0);
    while fitting < COUNT {
        let (path, version) = (random.plausible_path(), random.plausible_version());
        if let (Ok(module), Ok(parsed)) =
            (path.parse::<ModulePath>(), version.parse::<ModuleVersion>())
        {
            let fits = parsed.check_for(&module);
            ask(
                &["pair", &path, &version],
                Verdict::of(&fits, ParseModuleVersionError::is_own_rule),
            );
            fitting += 1;
        }
    }
    while ordered < COUNT {
        let (left, right) = (random.plausible_version(), random.plausible_version());
        if let (Ok(one), Ok(other)) = (
            left.parse::<ModuleVersion>(),
            right.parse::<ModuleVersion>(),
        ) {
            // Go's order knows no build metadata.
            let plain = |text: &str| text.trim_end_matches("+incompatible").to_owned();
            if plain(&left) != plain(&right) || left == right {
                ask(&["compare", &left, &right], Verdict::Order(one.cmp(&other)));
                ordered += 1;
            }
        }
    }
    all
}

#[test]
fn a_million_paths_and_versions_are_judged_as_go_judges_them() {
    let folder = TempDir::with_prefix("wombat-oracle-").unwrap();
    let oracle = folder.path().join("module-oracle");
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools");
    let built = Command::new("go")
        .args(["build", "-mod=readonly", "-o"])
        .args([oracle.as_os_str(), "./module-oracle".as_ref()])
        .current_dir(tools)
        .envs([("GOFLAGS", ""), ("GOWORK", "off"), ("CGO_ENABLED", "0")])
        .status()
        .unwrap();
    assert!(built.success(), "the oracle doesn't compile");
    let questions = questions();
    let mut child = Command::new(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    let answers = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = thread::scope(|scope| {
        scope.spawn(|| {
            for question in &questions {
                serde_json::to_writer(&mut input, &question.words).unwrap();
                input.write_all(b"\n").unwrap();
            }
            drop(input);
        });
        answers.lines().map(Result::unwrap).collect()
    });
    assert!(child.wait().unwrap().success());
    assert_eq!(lines.len(), questions.len());
    let wrong: Vec<_> = questions
        .iter()
        .zip(&lines)
        .filter(|(question, answer)| question.ours.expects() != *answer)
        .map(|(question, answer)| (&question.words, question.ours, answer))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}: {:#?}",
        wrong.len(),
        lines.len(),
        &wrong[..wrong.len().min(10)]
    );
    // The questions are worth asking: each kind has answers of both sorts.
    for kind in ["import", "module", "version", "pair"] {
        let count = |verdict: &[Verdict]| {
            let of_kind = questions
                .iter()
                .filter(|question| question.words[0] == kind);
            of_kind
                .filter(|question| verdict.contains(&question.ours))
                .count()
        };
        assert!(count(&[Verdict::Taken]) > COUNT / 50, "{kind}");
        assert!(count(&[Verdict::Refused]) > COUNT / 50, "{kind}");
    }
}
