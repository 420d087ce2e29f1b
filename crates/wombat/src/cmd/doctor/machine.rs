//! The machine: its sandbox, the limits around it, and its disk.

use std::path::Path;

use nix::sys::statvfs::statvfs;
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
