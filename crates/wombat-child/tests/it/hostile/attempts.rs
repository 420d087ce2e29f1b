//! What the hostile program tries, how much of it, and what comes of it.

use std::{fmt, os::fd::AsRawFd as _};

use super::scene::Scene;

/// Limits of a run, and how much its program tries to take. Sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The program's memory limit.
    pub(super) memory: u64,
    /// The limit of what it maps.
    pub(super) data: u64,
    /// What it tries to take, by every way.
    wanted: u64,
    /// The same of memory that nothing limits without confinement.
    given: u64,
    /// How often a bomb may double.
    doublings: u32,
    /// What a flood may print before its caller stops it.
    pub(super) flood: usize,
}

impl Sizes {
    /// With `WOMBAT_TEST_HOSTILE=full`, the limits of builders and what the largest machines notice; otherwise small
    /// ones, so that exceeding them costs little.
    pub(super) fn chosen() -> Self {
        if Self::are_full() {
            return Self {
                memory: 1 << 30,
                data: 2 << 30,
                wanted: 4 << 30,
                given: 4 << 30,
                doublings: 10,
                flood: 64 << 20,
            };
        }
        Self {
            memory: 128 << 20,
            data: 256 << 20,
            wanted: 1 << 30,
            given: 256 << 20,
            doublings: 8,
            flood: 1 << 20,
        }
    }

    pub(super) fn are_full() -> bool {
        std::env::var_os("WOMBAT_TEST_HOSTILE").is_some_and(|how| how == "full")
    }
}

/// What a program achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything that it tried was refused.
    Refused,
    /// Something that it tried worked.
    Done,
    /// A limit ended it.
    Ended,
    /// It would go on without end; its caller stopped it.
    Stopped,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Done => "**done**",
            Self::Ended => "ended",
            Self::Stopped => "stopped",
        })
    }
}

/// One thing that the program tries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// Its name in the program.
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) what: &'static str,
    /// Its outcome at both levels that confine.
    pub(super) confined: Outcome,
    /// Its outcome without confinement, which shows that it is a real one.
    pub(super) unconfined: Outcome,
}

const fn attempt(
    name: &'static str,
    what: &'static str,
    confined: Outcome,
    unconfined: Outcome,
) -> Attempt {
    Attempt {
        name,
        what,
        confined,
        unconfined,
    }
}

use Outcome::{Done, Ended, Refused, Stopped};

/// All of them. Limits are there without confinement, too.
pub(super) const ATTEMPTS: [Attempt; 22] = [
    attempt(
        "metadata",
        "`chmod`, `chown`, `utime`, attributes of the builder's folders and of its own",
        Refused,
        Done,
    ),
    attempt(
        "files",
        "create, read, list, replace, cut, link and remove files",
        Refused,
        Done,
    ),
    attempt(
        "sockets",
        "sockets of all families; a stream and a datagram socket that listen outside",
        Refused,
        Done,
    ),
    attempt(
        "shared",
        "memfd, System V memory, queues and semaphores, `/dev/shm`, shared and huge mappings",
        Refused,
        Done,
    ),
    attempt(
        "processes",
        "`fork`, `clone`, new namespaces, `exec` of a shell",
        Refused,
        Done,
    ),
    attempt(
        "proc",
        "`/proc` of the builder, of itself and of process 1",
        Refused,
        Done,
    ),
    attempt(
        "signals",
        "signals to the builder, to its parent and its group; their limits, priorities and memory",
        Refused,
        Done,
    ),
    attempt(
        "calls",
        "`unshare`, `io_uring_setup`, `bpf`, `mount`, `keyctl` and others that change the machine",
        Refused,
        Done,
    ),
    attempt(
        "descriptor",
        "a file that the builder left open",
        Refused,
        Refused,
    ),
    attempt("descriptors", "100,000 open files", Refused, Refused),
    attempt(
        "bomb",
        "programs that start themselves twice, in sessions of their own",
        Refused,
        Ended,
    ),
    attempt("forks", "forks that double", Refused, Ended),
    attempt("threads", "5,000 threads", Ended, Ended),
    attempt("memory", "4 GiB of heap", Ended, Ended),
    attempt("mappings", "4 GiB of private mappings", Ended, Ended),
    attempt("stack", "4 GiB of stack", Ended, Ended),
    attempt("tables", "4 GiB of page tables", Ended, Ended),
    attempt("segments", "4 GiB of System V memory", Refused, Ended),
    attempt(
        "shared-memory",
        "4 GiB of shared memory that the program doesn't map any more",
        Refused,
        Done,
    ),
    attempt(
        "memory-files",
        "4 GiB in files in memory: memfd, `/dev/shm`",
        Refused,
        Refused,
    ),
    attempt("flood", "1 GiB of output", Stopped, Stopped),
    attempt("endless", "no end, and deaf to signals", Stopped, Stopped),
];

impl Attempt {
    /// Whether its caller stops it at its first word.
    pub(super) fn is_endless(&self) -> bool {
        self.name == "endless"
    }

    pub(super) fn arguments(&self, scene: &Scene, sizes: Sizes) -> Vec<String> {
        match self.name {
            "metadata" => vec![scene.at("secret"), scene.at("job"), scene.at("")],
            "files" => vec![scene.at(""), scene.at("job")],
            "sockets" => vec![scene.at("stream"), scene.at("datagram")],
            "descriptor" => vec![scene.open.as_raw_fd().to_string()],
            "descriptors" => vec![scene.at("job/question"), "100000".to_owned()],
            "proc" | "signals" => vec![std::process::id().to_string()],
            "bomb" | "forks" => vec![sizes.doublings.to_string()],
            "threads" => vec!["5000".to_owned()],
            "memory" | "mappings" | "stack" | "segments" | "memory-files" => {
                vec![sizes.wanted.to_string()]
            }
            "tables" => vec![(4_u64 << 30).to_string()],
            // Without confinement, the machine really gives it.
            "shared-memory" => vec![sizes.given.to_string()],
            _ => Vec::new(),
        }
    }
}
