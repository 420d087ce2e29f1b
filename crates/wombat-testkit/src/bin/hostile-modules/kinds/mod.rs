//! The hostile modules, and what may come of each.

mod archives;
mod binaries;
mod go_mods;
mod sources;

use wombat_testkit::ModuleProxy;

use crate::archive::EvilModule;

/// The beginning of a package that makes a valid build.
const HEAD: &str = "package p\n\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n";

/// What may come of a build.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    /// It fails as one of these classes.
    Failed(&'static [&'static str]),
    /// It does no harm, so it succeeds.
    Success,
    /// It succeeds where the limits allow it, else it fails as `resource`.
    Limited,
    /// It succeeds, and its binary is asked to lint, which fails.
    FailedLint,
}

/// A way to harm the builder.
pub(crate) struct Kind {
    /// A word or two.
    pub(crate) name: &'static str,
    /// What may come of it.
    pub(crate) expected: Expected,
    /// Part of what the client is told; empty: anything.
    pub(crate) words: &'static str,
    /// Makes the module of this version, and serves what else it needs.
    pub(crate) make: fn(EvilModule, &ModuleProxy) -> anyhow::Result<EvilModule>,
}

const INPUT: Expected = Expected::Failed(&["input"]);
/// It may be the proxy that damaged the archive, so it is fetched again.
const DAMAGED: Expected = Expected::Failed(&["infra"]);
/// Which limit ends it first depends on the machine.
const TOO_MUCH: Expected = Expected::Failed(&["input", "resource"]);
const COMPILE: Expected = Expected::Failed(&["compile"]);
const RESOURCE: Expected = Expected::Failed(&["resource"]);
/// Whether a limit or the compiler ends it first depends on the machine.
const EITHER: Expected = Expected::Failed(&["resource", "compile"]);

/// All of them. Those that took most at last: a process doesn't give all of its memory back at once.
pub(crate) const ALL: [Kind; 32] = [
    Kind {
        name: "go.sum of 167 MB",
        expected: INPUT,
        words: "The go.sum of",
        make: archives::go_sum,
    },
    Kind {
        name: "go.mod of 10 MB",
        expected: INPUT,
        words: "",
        make: go_mods::large,
    },
    Kind {
        name: "200,001 files",
        expected: INPUT,
        words: "",
        make: archives::many_files,
    },
    Kind {
        name: "1 GiB of zeros",
        expected: INPUT,
        words: "",
        make: archives::zeros,
    },
    Kind {
        name: "a lie about a size",
        expected: DAMAGED,
        words: "",
        make: archives::lying,
    },
    Kind {
        name: "licence of 1 GiB",
        expected: INPUT,
        words: "",
        make: archives::licence,
    },
    Kind {
        name: "licence of 20 MiB",
        expected: INPUT,
        words: "LICENSE",
        make: archives::licence_for_go,
    },
    Kind {
        name: "symbolic links",
        expected: COMPILE,
        words: "",
        make: archives::links,
    },
    Kind {
        name: "names that lead out",
        expected: INPUT,
        words: "",
        make: archives::leading_out,
    },
    Kind {
        name: "names that differ in case",
        expected: INPUT,
        words: "",
        make: archives::cases,
    },
    Kind {
        name: "names that aren't text",
        expected: INPUT,
        words: "",
        make: archives::not_text,
    },
    Kind {
        name: "replace, exclude, tool, toolchain",
        expected: Expected::Success,
        words: "",
        make: go_mods::tricks,
    },
    Kind {
        name: "10,000 requirements",
        expected: Expected::Success,
        words: "",
        make: go_mods::requirements,
    },
    Kind {
        name: "900 MiB out of one line",
        expected: TOO_MUCH,
        words: "",
        make: sources::rodata,
    },
    Kind {
        name: "string of 100 MB",
        expected: Expected::Limited,
        words: "",
        make: sources::string,
    },
    Kind {
        name: "macro bomb",
        expected: EITHER,
        words: "",
        make: sources::macros,
    },
    Kind {
        name: "million functions",
        expected: EITHER,
        words: "",
        make: sources::functions,
    },
    Kind {
        name: "5,000 embedded types",
        expected: EITHER,
        words: "",
        make: sources::embedded_types,
    },
    Kind {
        name: "50,000 embedded files",
        expected: Expected::Limited,
        words: "",
        make: sources::embedded_files,
    },
    Kind {
        name: "100,000 packages",
        expected: RESOURCE,
        words: "",
        make: sources::packages,
    },
    Kind {
        name: "constants that double",
        expected: EITHER,
        words: "",
        make: sources::constants,
    },
    Kind {
        name: "types that double",
        expected: RESOURCE,
        words: "",
        make: sources::types,
    },
    Kind {
        name: "generics without end",
        expected: COMPILE,
        words: "",
        make: sources::generics,
    },
    Kind {
        name: "gigabytes of errors",
        expected: TOO_MUCH,
        words: "",
        make: sources::errors,
    },
    Kind {
        name: "escape sequences in errors",
        expected: COMPILE,
        words: "",
        make: sources::escapes,
    },
    Kind {
        name: "files of the host",
        expected: COMPILE,
        words: "",
        make: sources::includes,
    },
    Kind {
        name: "generate, linkname, cgo",
        expected: COMPILE,
        words: "",
        make: sources::hooks,
    },
    Kind {
        name: "4 GiB in lint",
        expected: Expected::FailedLint,
        words: "",
        make: binaries::memory,
    },
    Kind {
        name: "5,000 threads in lint",
        expected: Expected::FailedLint,
        words: "",
        make: binaries::threads,
    },
    Kind {
        name: "never ends lint",
        expected: Expected::FailedLint,
        words: "",
        make: binaries::endless,
    },
    Kind {
        name: "floods lint",
        expected: Expected::FailedLint,
        words: "",
        make: binaries::flood,
    },
    Kind {
        name: "200 MiB out of one line",
        expected: Expected::Limited,
        words: "",
        make: sources::smaller_rodata,
    },
];

/// A line for each number.
fn lines(numbers: impl Iterator<Item = usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().concat()
}
