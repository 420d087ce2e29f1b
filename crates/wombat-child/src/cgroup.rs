//! A cgroup for each child, where a place for them was delegated to this process.
//!
//! Limits of a cgroup count what no process maps any more, such as files in memory, and hold without anyone looking.
//! They are used in addition to what the helper counts itself, since few systems delegate cgroups.
#![expect(
    clippy::disallowed_methods,
    reason = "called in the helper process, and by `wombat doctor`"
)]

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Name of the cgroup that a process must be in for its children to get cgroups of their own, beside that one. So
/// nothing is made in places that weren't meant for it.
pub const OWN: &str = "wombat";
/// Where systems have their cgroups, with version 2 alone or beside version 1.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
const CHILD: &str = "child-";
/// The helper itself, while it starts the program.
const HELPER_THREADS: usize = 2;

/// Why children get no cgroups of their own.
#[derive(Debug, thiserror::Error)]
pub enum NoCgroup {
    /// There are none of the only version that can be delegated.
    #[error("this system has no cgroups of version 2")]
    NoSuchVersion,
    /// No place was delegated to this process.
    #[error("this process is in {0}, and not in a cgroup called `{OWN}`")]
    NotDelegated(String),
    /// The place has no limits for its children.
    #[error("{0} doesn't offer the controllers `memory` and `pids`")]
    NoControllers(PathBuf),
    /// It can't be used.
    #[error("{0} can't be written: {1}")]
    NotWritable(PathBuf, io::Error),
}

/// A place in which this process may make cgroups.
#[derive(Debug)]
pub struct Delegated {
    place: PathBuf,
}

impl Delegated {
    /// The place of this process.
    pub fn find() -> Result<Self, NoCgroup> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut mounts = MOUNTS.into_iter().map(Path::new);
        let mount = mounts
            .find(|mount| mount.join("cgroup.controllers").exists())
            .ok_or(NoCgroup::NoSuchVersion)?;
        Self::of(mount, &own)
    }

    /// `own` is the content of `/proc/self/cgroup`.
    fn of(mount: &Path, own: &str) -> Result<Self, NoCgroup> {
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let own = own.ok_or(NoCgroup::NoSuchVersion)?;
        let named = Path::new(own).ends_with(OWN);
        let parent = Path::new(own).parent().filter(|_| named);
        let place = parent.map(|parent| mount.join(parent));
        let place = place.ok_or_else(|| NoCgroup::NotDelegated(format!("/{own}")))?;
        let offered = fs::read_to_string(place.join("cgroup.controllers")).unwrap_or_default();
        if !has_controllers(&offered) {
            return Err(NoCgroup::NoControllers(place));
        }
        let control = place.join("cgroup.subtree_control");
        let enabled = fs::read_to_string(&control).unwrap_or_default();
        if !has_controllers(&enabled) {
            let wanted = CONTROLLERS.map(|name| format!("+{name}")).join(" ");
            fs::write(&control, wanted)
                .map_err(|error| NoCgroup::NotWritable(control.clone(), error))?;
        }
        Ok(Self { place })
    }

    /// A cgroup for the child of the helper with this process id. Limits: in bytes, and a number of threads.
    pub(crate) fn child(
        &self,
        helper: u32,
        memory: Option<u64>,
        threads: Option<usize>,
    ) -> Result<Cgroup, NoCgroup> {
        self.remove_abandoned();
        let folder = self.place.join(format!("{CHILD}{helper}"));
        let failed = |error| NoCgroup::NotWritable(folder.clone(), error);
        fs::create_dir(&folder).map_err(failed)?;
        let group = Cgroup {
            own: self.place.join(OWN),
            folder: folder.clone(),
        };
        if let Some(bytes) = memory {
            group.set("memory.max", bytes).map_err(failed)?;
            // Not there without swap. Whatever ends one process ends its relatives.
            let _ = group.set("memory.swap.max", 0);
            let _ = group.set("memory.oom.group", 1);
        }
        if let Some(threads) = threads {
            let tasks = (threads + HELPER_THREADS) as u64;
            group.set("pids.max", tasks).map_err(failed)?;
        }
        Ok(group)
    }

    /// Removes the cgroups of helpers that were killed.
    fn remove_abandoned(&self) {
        for entry in fs::read_dir(&self.place).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let helper = name.to_str().and_then(|name| name.strip_prefix(CHILD));
            if helper.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

fn has_controllers(text: &str) -> bool {
    CONTROLLERS
        .iter()
        .all(|name| text.split_ascii_whitespace().any(|other| other == *name))
}

/// The cgroup of one child; removed when this is dropped, by when no process may be left in it.
#[derive(Debug)]
pub(crate) struct Cgroup {
    own: PathBuf,
    folder: PathBuf,
}

impl Cgroup {
    fn set(&self, name: &str, value: u64) -> io::Result<()> {
        fs::write(self.folder.join(name), value.to_string())
    }

    /// Moves this process into the cgroup: what it starts is born there.
    pub(crate) fn enter(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), "0")
    }

    /// Moves this process back, since it has to outlive the others.
    pub(crate) fn leave(&self) -> io::Result<()> {
        fs::write(self.own.join("cgroup.procs"), "0")
    }

    /// Whether the kernel ended a process for exceeding the memory limit.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        let mut kills = events
            .lines()
            .filter_map(|line| line.strip_prefix("oom_kill "));
        kills.any(|count| count.trim() != "0")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A folder with the files that the kernel would offer there. What the kernel does with them isn't tested here.
    fn offering(controllers: &str) -> TempDir {
        let mount = TempDir::with_prefix("wombat-cgroup-").unwrap();
        let place = mount.path().join("system/builder");
        fs::create_dir_all(place.join(OWN)).unwrap();
        fs::write(place.join("cgroup.controllers"), controllers).unwrap();
        fs::write(place.join("cgroup.subtree_control"), "").unwrap();
        mount
    }

    const INSIDE: &str = "9:name=systemd:/\n0::/system/builder/wombat\n";

    #[test]
    fn a_child_gets_limits_beside_its_builder() {
        let mount = offering("cpu memory pids\n");
        let place = mount.path().join("system/builder");
        let delegated = Delegated::of(mount.path(), INSIDE).unwrap();
        let control = fs::read_to_string(place.join("cgroup.subtree_control")).unwrap();
        assert_eq!(control, "+memory +pids");

        // No process has this id.
        let abandoned = place.join(format!("{CHILD}99999999"));
        fs::create_dir(&abandoned).unwrap();
        let group = delegated.child(1, Some(1 << 30), Some(64)).unwrap();
        let read = |name: &str| fs::read_to_string(place.join("child-1").join(name)).unwrap();
        assert_eq!(read("memory.max"), (1 << 30).to_string());
        assert_eq!(
            (read("memory.oom.group"), read("pids.max")),
            ("1".into(), "66".into())
        );
        assert!(!abandoned.exists());
        group.enter().unwrap();
        group.leave().unwrap();
        assert_eq!(read("cgroup.procs"), "0");
        let own = fs::read_to_string(place.join(OWN).join("cgroup.procs"));
        assert_eq!(own.unwrap(), "0");

        let event = |text: &str| fs::write(place.join("child-1/memory.events"), text).unwrap();
        event("max 3\noom 1\noom_kill 0\n");
        assert!(!group.ran_out_of_memory());
        event("max 3\noom 1\noom_kill 2\noom_group_kill 1\n");
        assert!(group.ran_out_of_memory());
        // A second child of the same helper isn't taken for this one.
        assert!(delegated.child(1, None, None).is_err());
    }

    #[test]
    fn without_a_place_the_reason_is_told() {
        let mount = offering("cpu\n");
        let why = |own: &str| Delegated::of(mount.path(), own).unwrap_err().to_string();
        assert!(why("9:pids:/\n").contains("version 2"));
        assert!(why("0::/user/session-1.scope\n").contains("/user/session-1.scope"));
        assert!(why("0::/\n").contains("is in /, and not"));
        assert!(why(INSIDE).contains("system/builder doesn't offer"));
    }
}
