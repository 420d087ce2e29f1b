//! The calls of a program that reads files and prints. It is foreign code from its first instruction, so all others are
//! refused.
//!
//! The list is what a Go program was measured to call (`strace -f -c`), and what its runtime calls in rarer cases.

use std::{io, process};

use libc::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER,
    CLONE_NEWUTS, CLONE_THREAD, EPERM, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL,
    MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, MAP_STACK, PR_SET_VMA,
};
use seccompiler::{
    Error, SeccompAction,
    SeccompCmpArgLen::{Dword, Qword},
    SeccompCmpOp, SeccompCondition, SeccompRule,
};

use super::filter::{Rules, apply, argument, failing, hide_clone3, rule, values};

/// Allowed with any arguments. Which files can be opened is Landlock's part.
const ALLOWED: &[i64] = &[
    // Files that were opened for reading.
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pread64,
    libc::SYS_read,
    // Printing; the size limit of files is 0.
    libc::SYS_write,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_futex,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    // Time, where the kernel can't tell it without a call.
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    // Memory; `mmap` is below.
    libc::SYS_madvise,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    // Its own signals; `tgkill` is below.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Itself.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_sched_getaffinity,
    // Starts the program itself. Landlock lets it start nothing else.
    libc::SYS_execve,
    // Has a filter of its own.
    libc::SYS_clone3,
];

/// Its descriptors' own flags: other commands have the kernel send signals, or enlarge pipes.
const DESCRIPTOR_COMMANDS: [i32; 5] = [F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL];
/// Memory of its own alone. Shared memory stays when nothing maps it any more, and so could exceed every limit unseen;
/// so could a mapping that grows like a stack, and pages from the pool of huge ones.
const PRIVATE: [i32; 5] = [
    MAP_PRIVATE,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_NORESERVE,
    MAP_STACK,
];
/// `RLIMIT_CORE` and `RLIMIT_NOFILE`, whose type in `libc` depends on the C library.
const LIMITS: [i32; 2] = [4, 7];
const NAMESPACES: [i32; 7] = [
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
];

/// Confines this thread, which is the only one of its process, and the program that it becomes.
pub(super) fn restrict() -> io::Result<()> {
    let rules = allowed().map_err(io::Error::other)?;
    // First, since the other filter forbids to install filters.
    hide_clone3()?;
    apply(rules, SeccompAction::Allow, failing(EPERM))
}

fn allowed() -> Result<Rules, Error> {
    let own = i32::try_from(process::id()).unwrap_or_default();
    let whole = ALLOWED.iter().map(|call| (*call, Vec::new()));
    let conditional = [
        (libc::SYS_clone, vec![rule(vec![thread()?])?]),
        (libc::SYS_fcntl, values(1, &DESCRIPTOR_COMMANDS)?),
        (libc::SYS_mmap, vec![rule(vec![private()?])?]),
        // Names of mappings.
        (libc::SYS_prctl, values(0, &[PR_SET_VMA])?),
        (libc::SYS_prlimit64, own_limits()?),
        // Signals between its threads.
        (libc::SYS_tgkill, values(0, &[own])?),
    ];
    Ok(whole.chain(conditional).collect())
}

/// The number of its own open files, as Go's runtime raises it up to the maximum, and its core dumps.
fn own_limits() -> Result<Vec<SeccompRule>, Error> {
    let itself = || argument(0, SeccompCmpOp::Eq, 0);
    let rules = LIMITS.map(|limit| rule(vec![itself()?, argument(1, SeccompCmpOp::Eq, limit)?]));
    rules.into_iter().collect()
}

/// A thread of the same process, in the same namespaces.
fn thread() -> Result<SeccompCondition, Error> {
    let thread = u64::from(CLONE_THREAD.cast_unsigned());
    let others = bits(&NAMESPACES);
    let equal = SeccompCmpOp::MaskedEq(thread | others);
    Ok(SeccompCondition::new(0, Dword, equal, thread)?)
}

fn private() -> Result<SeccompCondition, Error> {
    let none_but = SeccompCmpOp::MaskedEq(!bits(&PRIVATE));
    Ok(SeccompCondition::new(3, Qword, none_but, 0)?)
}

fn bits(flags: &[i32]) -> u64 {
    let bits = flags.iter().map(|flag| u64::from(flag.cast_unsigned()));
    bits.fold(0, |all, flag| all | flag)
}
