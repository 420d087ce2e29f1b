//! `wombat setup`.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use wombat_model::units;
use wombat_store::{Connection, NatsArgs, ProvisionOptions, Store, provision_within};

use crate::{
    nats_config::{self, Outcome},
    output::print,
};

/// Create the buckets and streams, or update older ones
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Running it again changes nothing. `wombat up` does it by itself.

Examples:
  wombat setup --nats-url nats://nats:4222 --nats-user-seed-file admin/user.nk
  wombat setup --replicas 3 --artifacts-limit 50GiB

Your own nats-server, with no more permissions for each role than it needs:
  wombat setup --write-config /etc/wombat/nats
  nats-server --config /etc/wombat/nats/server/nats-server.conf
  wombat setup   --nats-user-seed-file /etc/wombat/nats/admin/user.nk
  wombat service --nats-user-seed-file /etc/wombat/nats/service/user.nk
  wombat builder --nats-user-seed-file /etc/wombat/nats/builder/user.nk
  wombat api     --nats-user-seed-file /etc/wombat/nats/api/user.nk")]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    options: ProvisionOptions,

    /// Longest wait for a cluster that is still electing its leaders
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = units::duration)]
    wait: Duration,

    /// Write the configuration of a nats-server with a user for each role into DIR, and do nothing else
    ///
    /// DIR/server/nats-server.conf and the secrets, `DIR/<role>/user.nk`, are created once and kept;
    /// DIR/server/roles.conf is rewritten each time.
    #[arg(long, value_name = "DIR", conflicts_with = "login")]
    write_config: Option<PathBuf>,

    /// Data folder of that nats-server [default: DIR/data]
    #[arg(long, value_name = "DIR", requires = "write_config")]
    nats_store_dir: Option<PathBuf>,
}

pub(crate) async fn run(args: SetupArgs) -> anyhow::Result<()> {
    if let Some(folder) = &args.write_config {
        return write_config(folder, args.nats_store_dir.as_deref());
    }
    let connection = Connection::open(&args.nats, "setup", Duration::from_secs(10)).await?;
    let until = Instant::now() + args.wait;
    provision_within(&connection, &args.options, args.wait).await?;
    let left = until.saturating_duration_since(Instant::now());
    Store::open_within(&connection, left).await?;
    print("ready: every bucket and stream exists");
    connection.close().await;
    Ok(())
}

fn write_config(folder: &Path, store: Option<&Path>) -> anyhow::Result<()> {
    let folder = std::path::absolute(folder).context("the current folder is gone")?;
    let own_store = folder.join("data");
    let written = nats_config::write(&folder, store.unwrap_or(&own_store))?;
    for (path, outcome) in written {
        let done = match outcome {
            Outcome::Made => "wrote",
            Outcome::Kept => "kept ",
        };
        print(&format!("{done} {}", path.display()));
    }
    let folder = folder.display();
    print(&format!(
        "\nNext: nats-server --config {folder}/server/nats-server.conf\n      \
         wombat setup --nats-user-seed-file {folder}/admin/user.nk"
    ));
    Ok(())
}
