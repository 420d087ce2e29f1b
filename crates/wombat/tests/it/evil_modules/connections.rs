//! The addresses that compilers connect to, as the kernel saw them.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddrV4,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::NamedTempFile;
use wombat_testkit::wait_until;

use super::cases::{PLAIN, including, module};
use crate::proxy_scene::{COLD, Scene, request};

/// `strace`, attached to a process and all its descendants.
struct Watched {
    strace: Child,
    builder: u32,
    lines: NamedTempFile,
}

impl Watched {
    async fn attach(builder: u32) -> anyhow::Result<Self> {
        let lines = NamedTempFile::new()?;
        let strace = Command::new("strace")
            .args(["-f", "-q", "-e", "trace=connect,sendto,sendmsg"])
            .args(["-e", "signal=none", "-p", &builder.to_string(), "-o"])
            .arg(lines.path())
            .stderr(Stdio::null())
            .spawn()
            .context("strace is needed: tools/install-strace")?;
        let watched = Self {
            strace,
            builder,
            lines,
        };
        // The test continues only once all threads are attached.
        wait_until("strace to watch", Duration::from_secs(30), async || {
            for thread in fs::read_dir(format!("/proc/{builder}/task"))? {
                let status = fs::read_to_string(thread?.path().join("status"))?;
                if status.contains("TracerPid:\t0\n") {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await?;
        Ok(watched)
    }

    /// What processes other than the builder itself connected to.
    fn of_children(mut self) -> anyhow::Result<BTreeSet<String>> {
        let own: BTreeSet<String> = fs::read_dir(format!("/proc/{}/task", self.builder))?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<anyhow::Result<_>>()?;
        kill(
            Pid::from_raw(self.strace.id().cast_signed()),
            Signal::SIGINT,
        )?;
        self.strace.wait()?;
        let text = fs::read_to_string(self.lines.path())?;
        let of_children = text.lines().filter_map(|line| line.split_once(' '));
        Ok(of_children
            .filter(|(thread, _)| !own.contains(*thread))
            .filter_map(|(_, call)| address(call))
            .collect())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Both fail where it has ended.
        drop(self.strace.kill());
        drop(self.strace.wait());
    }
}

/// The address that a call connects to, if it is an internet address.
fn address(call: &str) -> Option<String> {
    let (_, rest) = call.split_once("sa_family=AF_INET")?;
    let (_, port) = rest.split_once("htons(")?;
    let (port, rest) = port.split_once(')')?;
    Some(format!("{}:{port}", rest.split('"').nth(1)?))
}

/// The loopback ports that a process listens on.
fn listening(process: u32) -> anyhow::Result<BTreeSet<String>> {
    let sockets: BTreeSet<String> = fs::read_dir(format!("/proc/{process}/fd"))?
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|target| {
            let target = target.to_string_lossy().into_owned();
            Some(
                target
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect();
    let table = fs::read_to_string("/proc/net/tcp")?;
    let mut found = BTreeSet::new();
    for line in table.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (address, state, inode) = (words[1], words[3], words[9]);
        if state == "0A" && sockets.contains(inode) {
            let (ip, port) = address.split_once(':').context("an address and a port")?;
            let ip = u32::from_str_radix(ip, 16)?.swap_bytes();
            let port = u16::from_str_radix(port, 16)?;
            found.insert(SocketAddrV4::new(ip.into(), port).to_string());
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn compilers_talk_to_the_relay_and_nobody_else() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let builder = scene.builder(&[]).await?;
    let relay = listening(builder.id())?;
    ensure!(relay.len() == 1, "one relay: {relay:?}");
    let watched = Watched::attach(builder.id()).await?;
    let honest = module(20).file("p/p.go", PLAIN);
    scene.proxy.serve(&honest)?;
    let id = scene.site.asked(&request(&honest)).await?;
    scene.site.until(&id, "success", COLD).await?;
    let (view, _) = scene.build(&including(21, "/etc/hosts")).await?;
    assert_eq!(view["failure"]["class"], "compile", "{view}");
    assert_eq!(watched.of_children()?, relay);
    Ok(())
}
