//! A system call filter: refuses the sockets that Landlock doesn't cover, and calls that no compiler needs.

use std::{collections::BTreeMap, io};

use libc::{
    AF_INET, AF_INET6, AF_UNIX, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS,
    CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, ENOSYS, EPERM, IPPROTO_TCP, MSG_FASTOPEN,
    SOCK_STREAM,
};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};

use crate::confinement::Network;

/// Calls that look into other processes, change the machine, or are known for sandbox escapes.
const REFUSED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Opens sockets without calling `socket`.
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];
const NAMESPACES: [i32; 7] = [
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
];
/// Bits of `socket`'s second argument that name the type; others are flags.
const SOCKET_TYPE: u64 = 0xf;
/// On x86-64, each call has a second number, for the x32 ABI.
const SHORT_POINTERS: i64 = 0x4000_0000;

/// Confines this thread and everything it starts afterwards.
pub(super) fn restrict(network: Network) -> io::Result<()> {
    let calls = refused(network).map_err(io::Error::other)?;
    apply(calls, EPERM)?;
    // The flags of `clone3` are in memory, where a filter can't read them; callers fall back to `clone`.
    apply(
        with_short_pointers([(libc::SYS_clone3, Vec::new())]),
        ENOSYS,
    )
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn apply(rules: Rules, error: i32) -> io::Result<()> {
    let errno = u32::try_from(error).map_err(io::Error::other)?;
    let architecture = std::env::consts::ARCH.try_into();
    let program = architecture.and_then(|architecture| {
        SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(errno),
            architecture,
        )
    });
    let program: BpfProgram = program
        .and_then(TryInto::try_into)
        .map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}

fn refused(network: Network) -> Result<Rules, Error> {
    let whole = REFUSED.iter().map(|call| (*call, Vec::new()));
    let conditional = [
        (libc::SYS_socket, sockets(network)?),
        (libc::SYS_clone, flags(0, &NAMESPACES)?),
        // This flag connects while sending, which Landlock doesn't check.
        (libc::SYS_sendto, flags(3, &[MSG_FASTOPEN])?),
        (libc::SYS_sendmsg, flags(2, &[MSG_FASTOPEN])?),
        (libc::SYS_sendmmsg, flags(3, &[MSG_FASTOPEN])?),
    ];
    Ok(with_short_pointers(whole.chain(conditional)))
}

fn with_short_pointers(rules: impl IntoIterator<Item = (i64, Vec<SeccompRule>)>) -> Rules {
    rules
        .into_iter()
        .flat_map(|(call, rules)| {
            let second = cfg!(target_arch = "x86_64").then_some(call | SHORT_POINTERS);
            std::iter::once(call)
                .chain(second)
                .map(move |call| (call, rules.clone()))
        })
        .collect()
}

/// Sockets to refuse: all but Unix sockets, and TCP if there is a network.
fn sockets(network: Network) -> Result<Vec<SeccompRule>, Error> {
    let family = |operator, family: i32| argument(0, operator, family);
    let not = |other| family(SeccompCmpOp::Ne, other);
    match network {
        Network::None => Ok(vec![rule(vec![not(AF_UNIX)?])?]),
        Network::Loopback(_) => {
            let mut rules = vec![rule(vec![not(AF_UNIX)?, not(AF_INET)?, not(AF_INET6)?])?];
            for internet in [AF_INET, AF_INET6] {
                // Every type but streams; the filter can only compare bits, so each gets a rule.
                let stream = u64::from(SOCK_STREAM.unsigned_abs());
                for kind in (0..=SOCKET_TYPE).filter(|kind| *kind != stream) {
                    rules.push(rule(vec![
                        family(SeccompCmpOp::Eq, internet)?,
                        SeccompCondition::new(1, Dword, SeccompCmpOp::MaskedEq(SOCKET_TYPE), kind)?,
                    ])?);
                }
                // Other protocols with streams, such as multipath TCP, aren't TCP to Landlock.
                rules.push(rule(vec![
                    family(SeccompCmpOp::Eq, internet)?,
                    argument(2, SeccompCmpOp::Ne, 0)?,
                    argument(2, SeccompCmpOp::Ne, IPPROTO_TCP)?,
                ])?);
            }
            Ok(rules)
        }
    }
}

/// Refuses any of these bits in an argument.
fn flags(index: u8, refused: &[i32]) -> Result<Vec<SeccompRule>, Error> {
    let rules = refused.iter().map(|flag| {
        let flag = u64::from(flag.cast_unsigned());
        let set = SeccompCmpOp::MaskedEq(flag);
        rule(vec![SeccompCondition::new(index, Dword, set, flag)?])
    });
    rules.collect()
}

fn argument(index: u8, operator: SeccompCmpOp, value: i32) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(
        index,
        Dword,
        operator,
        u64::from(value.cast_unsigned()),
    )?)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, Error> {
    Ok(SeccompRule::new(conditions)?)
}
