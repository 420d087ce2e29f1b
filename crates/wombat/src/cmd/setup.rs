//! `wombat setup`.

use std::time::Duration;

use wombat_store::{Connection, NatsArgs, ProvisionOptions, Store, provision};

use crate::output::print;

/// Make the buckets and streams, or bring older ones up to date
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Doing it twice changes nothing. `wombat up` does it by itself.

Examples:
  wombat setup --nats-url nats://nats:4222 --nats-user-creds admin.creds
  wombat setup --replicas 3 --artifacts-mib 51200")]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    options: ProvisionOptions,
}

pub(crate) async fn run(args: SetupArgs) -> anyhow::Result<()> {
    let connection = Connection::open(&args.nats, "setup", Duration::from_secs(10)).await?;
    provision(&connection, &args.options).await?;
    Store::open(&connection).await?;
    print("ready: every bucket and stream is there");
    connection.close().await;
    Ok(())
}
