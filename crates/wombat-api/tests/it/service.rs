//! A real service behind the gateway.

use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wombat_service::{ServiceArgs, ServiceDeps, run};
use wombat_store::{Store, roles::NatsRole};
use wombat_testkit::NatsServer;

/// A running service; it ends with the test.
pub(crate) struct Service {
    stop: CancellationToken,
    _directory: TempDir,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Service {
    pub(crate) async fn start(server: &NatsServer) -> anyhow::Result<Self> {
        let connection = server.connection_as(NatsRole::Service).await?;
        let store = Store::open(&connection).await?;
        let directory = TempDir::with_prefix("wombat-service-")?;
        let (ready, mut answers) = watch::channel(false);
        let deps = ServiceDeps {
            connection,
            store,
            state_dir: directory.path().to_owned(),
            ready,
        };
        let stop = CancellationToken::new();
        tokio::spawn(Box::pin(run(deps, ServiceArgs::default(), stop.clone())));
        answers.wait_for(|ready| *ready).await?;
        Ok(Self {
            stop,
            _directory: directory,
        })
    }
}
