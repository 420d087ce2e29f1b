//! Uploads new results to the fleet: after the builds, at the lowest priority, and only while the fleet answers.

use std::{
    fs::File,
    io::{self, Read as _},
    sync::mpsc,
    thread,
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::{runtime::Handle, sync::oneshot};
use tracing::{debug, warn};
use wombat_model::ImportPath;
use wombat_store::StoreError;

use super::{
    entry::{self, LARGEST, Packed},
    fleet::{Fleet, Wanted},
    id::ActionId,
    lists::{self, ListScope},
    local::Found,
};

/// `nice` value: below everything else on this machine.
const NICENESS: i32 = 19;
/// Most messages that wait for their acknowledgement.
const IN_FLIGHT: usize = 8;

/// The results of one build, to be uploaded.
#[derive(Debug)]
pub(super) struct Upload {
    /// The results that it requested, in order.
    pub(super) asked: Vec<ActionId>,
    pub(super) scope: ListScope,
    /// Number of its packages.
    pub(super) count: usize,
    /// Packages for which these results become the list.
    pub(super) listed: Vec<ImportPath>,
    /// Notified when the upload is done.
    pub(super) done: oneshot::Sender<()>,
}

/// A thread that works uploads off, one after the other. It ends when this is dropped.
#[derive(Clone, Debug)]
pub(super) struct Uploader {
    jobs: mpsc::Sender<Upload>,
}

impl Uploader {
    pub(super) fn start(fleet: Fleet) -> Self {
        let (jobs, waiting) = mpsc::channel::<Upload>();
        let runtime = Handle::current();
        // Its own thread, because priority is a thread's.
        thread::spawn(move || {
            // On other systems priority is the process's.
            if cfg!(target_os = "linux")
                && let Err(error) = rustix::process::nice(NICENESS)
            {
                debug!(%error, "can't lower the priority of uploads");
            }
            for job in waiting {
                match upload(&fleet, &runtime, &job) {
                    Ok(()) => {}
                    // A full bucket can still be read.
                    Err(StoreError::Full(problem)) => {
                        warn!(
                            problem,
                            "the fleet's compile cache is full; new results stay on this builder"
                        );
                    }
                    Err(error) => fleet.rest(&error),
                }
                // The receiver may be gone.
                let _ = job.done.send(());
            }
        });
        Self { jobs }
    }

    /// Adds an upload to the queue.
    pub(super) fn add(&self, job: Upload) {
        // Fails only if the thread panicked.
        drop(self.jobs.send(job));
    }
}

fn upload(fleet: &Fleet, runtime: &Handle, job: &Upload) -> Result<(), StoreError> {
    let mut wanted = Vec::with_capacity(job.asked.len());
    let (mut count, mut bytes) = (0, 0);
    for action in &job.asked {
        if fleet.is_away() {
            return Ok(());
        }
        let Some(found) = fleet.shared.find(action) else {
            continue;
        };
        if !fleet.knows(action) {
            let packed = match pack(&found, fleet.store.largest()) {
                Ok(packed) => packed,
                // The folder may have been trimmed just now: a local miss, which isn't a failure of the fleet.
                Err(error) => {
                    debug!(%action, %error, "can't read a result to upload it");
                    continue;
                }
            };
            count += 1;
            bytes += packed.bytes();
            runtime.block_on(send(fleet, action, packed))?;
            fleet.know([*action]);
        }
        wanted.push(Wanted {
            action: *action,
            size: u32::try_from(found.size).unwrap_or(u32::MAX),
        });
    }
    if wanted.is_empty() {
        return Ok(());
    }
    runtime.block_on(lists::store(
        &fleet.store,
        &job.scope,
        &job.listed,
        job.count,
        &wanted,
    ))?;
    if count > 0 {
        debug!(count, bytes, "uploaded to the fleet");
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in the thread of uploads alone"
)]
fn pack(found: &Found, largest: usize) -> io::Result<Packed> {
    if found.size > LARGEST {
        let problem = format!("it has {} bytes; the limit is {LARGEST}", found.size);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    let mut body = Vec::new();
    let file = File::open(&found.path)?;
    file.take(LARGEST).read_to_end(&mut body)?;
    entry::pack(found.output, &body, largest)
}

async fn send(fleet: &Fleet, action: &ActionId, packed: Packed) -> Result<(), StoreError> {
    stream::iter(packed.parts)
        .map(|(key, part)| async move { fleet.store.put(&key, Bytes::from(part)).await })
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<Vec<_>>()
        .await?;
    // Last, so that a reader of this message finds all parts.
    fleet
        .store
        .put(&entry::key(action), packed.first.into())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use std::{fs, time::UNIX_EPOCH};

    use wombat_testkit::NatsServer;

    use super::*;
    use crate::{
        lists::Lists,
        local::{
            LocalCache,
            tests::{action, output_of},
        },
    };

    /// Makes a result unreadable although it is found, as if it was removed in between.
    fn make_unreadable(cache: &LocalCache, action: ActionId, found: &Found) {
        fs::remove_file(&found.path).unwrap();
        fs::create_dir(&found.path).unwrap();
        let size = fs::metadata(&found.path).unwrap().len();
        let name = action.to_string();
        let line = cache.folder().join(&name[..2]).join(format!("{name}-a"));
        let text = format!("v1 {name} {} {size:20} {:20}\n", found.output, 0);
        fs::write(line, text).unwrap();
        assert!(cache.find(&action).is_some(), "it is found still");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_result_that_went_away_is_left_out_and_the_others_are_uploaded() {
        let nats = NatsServer::start().unwrap();
        let (_connection, store) = nats.store().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shared = LocalCache::new(folder.path()).believing_from(UNIX_EPOCH);
        let put = |n| {
            let body = [n; 8];
            let put = shared.put(&action(n), output_of(&body), 8, &mut &body[..]);
            put.unwrap()
        };
        let (gone, _there) = (put(1), put(2));
        make_unreadable(&shared, action(1), &gone);

        let fleet = Fleet::new(store.gocache.clone(), shared);
        let scope = ListScope::of("a test");
        let packages: Vec<ImportPath> = vec!["a.example/one".parse().unwrap()];
        let (done, told) = oneshot::channel();
        Uploader::start(fleet.clone()).add(Upload {
            asked: vec![action(1), action(2)],
            scope: scope.clone(),
            count: packages.len(),
            listed: packages.clone(),
            done,
        });
        told.await.unwrap();
        assert!(!fleet.is_away(), "the fleet isn't to blame");
        assert!(fleet.knows(&action(2)) && !fleet.knows(&action(1)));
        let lists = Lists::fetch(&store.gocache, &scope, packages.iter()).await;
        let kept = Wanted {
            action: action(2),
            size: 8,
        };
        assert_eq!(lists.unwrap().wanted, [kept]);
    }

    #[test]
    fn a_file_that_isnt_there_is_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let body = b"compiled";
        let cache = LocalCache::new(folder.path());
        let found = cache.put(&action(1), output_of(body), 8, &mut &body[..]);
        let found = found.unwrap();
        assert!(pack(&found, 1000).is_ok());
        let size = LARGEST + 1;
        let large = pack(
            &Found {
                size,
                ..found.clone()
            },
            1000,
        )
        .unwrap_err();
        assert_eq!(large.kind(), io::ErrorKind::FileTooLarge);
        fs::remove_file(&found.path).unwrap();
        let gone = pack(&found, 1000).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }
}
