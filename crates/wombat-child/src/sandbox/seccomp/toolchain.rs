//! The calls that Go's toolchain doesn't need: sockets that Landlock doesn't cover, and whatever looks into other
//! processes or changes the machine.

use std::io;

use libc::{
    AF_INET, AF_INET6, AF_UNIX, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS,
    CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, EPERM, IPPROTO_TCP, MSG_FASTOPEN, SOCK_STREAM,
};
use seccompiler::{
    Error, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompRule,
};

use super::filter::{
    Rules, apply, argument, failing, flags, hide_clone3, rule, with_short_pointers,
};
use crate::confinement::Network;

/// Calls that look into other processes, change the machine, keep memory that belongs to no process, or are known for
/// sandbox escapes.
const REFUSED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_finit_module,
    libc::SYS_fremovexattr,
    libc::SYS_fsconfig,
    libc::SYS_fsetxattr,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Opens sockets without calling `socket`.
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_mq_open,
    libc::SYS_msgget,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_removexattr,
    libc::SYS_request_key,
    libc::SYS_semget,
    libc::SYS_setns,
    libc::SYS_setxattr,
    libc::SYS_shmat,
    libc::SYS_shmget,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
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

/// Confines this thread and everything it starts afterwards.
pub(super) fn restrict(network: Network) -> io::Result<()> {
    let calls = refused(network).map_err(io::Error::other)?;
    apply(calls, failing(EPERM), SeccompAction::Allow)?;
    hide_clone3()
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

/// Sockets to refuse: all but streams, between processes of this machine (the compile cache's helper needs them) and,
/// if there is a network, of TCP.
fn sockets(network: Network) -> Result<Vec<SeccompRule>, Error> {
    let family = |operator, family: i32| argument(0, operator, family);
    let not = |other| family(SeccompCmpOp::Ne, other);
    let mut rules = no_streams(AF_UNIX)?;
    match network {
        Network::None => rules.push(rule(vec![not(AF_UNIX)?])?),
        Network::Loopback(_) => {
            rules.push(rule(vec![not(AF_UNIX)?, not(AF_INET)?, not(AF_INET6)?])?);
            for internet in [AF_INET, AF_INET6] {
                rules.extend(no_streams(internet)?);
                // Other protocols with streams, such as multipath TCP, aren't TCP to Landlock.
                rules.push(rule(vec![
                    family(SeccompCmpOp::Eq, internet)?,
                    argument(2, SeccompCmpOp::Ne, 0)?,
                    argument(2, SeccompCmpOp::Ne, IPPROTO_TCP)?,
                ])?);
            }
        }
    }
    Ok(rules)
}

/// Every type of this family but streams; a filter can only compare bits, so each gets a rule.
fn no_streams(family: i32) -> Result<Vec<SeccompRule>, Error> {
    let stream = u64::from(SOCK_STREAM.unsigned_abs());
    let kinds = (0..=SOCKET_TYPE).filter(|kind| *kind != stream);
    let rules = kinds.map(|kind| {
        rule(vec![
            argument(0, SeccompCmpOp::Eq, family)?,
            SeccompCondition::new(1, Dword, SeccompCmpOp::MaskedEq(SOCKET_TYPE), kind)?,
        ])
    });
    rules.collect()
}
