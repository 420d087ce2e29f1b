//! A workshop in the test's own process, with real Go, its own folders, and the test's module proxy. Files are damaged
//! between two workshops, as between two starts of a builder.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wombat_go::{
    BuildError, GoOptions, Limit, Product, Scope, Workshop,
    report::{Report, Reporter},
};
use wombat_model::{BuildSpec, Package, Target, catalog::Licence};
use wombat_testkit::{ModuleProxy, TestModule, go_caches};

pub(crate) const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";
/// The name of the test's own module on disk.
pub(crate) const MODULE: &str = "half.example/m";
pub(crate) const VERSION: &str = "v1.2.3";
const LIMIT: Duration = Duration::from_mins(15);

pub(crate) struct Scene {
    pub(crate) proxy: ModuleProxy,
    folder: TempDir,
    checked: bool,
}

/// The result and the log of a build.
pub(crate) struct Built {
    pub(crate) result: Result<Product, BuildError>,
    pub(crate) log: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let proxy = ModuleProxy::start().await.unwrap();
        let source = format!("package p\n\nimport _ \"{BENTHOS}/public/service\"\n");
        let module = TestModule::new(MODULE, VERSION).file("p/p.go", source);
        proxy.serve(&module).unwrap();
        let folder = TempDir::with_prefix("wombat-half-").unwrap();
        Self {
            proxy,
            folder,
            checked: false,
        }
    }

    /// A scene with the checksum database, which doesn't know the test's module.
    pub(crate) async fn checked() -> Self {
        Self {
            checked: true,
            ..Self::new().await
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Below the state folder, as by default: modules are removed from no other cache.
    pub(crate) fn modules(&self) -> PathBuf {
        self.state().join("modules")
    }

    /// A file that Go stores for the test's module.
    pub(crate) fn download(&self, kind: &str) -> PathBuf {
        let folder = self.modules().join("cache/download").join(MODULE);
        folder.join(format!("@v/{VERSION}.{kind}"))
    }

    /// Where the test's module is unpacked.
    pub(crate) fn unpacked(&self) -> PathBuf {
        self.modules().join(format!("{MODULE}@{VERSION}"))
    }

    pub(crate) async fn workshop(&self) -> Workshop {
        let [_, (_, cache)] = go_caches().unwrap();
        let options = GoOptions {
            module_cache: Some(self.modules()),
            go_cache: Some(cache.into()),
            goproxy: Some(self.proxy.url()),
            ..GoOptions::default()
        };
        let helper = env!("CARGO_BIN_EXE_wombat-go-helper").into();
        let mut settings = options.discover(&self.state(), helper).await.unwrap();
        if !self.checked {
            "off".clone_into(&mut settings.checksum_database);
        }
        Workshop::new(settings, &self.state(), Licence::Community)
            .await
            .unwrap()
    }

    /// Builds the spec as a builder that was just started.
    pub(crate) async fn build(&self, spec: &BuildSpec) -> Built {
        self.build_until(spec, &CancellationToken::new()).await
    }

    /// The same, as long as `stop` isn't cancelled.
    pub(crate) async fn build_until(&self, spec: &BuildSpec, stop: &CancellationToken) -> Built {
        Self::build_in(&self.workshop().await, spec, stop).await
    }

    /// The same in a workshop that may have built before.
    pub(crate) async fn build_in(
        workshop: &Workshop,
        spec: &BuildSpec,
        stop: &CancellationToken,
    ) -> Built {
        let (reporter, mut reports) = Reporter::new();
        let scope = scope(stop, reporter);
        let result = workshop.build(spec, &scope).await;
        drop(scope);
        let mut log = String::new();
        while let Some(report) = reports.next().await {
            if let Report::Line(line) = report {
                log.push_str(&line);
                log.push('\n');
            }
        }
        Built { result, log }
    }
}

/// What a build of the tests may use, until `stop` is cancelled.
pub(crate) fn scope(stop: &CancellationToken, reporter: Reporter) -> Scope {
    Scope {
        stop: stop.clone(),
        deadline: Instant::now() + LIMIT,
        time_limit: Limit::of_all(LIMIT),
        memory_limit: 4 << 30,
        output_limit: Limit::of_all(1 << 30),
        process_limit: 512,
        parallelism: 2,
        niceness: 10,
        reporter,
    }
}

impl Built {
    /// Go ran, and found that the module lacks the package.
    pub(crate) fn lacks_package(&self, what: &str) {
        assert!(
            matches!(&self.result, Err(BuildError::Failed(failure)) if failure.message.contains("There is no package")),
            "{what}: {:?}\n{}",
            self.result,
            self.log
        );
    }

    pub(crate) fn succeeds(&self, what: &str) {
        assert!(
            self.result.is_ok(),
            "{what}: {:?}\n{}",
            self.result,
            self.log
        );
    }
}

/// A build of a package of the test's own module, which may not have it.
pub(crate) fn own_spec(package: &str) -> BuildSpec {
    spec("1.26.8", &[(MODULE, package)])
}

/// A build that fails because Benthos lacks the package, if this Go works.
pub(crate) fn failing_spec(go: &str) -> BuildSpec {
    spec(go, &[(BENTHOS, "public/components/nothing")])
}

fn spec(go: &str, packages: &[(&str, &str)]) -> BuildSpec {
    let base = ("public/components/pure", BENTHOS);
    let package = |module: &str, base| Package {
        module: module.parse().unwrap(),
        base,
    };
    let mut all = BTreeMap::from([(
        format!("{BENTHOS}/{}", base.0).parse().unwrap(),
        package(BENTHOS, true),
    )]);
    let mut modules = BTreeMap::from([(BENTHOS.parse().unwrap(), "v4.77.0".parse().unwrap())]);
    for (module, name) in packages {
        all.insert(
            format!("{module}/{name}").parse().unwrap(),
            package(module, false),
        );
        if *module == MODULE {
            modules.insert(module.parse().unwrap(), VERSION.parse().unwrap());
        }
    }
    BuildSpec::new(
        Target::new("linux/amd64".parse().unwrap(), None).unwrap(),
        go.parse().unwrap(),
        all,
        modules,
        BENTHOS.parse().unwrap(),
    )
    .unwrap()
}
