//! Makes the fixture of a store of an earlier release: `store-fixture PROGRAM FOLDER` runs that release's `wombat up`
//! through everything that a store can hold, and leaves `state.tar.zst` and `expected.json` in FOLDER.
#![expect(
    clippy::disallowed_methods,
    reason = "nothing else runs in this process"
)]

mod builds;
mod pack;
mod programs;
mod scene;

use std::path::PathBuf;

use anyhow::Context;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "store-fixture PROGRAM FOLDER";
    let program = arguments.next().context(usage)?;
    let target = arguments.next().context(usage)?;
    std::fs::create_dir_all(&target)?;

    let scene = scene::Scene::new(&program)?;
    builds::expired(&scene).await?;
    let expected = builds::everything(&scene).await?;
    std::fs::write(
        target.join("expected.json"),
        serde_json::to_string_pretty(&expected)? + "\n",
    )?;
    let size = pack::pack(&scene.state, &target.join("state.tar.zst"))?;
    eprintln!("packed: {size} bytes");
    Ok(())
}
