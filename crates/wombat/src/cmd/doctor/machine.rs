//! The machine: its sandbox, the limits around it, and its disk.

use std::path::Path;

use nix::sys::{
    resource::{Resource, getrlimit},
    statvfs::statvfs,
};
use wombat_api::{Capacity, LimitArgs};
use wombat_child::{
    cgroup::{Delegated, NoCgroup, OWN},
    sandbox::probe,
};
use wombat_model::SandboxLevel;

use super::finding::{Finding, Verdict};
use crate::state_directory::StateArgs;

/// Default of the free disk below which builders claim nothing, in bytes.
const WANTED: u64 = 2 << 30;

pub(super) async fn sandbox() -> Finding {
    let probed = async {
        let folder = tempfile::tempdir()?;
        let helper = std::env::current_exe()?;
        anyhow::Ok(probe(&helper, folder.path()).await?)
    };
    match probed.await {
        Ok(SandboxLevel::Namespaces) => (
            Verdict::Good,
            "sandbox: Landlock, a filter of system calls, and namespaces".to_owned(),
        ),
        Ok(level @ (SandboxLevel::Landlock | SandboxLevel::None)) => (
            Verdict::Note,
            format!(
                "sandbox: {level}; allow unprivileged user namespaces to also isolate compilers from each other, and to run binaries for imports and linting"
            ),
        ),
        Err(error) => (Verdict::Missing, format!("sandbox: {error}")),
    }
}

/// Whether the kernel itself limits what each child uses.
pub(super) fn cgroups() -> Finding {
    cgroups_found(Delegated::find())
}

fn cgroups_found(found: Result<Delegated, NoCgroup>) -> Finding {
    match found {
        Ok(_) => (
            Verdict::Good,
            "cgroups: each child of a builder that is started like this gets its own".to_owned(),
        ),
        Err(error) => (
            Verdict::Note,
            format!(
                "cgroups: {error}; a builder counts the memory and threads of its children itself, several times a second. With systemd 254 or newer, `Delegate=memory pids` and `DelegateSubgroup={OWN}` in the builder's unit give each child a cgroup with its limits. `MemoryMax=` there, or `mem_limit` of a container, limits all of them together"
            ),
        ),
    }
}

/// Whether a gateway that is started like this may open a file for each of its connections.
pub(super) fn open_files() -> Finding {
    // A gateway raises its own limit up to the system's.
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, most)) => open_files_allowed(usize::try_from(most).unwrap_or(usize::MAX)),
        Err(error) => (Verdict::Note, format!("open files: {error}")),
    }
}

fn open_files_allowed(most: usize) -> Finding {
    let wanted = Capacity::wanted(&LimitArgs::default());
    let possible = wanted.within(most);
    if possible == wanted {
        return (
            Verdict::Good,
            format!(
                "open files: enough for the {} connections of a gateway",
                wanted.connections
            ),
        );
    }
    (
        Verdict::Note,
        format!(
            "open files: the limit of {most} is enough for {} connections of a gateway instead of {}; raise it to {} with `LimitNOFILE=` in its unit, `ulimits` of a container, or `ulimit -Hn`",
            possible.connections,
            wanted.connections,
            wanted.files()
        ),
    )
}

/// Free disk at the state directory, even if that doesn't exist yet.
pub(super) fn disk(args: &StateArgs) -> Finding {
    let looked = args.folder().and_then(|folder| {
        let there = folder.ancestors().find(|ancestor| ancestor.is_dir());
        let status = statvfs(there.unwrap_or(Path::new("/")))?;
        let free = status
            .blocks_available()
            .saturating_mul(status.fragment_size());
        Ok((folder, free))
    });
    match looked {
        Ok((folder, free)) if free < WANTED => (
            Verdict::Missing,
            format!(
                "disk: {} MiB are free at {}, and builders claim nothing below {} MiB; make room, or set WOMBAT_STATE_DIR or WOMBAT_MIN_FREE_DISK",
                free >> 20,
                folder.display(),
                WANTED >> 20
            ),
        ),
        Ok((folder, free)) => (
            Verdict::Good,
            format!("disk: {} MiB are free at {}", free >> 20, folder.display()),
        ),
        Err(error) => (Verdict::Missing, format!("disk: {error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_open_files_are_told_with_what_is_enough() {
        let (verdict, said) = open_files_allowed(1024);
        assert!(verdict == Verdict::Note);
        assert!(said.contains("instead of 4096; raise it to 6848"), "{said}");
        assert!(open_files_allowed(6848).0 == Verdict::Good);
    }

    #[test]
    fn without_cgroups_the_reason_and_the_way_to_get_them_are_told() {
        let own = NoCgroup::NotDelegated("/user/session".to_owned());
        let (verdict, said) = cgroups_found(Err(own));
        assert!(verdict == Verdict::Note);
        for words in [
            "is in /user/session",
            "`DelegateSubgroup=wombat`",
            "`mem_limit`",
        ] {
            assert!(said.contains(words), "{said}");
        }
    }
}
