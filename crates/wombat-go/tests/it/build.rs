//! From a spec to a binary with real Go and real modules.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wombat_go::{
    BuildError, GoOptions, Product, Workshop,
    report::{Report, Reporter},
};
use wombat_model::{
    BuildSpec, Failure, FailureClass, Package, Target, catalog::Licence, log::Phase,
};

use wombat_testkit::go_caches;

use crate::half_scene::scope;

const CONNECT: &str = "github.com/redpanda-data/connect/v4";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";

/// Options with the caches that all tests share.
pub(crate) fn options() -> GoOptions {
    let [(_, modules), (_, cache)] = go_caches().unwrap();
    GoOptions {
        module_cache: Some(modules.into()),
        go_cache: Some(cache.into()),
        ..GoOptions::default()
    }
}

pub(crate) async fn workshop(state: &Path, options: &GoOptions) -> Workshop {
    let settings = options
        .discover(state, env!("CARGO_BIN_EXE_wombat-go-helper").into())
        .await
        .unwrap();
    Workshop::new(settings, state, Licence::Community)
        .await
        .unwrap()
}

/// What to build: Benthos `pure` and Connect's packages of these names.
pub(crate) struct Selection {
    platform: &'static str,
    connect: &'static str,
    benthos: &'static str,
    names: &'static [&'static str],
}

pub(crate) const NATS: Selection = Selection {
    platform: "linux/amd64",
    connect: "v4.105.0",
    benthos: "v4.77.0",
    names: &["nats"],
};

impl Selection {
    pub(crate) fn spec(&self) -> BuildSpec {
        let package = |module: &str, base| Package {
            module: module.parse().unwrap(),
            base,
        };
        let mut packages = BTreeMap::from([(
            format!("{BENTHOS}/public/components/pure").parse().unwrap(),
            package(BENTHOS, true),
        )]);
        packages.extend(self.names.iter().map(|name| {
            (
                format!("{CONNECT}/public/components/{name}")
                    .parse()
                    .unwrap(),
                package(CONNECT, false),
            )
        }));
        let modules = [(BENTHOS, self.benthos), (CONNECT, self.connect)];
        BuildSpec::new(
            Target::new(self.platform.parse().unwrap(), None).unwrap(),
            "1.26.8".parse().unwrap(),
            packages,
            modules
                .map(|(path, version)| (path.parse().unwrap(), version.parse().unwrap()))
                .into(),
            CONNECT.parse().unwrap(),
        )
        .unwrap()
    }

    async fn build(&self, workshop: &Workshop) -> (Result<Product, BuildError>, Vec<Report>) {
        let (reporter, mut reports) = Reporter::new();
        let scope = scope(&CancellationToken::new(), reporter);
        let result = workshop.build(&self.spec(), &scope).await;
        drop(scope);
        let mut told = Vec::new();
        while let Some(report) = reports.next().await {
            told.push(report);
        }
        (result, told)
    }

    async fn failure(&self, workshop: &Workshop) -> Failure {
        match self.build(workshop).await {
            (Err(BuildError::Failed(failure)), _) => failure,
            (other, told) => panic!("{other:?} {told:?}"),
        }
    }
}

#[tokio::test]
async fn the_same_bytes_in_any_folder_and_by_hand() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let deeper = two.path().join("much/deeper");
    std::fs::create_dir_all(&deeper).unwrap();
    let (first, told) = NATS.build(&workshop(one.path(), &options()).await).await;
    let first = first.unwrap();
    let second = NATS
        .build(&workshop(&deeper, &options()).await)
        .await
        .0
        .unwrap();
    assert_eq!(first.sha256, second.sha256);

    let last = told.iter().rev().find_map(|report| match report {
        Report::Phase(Phase::Compile, progress) => *progress,
        Report::Phase(..) | Report::Line(_) | Report::Dropped { .. } => None,
    });
    let last = last.unwrap();
    assert!(last.done == last.total && last.total > 300, "{last:?}");

    let version = Command::new(&first.path).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    assert!(
        version.contains(&format!(
            "v4.105.0+wombat.{}",
            NATS.spec().key().hash().short()
        )),
        "{version}"
    );

    // By the recipe alone, with plain Go.
    let folder = TempDir::new().unwrap();
    for (name, text) in &first.recipe.files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let shared = options();
    let status = Command::new("sh")
        .args(["-c", &first.recipe.command])
        .current_dir(folder.path())
        .envs(&first.recipe.environment)
        .env("GOMODCACHE", shared.module_cache.unwrap())
        .env("GOCACHE", shared.go_cache.unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    let by_hand = std::fs::read(folder.path().join("wombat")).unwrap();
    assert!(
        by_hand == std::fs::read(&first.path).unwrap(),
        "the recipe gives other bytes"
    );
}

#[tokio::test]
async fn a_known_set_of_modules_needs_no_proxy() {
    let state = TempDir::new().unwrap();
    NATS.build(&workshop(state.path(), &options()).await)
        .await
        .0
        .unwrap();
    let offline = GoOptions {
        goproxy: Some("off".into()),
        ..options()
    };
    NATS.build(&workshop(state.path(), &offline).await)
        .await
        .0
        .unwrap();
}

#[tokio::test]
async fn components_under_the_community_licence_get_their_hook() {
    let state = TempDir::new().unwrap();
    let kafka = Selection {
        names: &["kafka"],
        ..NATS
    };
    let product = kafka
        .build(&workshop(state.path(), &options()).await)
        .await
        .0
        .unwrap();
    assert!(product.recipe.files["main.go"].contains("license.LocateLicense"));
    let listed = Command::new(&product.path)
        .args(["list", "--format", "json-full"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("\"kafka_franz\""));
}

#[tokio::test]
async fn what_cannot_be_built_is_refused_in_words() {
    let state = TempDir::new().unwrap();
    let workshop = workshop(state.path(), &options()).await;
    for (selection, words, blamed) in [
        (
            Selection {
                names: &["natsx"],
                ..NATS
            },
            "There is no package",
            Some("natsx"),
        ),
        (
            Selection {
                names: &["ffi"],
                ..NATS
            },
            "compiles to nothing on linux/amd64",
            Some("ffi"),
        ),
        (
            Selection {
                names: &["pulsar"],
                platform: "linux/arm",
                ..NATS
            },
            "compiles to nothing on linux/arm",
            Some("pulsar"),
        ),
        (
            Selection {
                names: &["mysql"],
                ..NATS
            },
            "Redpanda Community Licence",
            Some("mysql"),
        ),
        (
            Selection {
                benthos: "v4.76.0",
                ..NATS
            },
            "v4.76.0 was requested, but github.com/redpanda-data/connect/v4 v4.105.0 needs",
            None,
        ),
        (
            Selection {
                connect: "v4.106.0",
                ..NATS
            },
            "refuses github.com/redpanda-data/connect/v4 v4.106.0",
            None,
        ),
        (
            Selection {
                connect: "v4.78.0",
                ..NATS
            },
            "checksum database doesn't know github.com/redpanda-data/connect/v4 v4.78.0",
            None,
        ),
    ] {
        let failure = selection.failure(&workshop).await;
        assert_eq!(failure.class, FailureClass::Input, "{failure:?}");
        assert!(failure.message.contains(words), "{failure:?}");
        assert_eq!(
            failure
                .package
                .as_ref()
                .map(wombat_model::ImportPath::short_name),
            blamed,
            "{failure:?}"
        );
    }
    assert_eq!(
        std::fs::read_dir(workshop.jobs_folder()).unwrap().count(),
        0,
        "no folder is left behind"
    );
}

#[tokio::test]
async fn stopping_ends_go_at_once() {
    let (state, empty) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let cold = GoOptions {
        go_cache: Some(empty.path().to_owned()),
        ..options()
    };
    let workshop = workshop(state.path(), &cold).await;
    let (reporter, mut reports) = Reporter::new();
    let stop = CancellationToken::new();
    let scope = scope(&stop, reporter);
    let watch = async {
        while let Some(report) = reports.next().await {
            if matches!(report, Report::Phase(Phase::Compile, Some(progress)) if progress.done > 0)
            {
                stop.cancel();
                return Instant::now();
            }
        }
        panic!("it was never compiled");
    };
    let spec = NATS.spec();
    let (result, stopped) = tokio::join!(workshop.build(&spec, &scope), watch);
    assert_eq!(result.unwrap_err(), BuildError::Stopped);
    assert!(
        stopped.elapsed() < Duration::from_secs(1),
        "{:?}",
        stopped.elapsed()
    );
    assert_eq!(
        std::fs::read_dir(workshop.jobs_folder()).unwrap().count(),
        0
    );
}
