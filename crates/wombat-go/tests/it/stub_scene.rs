//! A workshop with a stand-in for `go`, and a real NATS whose bucket all builders share.

use std::path::Path;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wombat_go::{BuildError, GoOptions, Product, Trust, Workshop, report::Reporter};
use wombat_model::{BuildSpec, catalog::Licence};
use wombat_store::{Connection, Store};
use wombat_testkit::{NatsServer, StubGo};

use crate::{go_scene::helper, half_scene::scope};

pub(crate) struct Scene {
    pub(crate) stub: StubGo,
    pub(crate) store: Store,
    /// State folders of the builders.
    folder: TempDir,
    _connection: Connection,
    _nats: NatsServer,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let nats = NatsServer::start().unwrap();
        let (connection, store) = nats.store().await.unwrap();
        Self {
            stub: StubGo::new().unwrap(),
            store,
            folder: TempDir::with_prefix("wombat-stub-").unwrap(),
            _connection: connection,
            _nats: nats,
        }
    }

    /// A workshop that trusts all modules, so that it shares whatever it shares.
    pub(crate) async fn workshop(&self, state: &Path) -> Workshop {
        let mut options = GoOptions {
            go: Some(self.stub.program()),
            ..GoOptions::default()
        };
        options.sandbox.sandbox_allow = vec![self.stub.folder().to_owned()];
        let settings = options.discover(state, helper()).await.unwrap();
        let workshop = Workshop::new(settings, state, Licence::Community).await;
        let bucket = self.store.gocache.clone();
        workshop.unwrap().shared(Some(bucket), Trust::Alone)
    }

    /// Builds as a builder that was never used before.
    pub(crate) async fn build(&self, spec: &BuildSpec) -> Result<Product, BuildError> {
        let state = TempDir::with_prefix_in("builder-", self.folder.path()).unwrap();
        let workshop = self.workshop(&state.keep()).await;
        let scope = scope(&CancellationToken::new(), Reporter::new().0);
        workshop.build(spec, &scope).await
    }
}
