//! `wombat setup`.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use wombat_model::units;
use wombat_store::{
    Connection, Finding, NatsArgs, ProvisionOptions, Provisioned, Store, Weight, audit,
    provision_within, roles::UserName,
};

use crate::{
    nats_config::{self, Before, MoreUsers, Outcome, Written},
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
  wombat setup --write-config /etc/wombat/nats --builder fox --builder owl --reader alice
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

    /// Add a user for one more builder (repeatable), with its secret in `DIR/builder-NAME/user.nk`
    ///
    /// Users that were added before stay; to remove one, remove its folder and write the configuration again.
    #[arg(long, value_name = "NAME", requires = "write_config")]
    builder: Vec<UserName>,

    /// Add a user for one more person or script that only reads (repeatable), in `DIR/read-only-NAME/user.nk`
    #[arg(long, value_name = "NAME", requires = "write_config")]
    reader: Vec<UserName>,

    /// Data folder of that nats-server [default: DIR/data]
    #[arg(long, value_name = "DIR", requires = "write_config")]
    nats_store_dir: Option<PathBuf>,
}

pub(crate) async fn run(args: SetupArgs) -> anyhow::Result<()> {
    if let Some(folder) = &args.write_config {
        return write_config(folder, &args);
    }
    let connection = Connection::open(&args.nats, "setup", Duration::from_secs(10)).await?;
    let until = Instant::now() + args.wait;
    let changes = provision_within(&connection, &args.options, args.wait).await?;
    let left = until.saturating_duration_since(Instant::now());
    Store::open_within(&connection, left).await?;
    let fixed = audit(&connection).await?.into_iter();
    let fixed = fixed.filter(|finding| finding.weight == Weight::Fixed);
    let fixed: Vec<String> = fixed
        .map(|Finding { bucket, words, .. }| format!("`{bucket}`: {words}"))
        .collect();
    anyhow::ensure!(fixed.is_empty(), "{}", fixed.join("\n"));
    print("ready: every bucket and stream exists");
    print(what_to_restart(changes));
    connection.close().await;
    Ok(())
}

fn write_config(folder: &Path, args: &SetupArgs) -> anyhow::Result<()> {
    let folder = std::path::absolute(folder).context("the current folder is gone")?;
    let own_store = folder.join("data");
    let store = args.nats_store_dir.as_deref().unwrap_or(&own_store);
    let more = MoreUsers {
        builders: &args.builder,
        readers: &args.reader,
    };
    let Written { files, before } = nats_config::write(&folder, store, more)?;
    for (path, outcome) in files {
        let done = match outcome {
            Outcome::Made => "wrote",
            Outcome::Kept => "kept ",
        };
        print(&format!("{done} {}", path.display()));
    }
    print(&next_steps(before, &folder.display().to_string()));
    Ok(())
}

/// Which processes have to be started or restarted.
fn what_to_restart(changes: Provisioned) -> &'static str {
    match changes {
        Provisioned { is_new: true, .. } => "Next: start services, builders and gateways",
        Provisioned {
            is_upgraded: true, ..
        } => {
            "The store was upgraded, and programs of version 0.1.0 can't use it any more.\n\
             Next: stop those that still run, gateways too, and start every service, builder and gateway with this version"
        }
        Provisioned { changed: 0, .. } => {
            "Nothing had to be changed, so nothing has to be restarted"
        }
        Provisioned { .. } => "Settings were changed; nothing has to be restarted",
    }
}

/// What to do with the written files.
fn next_steps(before: Before, folder: &str) -> String {
    match before {
        Before::Nothing => format!(
            "\nNext: nats-server --config {folder}/server/nats-server.conf\n      \
             wombat setup --nats-user-seed-file {folder}/admin/user.nk"
        ),
        Before::OneAccount => format!(
            "\nUntil now all users shared one account. Each role has its own now, which programs of version 0.1.0 can't use.\n\
             Next: stop every service, builder and gateway\n      \
             restart nats-server, for which a reload isn't enough; its data stays\n      \
             wombat setup --nats-user-seed-file {folder}/admin/user.nk\n      \
             start every service, builder and gateway with this version; their keys and options stay the same"
        ),
        Before::Accounts => {
            "\nNext: nats-server --signal reload, on a cluster for each server\n      \
             services, builders and gateways need no restart"
                .to_owned()
        }
    }
}
