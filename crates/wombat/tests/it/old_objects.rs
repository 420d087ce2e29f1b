//! The binaries of version 0.1.0 are moved into a store in which they can't be replaced, however often that is killed.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use anyhow::{Context, ensure};
use async_nats::jetstream;
use futures::TryStreamExt as _;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt as _;
use wombat_store::{Connection, Store, StoreError};
use wombat_testkit::NatsServer;

use crate::{nats_cli::Nats, old_store::old_server, program};

/// A link's target, or the digest of an object's bytes.
type Content = BTreeMap<String, Result<String, String>>;

/// As any NATS client reads it.
async fn content(jetstream: &jetstream::Context, bucket: &str) -> anyhow::Result<Content> {
    let objects = jetstream.get_object_store(bucket).await?;
    let mut listed = objects.list().await?;
    let mut content = Content::new();
    while let Some(object) = listed.try_next().await? {
        let link = object.options.and_then(|options| options.link);
        let found = if let Some(target) = link {
            Err(target.name.context("a link to an object")?)
        } else {
            let mut bytes = Vec::new();
            let mut reader = objects.get(&object.name).await?;
            reader.read_to_end(&mut bytes).await?;
            Ok(hex::encode(Sha256::digest(bytes)))
        };
        content.insert(object.name, found);
    }
    Ok(content)
}

async fn contents(connection: &Connection) -> anyhow::Result<[Content; 2]> {
    let jetstream = jetstream::new(connection.client().clone());
    Ok([
        content(&jetstream, "artifacts").await?,
        content(&jetstream, "catalog-docs").await?,
    ])
}

/// Runs `wombat setup` until it says this.
fn killed_at(nats: &NatsServer, words: &str) -> anyhow::Result<()> {
    let mut setup = program()
        .command()
        .args(["setup", "--nats-url", &nats.url()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = BufReader::new(setup.stderr.take().context("a pipe")?);
    let mut said = said.lines().map_while(Result::ok);
    let is_said = said.any(|line| line.contains(words));
    setup.kill()?;
    setup.wait()?;
    ensure!(is_said, "setup ended without `{words}`");
    Ok(())
}

fn printed_by_setup(nats: &NatsServer) -> anyhow::Result<String> {
    let mut setup = program().command();
    let setup = setup.args(["setup", "--nats-url", &nats.url()]).output()?;
    ensure!(setup.status.success(), "{setup:?}");
    Ok(String::from_utf8(setup.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_that_is_killed_again_and_again_loses_no_binary() -> anyhow::Result<()> {
    let (folder, nats, _expected) = old_server()?;
    let connection = nats.connection().await?;
    let before = contents(&connection).await?;
    assert!(before[0].values().any(Result::is_err), "there are links");

    killed_at(&nats, "copying out")?;
    assert_eq!(contents(&connection).await?, before, "nothing has gone yet");
    killed_at(&nats, "comparing")?;
    killed_at(&nats, "copying back")?;
    let opened = Store::open(&connection).await;
    assert!(
        matches!(opened, Err(StoreError::Unfinished("artifacts"))),
        "{opened:?}"
    );
    let service = program()
        .command()
        .args(["service", "--nats-url", &nats.url(), "--state-dir"])
        .arg(folder.path())
        .output()?;
    let said = String::from_utf8_lossy(&service.stderr);
    assert!(
        !service.status.success() && said.contains("run `wombat setup`"),
        "{said}"
    );
    let doctor = program()
        .command()
        .args(["doctor", "--nats-url", &nats.url()])
        .output()?;
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(
        said.contains("the upgrade of `artifacts` isn't finished"),
        "{said}"
    );

    let said = printed_by_setup(&nats)?;
    let start = "start every service, builder and gateway with this version";
    assert!(said.contains(start), "{said}");
    assert_eq!(contents(&connection).await?, before);
    let said = printed_by_setup(&nats)?;
    assert!(said.contains("nothing has to be restarted"), "{said}");

    read_with_the_command_line(&nats, &before[0])
}

/// What a person with the `nats` command line can do.
fn read_with_the_command_line(nats: &NatsServer, objects: &Content) -> anyhow::Result<()> {
    let cli = Nats::at(&nats.url())?;
    let listed = cli.run(&["object", "ls", "artifacts", "--names"])?;
    for name in objects.keys() {
        assert!(listed.contains(name.as_str()), "{name}: {listed}");
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("binary").display().to_string();
    let links = objects.iter().filter_map(|(name, found)| {
        let target = found.as_ref().err()?;
        Some((name, target, objects[target].as_ref().ok()?))
    });
    for (name, target, digest) in links {
        let get = [
            "object",
            "get",
            "artifacts",
            name,
            "--output",
            &file,
            "--force",
        ];
        cli.run(&get)?;
        let bytes = std::fs::read(&file)?;
        assert_eq!(hex::encode(Sha256::digest(bytes)), *digest, "{name}");
        let info = cli.run(&["object", "info", "artifacts", target])?;
        assert!(info.contains("Digest"), "{info}");
        for refused in [
            &["object", "rm", "artifacts", target, "--force"][..],
            &[
                "object",
                "put",
                "artifacts",
                &file,
                "--name",
                target,
                "--force",
            ],
        ] {
            let said = cli.run(refused);
            assert!(said.is_err(), "{refused:?}: {said:?}");
        }
        cli.run(&get)?;
    }
    Ok(())
}
