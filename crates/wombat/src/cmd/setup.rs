//! `wombat setup`.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use wombat_builder::units;
use wombat_store::{Connection, NatsArgs, ProvisionOptions, Store, provision_within};

use crate::{
    nats_config::{self, Outcome},
    output::print,
};

/// Make the buckets and streams, or bring older ones up to date
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Doing it twice changes nothing. `wombat up` does it by itself.

Examples:
  wombat setup --nats-url nats://nats:4222 --nats-user-seed-file admin/user.nk
  wombat setup --replicas 3 --artifacts-mib 51200

A nats-server of your own, where each role may do what it needs and no more:
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

    /// How long to wait for a cluster that is still electing its leaders
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = units::duration)]
    wait: Duration,

    /// Write the configuration of a nats-server with a user for each role into DIR, and do nothing else
    ///
    /// DIR/server/nats-server.conf and the secrets, DIR/<role>/user.nk, are made once and kept; DIR/server/roles.conf is
    /// written each time.
    #[arg(long, value_name = "DIR", conflicts_with = "login")]
    write_config: Option<PathBuf>,

    /// Where that nats-server shall keep its data [default: DIR/data]
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
    print("ready: every bucket and stream is there");
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
