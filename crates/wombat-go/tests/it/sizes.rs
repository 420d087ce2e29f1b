//! Modules whose files are too large: they are refused with their names and limits, and take no memory.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wombat_go::{BuildError, GoOptions, GraphFiles, Workshop, report::Reporter};
use wombat_model::{BuildSpec, Failure, FailureClass, Package, Target, catalog::Licence};
use wombat_testkit::{ModuleProxy, StubGo, TestModule};

use crate::{go_scene::helper, half_scene::scope};

const MODULE: &str = "large.example/m";
const OTHER: &str = "large.example/other";
const VERSION: &str = "v1.2.3";
/// Names the module proxy of a test to the process that this test starts.
const PROXY: &str = "WOMBAT_TEST_LARGE_PROXY";
/// Memory of that process, which has 60 MB with a module of usual size.
const MOST_MEMORY: u64 = 120 << 20;

/// A `go.sum` of at least this many bytes.
fn go_sum(name: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 100);
    let sum = "A".repeat(43);
    let mut n = 0;
    while text.len() < bytes {
        writeln!(text, "{name}-{n}.example/some/module v1.0.0 h1:{sum}=").unwrap();
        n += 1;
    }
    text
}

fn module(path: &str) -> TestModule {
    TestModule::new(path, VERSION).file("p/p.go", "package p\n")
}

async fn workshop(state: &Path, options: GoOptions) -> Workshop {
    let mut settings = options.discover(state, helper()).await.unwrap();
    "off".clone_into(&mut settings.checksum_database);
    let workshop = Workshop::new(settings, state, Licence::Community);
    workshop.await.unwrap()
}

/// The module graph of these modules, by a builder that was never used before.
async fn graph(proxy: &str, modules: &[&str]) -> Result<GraphFiles, BuildError> {
    let state = TempDir::with_prefix("wombat-large-").unwrap();
    let options = GoOptions {
        module_cache: Some(state.path().join("modules")),
        goproxy: Some(proxy.to_owned()),
        ..GoOptions::default()
    };
    let workshop = workshop(state.path(), options).await;
    let scope = scope(&CancellationToken::new(), Reporter::new().0);
    workshop.graph(&spec(modules), &scope).await
}

fn spec(modules: &[&str]) -> BuildSpec {
    let package = |module: &&str| Package {
        module: module.parse().unwrap(),
        base: false,
    };
    let packages = modules.iter().map(|module| {
        let path = format!("{module}/p").parse().unwrap();
        (path, package(module))
    });
    let versions = modules
        .iter()
        .map(|module| (module.parse().unwrap(), VERSION.parse().unwrap()));
    let target = Target::new("linux/amd64".parse().unwrap(), None).unwrap();
    let go = "1.26.8".parse().unwrap();
    let graph = modules[0].parse().unwrap();
    BuildSpec::new(target, go, packages.collect(), versions.collect(), graph).unwrap()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, BuildError>) -> Failure {
    let Err(BuildError::Failed(failure)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(failure.class, FailureClass::Input, "{failure:?}");
    failure
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_sum_of_any_size_takes_little_memory() {
    // In a process of its own, where no other test takes memory.
    if let Ok(proxy) = std::env::var(PROXY) {
        let refused = refusal(graph(&proxy, &[MODULE]).await).message;
        assert!(
            refused.starts_with("The go.sum of large.example/m v1.2.3 has 2516")
                && refused.ends_with(" bytes, more than the limit of 4194304."),
            "{refused}"
        );
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|it| it.trim().strip_suffix(" kB")).unwrap();
        let peak: u64 = peak.parse::<u64>().unwrap() << 10;
        assert!(peak < MOST_MEMORY, "{peak} bytes");
        return;
    }
    let proxy = ModuleProxy::start().await.unwrap();
    let large = module(MODULE).file("go.sum", go_sum("large", 24 << 20));
    proxy.serve(&large).unwrap();
    let alone = Command::new(std::env::current_exe().unwrap())
        .args([
            "sizes::a_go_sum_of_any_size_takes_little_memory",
            "--exact",
            "--nocapture",
        ])
        .env(PROXY, proxy.url())
        .stdin(Stdio::null())
        .output();
    let alone = alone.unwrap();
    assert!(
        alone.status.success(),
        "{}{}",
        String::from_utf8_lossy(&alone.stdout),
        String::from_utf8_lossy(&alone.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_module_requires_has_limits_alone_and_together() {
    let proxy = ModuleProxy::start().await.unwrap();
    for (path, name) in [(MODULE, "one"), (OTHER, "two")] {
        let half = module(path).file("go.sum", go_sum(name, 3 << 20));
        proxy.serve(&half).unwrap();
    }
    let files = graph(&proxy.url(), &[MODULE]).await.unwrap();
    assert!(files.go_sum.len() > 3 << 20);
    let refused = refusal(graph(&proxy.url(), &[MODULE, OTHER]).await).message;
    assert!(
        refused.starts_with("The go.sum of all requested modules together has 62"),
        "{refused}"
    );

    let comment = "// and so on\n".repeat(100_000);
    let long = format!("module {MODULE}\n\ngo 1.26.0\n{comment}");
    proxy.serve(&module(MODULE).go_mod(long)).unwrap();
    let refused = refusal(graph(&proxy.url(), &[MODULE]).await).message;
    let says = "large.example/m/@v/v1.2.3.mod has 1300034 bytes or more, and the limit is 1048576";
    assert!(refused.contains(says), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_packages_has_a_limit() {
    let stub = StubGo::new().unwrap();
    let state = TempDir::with_prefix("wombat-large-").unwrap();
    let mut options = GoOptions {
        go: Some(stub.program()),
        ..GoOptions::default()
    };
    options.sandbox.sandbox_allow = vec![stub.folder().to_owned()];
    let workshop = workshop(state.path(), options).await;
    let scope = scope(&CancellationToken::new(), Reporter::new().0);
    let (spec, module) = (spec(&[MODULE]), MODULE.parse().unwrap());
    let import = "a.example/some/package";
    for (count, listed) in [(10_000, true), (200_000, false)] {
        let imports = vec![import; 10];
        let package = serde_json::json!({"ImportPath": import, "Name": "p", "Imports": imports});
        stub.offers(&vec![package; count]).unwrap();
        let found = workshop.packages_of_module(&spec, &module, &scope).await;
        if listed {
            assert_eq!(found.unwrap().len(), count);
        } else {
            let refused = refusal(found).message;
            let says = "`go list` printed more than the limit of 32 MiB.";
            assert_eq!(refused, says);
        }
    }
}
