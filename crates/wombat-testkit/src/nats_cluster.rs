//! Three nats-servers that were just started, and haven't formed a cluster yet.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use tempfile::TempDir;

use crate::nats_process::find_program;

/// Three servers that are forming a cluster. Dropping it kills and reaps them.
#[derive(Debug)]
pub struct UnformedCluster {
    urls: [String; 3],
    servers: Vec<Child>,
    folder: TempDir,
}

impl UnformedCluster {
    /// Starts them, without waiting.
    pub fn starting() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-cluster-")?;
        let program = find_program()?;
        let listeners = [0; 6].map(|any| TcpListener::bind((Ipv4Addr::LOCALHOST, any)));
        let mut ports = [0; 6];
        for (port, listener) in ports.iter_mut().zip(&listeners) {
            let listener = listener.as_ref().ok().context("a free port")?;
            *port = listener.local_addr()?.port();
        }
        drop(listeners);
        let [a, b, c, routes @ ..] = ports;
        let clients = [a, b, c];
        let known = routes
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .join(", ");
        let mut cluster = Self {
            urls: clients.map(|port| format!("nats://127.0.0.1:{port}")),
            servers: Vec::new(),
            folder,
        };
        for (index, (client, route)) in clients.into_iter().zip(routes).enumerate() {
            let folder = cluster.folder.path().join(index.to_string());
            std::fs::create_dir(&folder)?;
            let config = folder.join("nats.conf");
            let text = format!(
                "listen: \"127.0.0.1:{client}\"\nserver_name: n{index}\n\
                 jetstream {{ store_dir: \"{}\" }}\n\
                 cluster {{ name: test, listen: \"127.0.0.1:{route}\", routes: [{known}] }}\n",
                folder.join("jetstream").display()
            );
            std::fs::write(&config, text)?;
            let log = std::fs::File::create(folder.join("nats.log"))?;
            let server = Command::new(&program)
                .arg("--config")
                .arg(&config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .with_context(|| format!("starting {}", program.display()))?;
            cluster.servers.push(server);
        }
        Ok(cluster)
    }

    /// The addresses of the servers for clients.
    pub fn urls(&self) -> &[String; 3] {
        &self.urls
    }
}

impl Drop for UnformedCluster {
    fn drop(&mut self) {
        for server in &mut self.servers {
            // Nothing can be done about a failure here, and the test has its verdict.
            drop(server.kill());
            drop(server.wait());
        }
    }
}
