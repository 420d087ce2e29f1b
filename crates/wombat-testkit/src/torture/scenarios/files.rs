//! Files of builders and of the service that a crash, or a bad disk, damaged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Damage,
    torture::{
        Tally, Topology, Torture,
        bed::{Bed, Plan},
        check::check,
        load::Load,
    },
    wait_until,
};

const LIMIT: std::time::Duration = std::time::Duration::from_mins(1);

/// Every file of the processes is damaged while they are down; then they start, and build.
pub(super) async fn damaged(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        builder: vec!["--workers", "2"],
        builders: vec![None],
        ..Plan::default()
    };
    let mut bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.makes_bytes(400_000)?;
    let load = Load::new(&bed);
    let (mut files, mut complaints) = (0, Vec::new());
    for n in 0..torture.times(18) {
        for _ in 0..4 {
            load.ask(true).await;
        }
        wait_until("the builds to be over", LIMIT, async || {
            let open = "/api/builds?q=status:new%20OR%20status:building&limit=1";
            let page = bed.site.json(open).await;
            Ok(page.is_ok_and(|page| page["total"] == 0).then_some(()))
        })
        .await?;
        let damage = Damage::ALL[n as usize % Damage::ALL.len()];
        for role in bed.builders.iter_mut().chain(&mut bed.services) {
            complaints.extend(role.panics());
            role.kill();
            for file in files_below(role.state())? {
                damage.of(&file);
                files += 1;
            }
            role.start_again()?;
        }
        wait_until("the builder to be back", LIMIT, async || {
            // The gateway may not answer yet.
            let count = bed.site.builders().await;
            Ok(count.is_ok_and(|count| count == 1).then_some(()))
        })
        .await?;
    }
    let mut tally = check(&bed, &load).await?;
    // A build that failed here used a damaged file.
    tally.believed = tally.failed;
    tally.complaints.extend(complaints);
    tally.notes.push(format!("{files} files damaged"));
    Ok(tally)
}

fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}
