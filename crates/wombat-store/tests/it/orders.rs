//! A property: no order of {a chunk is sent, the janitor sweeps, objects are listed, a success is written} ends in a
//! success with fewer chunks than its binary has.

use std::time::Duration;

use tokio::{
    fs::File,
    io::AsyncWriteExt as _,
    sync::mpsc::{self, UnboundedReceiver},
};
use wombat_model::ArtifactName;
use wombat_store::{ClaimOutcome, FinishOutcome, OrphanChunks, Store, SubmitOptions};
use wombat_testkit::{NatsServer, a_spec, succeed};

/// Orders that are tried.
const ORDERS: u64 = 40;
/// Half a chunk of the object store, so that pieces and chunks don't fall together.
const PIECE: usize = 256 * 1024;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// More of the binary comes.
    Piece,
    /// All chunks without an object are removed, however young: the worst that a janitor could do.
    Sweep,
    /// Objects are listed, which must change nothing.
    List,
}

fn steps(random: &mut fastrand::Rng) -> Vec<Step> {
    let count = random.usize(4..24);
    let step = |random: &mut fastrand::Rng| match random.u8(0..10) {
        0..7 => Step::Piece,
        7 => Step::List,
        _ => Step::Sweep,
    };
    (0..count).map(|_| step(random)).collect()
}

/// Writes the pieces that it receives; the end of the channel is the end of the file.
async fn feed(mut pipe: File, mut pieces: UnboundedReceiver<Vec<u8>>) -> anyhow::Result<()> {
    while let Some(piece) = pieces.recv().await {
        pipe.write_all(&piece).await?;
        pipe.flush().await?;
    }
    Ok(())
}

/// Whether the build came to a success.
async fn one_order(nats: &NatsServer, store: &Store, order: u64) -> anyhow::Result<bool> {
    let mut random = fastrand::Rng::with_seed(order);
    let spec = a_spec().package(&format!("p{order}")).build();
    let submitted = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts);
    let record = submitted.await?.into_record();
    let builder = "builder-1".parse()?;
    let ClaimOutcome::Won(claim) = store.builds.claim(record, &builder).await? else {
        anyhow::bail!("lost without a rival");
    };
    let name = ArtifactName::new(&spec.key(), claim.id());
    let file = nats.directory().join(format!("pipe-{order}"));
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU)?;
    let janitor = async {
        let pipe = File::options().write(true).open(&file).await?;
        let (pieces, fed) = mpsc::unbounded_channel();
        let feeding = tokio::spawn(feed(pipe, fed));
        let mut seen = OrphanChunks::default();
        for step in steps(&mut random) {
            match step {
                Step::Piece => pieces.send(vec![random.u8(..); PIECE])?,
                Step::Sweep => {
                    let swept = store
                        .artifacts
                        .remove_orphan_chunks(&mut seen, Duration::ZERO);
                    swept.await?;
                }
                Step::List => drop(store.artifacts.list().await?),
            }
        }
        drop(pieces);
        // The reader may have given up before the end.
        drop(feeding.await?);
        anyhow::Ok(seen)
    };
    let (stored, swept) = tokio::join!(store.artifacts.put_file(&name, &file), janitor);
    let mut seen = swept?;
    let Ok(stored) = stored else {
        return Ok(false);
    };
    let ended = succeed(store, *claim, stored).await?;
    anyhow::ensure!(matches!(ended, FinishOutcome::Done(_)), "order {order}");
    // Chunks of an object aren't orphans.
    store
        .artifacts
        .remove_orphan_chunks(&mut seen, Duration::ZERO)
        .await?;
    let is_whole = store.artifacts.is_whole(name.as_str()).await?;
    anyhow::ensure!(is_whole, "order {order} is a success without its bytes");
    Ok(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_of_steps_ends_in_a_success_with_fewer_chunks() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let mut successes = 0;
    for order in 0..ORDERS {
        successes += u64::from(one_order(&nats, &store, order).await?);
    }
    // Both kinds of ends were seen.
    assert!((1..ORDERS).contains(&successes), "{successes} of {ORDERS}");
    Ok(())
}
