//! What `go` fetches through the relay, and its answers when the proxy fails.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Mutex,
    time::Duration,
};

use tempfile::TempDir;
use wombat_goproxy::{FetchError, ProxyClient, Relay, RelaySession, Upstream};
use wombat_testkit::{ModuleProxy, ProxyFault, TestModule};

const MODULE: &str = "relayed.example/m";
const VERSION: &str = "v1.2.3";
const PATIENCE: Duration = Duration::from_secs(2);

async fn relay(upstream: &str, folder: &Path) -> Relay {
    let upstream = Upstream::from_setting(upstream).unwrap();
    let folder = folder.join("fetched");
    Relay::start(upstream, "off", folder, PATIENCE)
        .await
        .unwrap()
}

/// Fetches the module into a cache of its own.
async fn fetch(session: &RelaySession) -> Output {
    let modules = TempDir::with_prefix("wombat-modules-").unwrap();
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", "-modcacherw"])
        .arg(format!("{MODULE}@{VERSION}"))
        .current_dir(modules.path())
        .envs([("GOFLAGS", ""), ("GOSUMDB", "off"), ("GOWORK", "off")])
        .env("GOPROXY", session.url())
        .env("GOMODCACHE", modules.path().join("cache"));
    let output = tokio::task::spawn_blocking(move || go.output());
    output.await.unwrap().unwrap()
}

fn module() -> TestModule {
    TestModule::new(MODULE, VERSION).file("m.go", "package m\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_once_comes_from_the_disk() {
    let mut proxy = ModuleProxy::start().await.unwrap();
    proxy.serve(&module()).unwrap();
    let folder = TempDir::with_prefix("wombat-relay-").unwrap();
    let first = relay(&proxy.url(), folder.path()).await;
    let output = fetch(&first.session()).await;
    assert!(output.status.success(), "{output:?}");
    let asked = proxy.asked().len();
    let output = fetch(&first.session()).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(proxy.asked().len(), asked);
    proxy.stop().await.unwrap();
    let output = fetch(&relay("off", folder.path()).await.session()).await;
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_fails_is_named_as_the_trouble() {
    let proxy = ModuleProxy::start().await.unwrap();
    proxy.serve(&module()).unwrap();
    let folder = TempDir::with_prefix("wombat-relay-").unwrap();
    let relay = relay(&proxy.url(), folder.path()).await;
    let faults: [(ProxyFault, &[&str]); 3] = [
        (ProxyFault::Status(503), &["it answered 503"]),
        // Two limits are of the same length, and an answer may be cut before its head ends.
        (
            ProxyFault::Hang,
            &["it didn't respond for 2 s", "it stopped answering"],
        ),
        (ProxyFault::Cut, &["cut off", "valid HTTP"]),
    ];
    for (fault, words) in faults {
        proxy.fail(MODULE, fault);
        let session = relay.session();
        assert!(!fetch(&session).await.status.success());
        let trouble = session.take_trouble().unwrap();
        let known = words.iter().any(|words| trouble.contains(words));
        assert!(known, "{trouble}");
        proxy.heal(MODULE);
    }
    let session = relay.session();
    assert!(fetch(&session).await.status.success());
    assert_eq!(session.take_trouble(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_good_for_one_build() {
    let proxy = ModuleProxy::start().await.unwrap();
    proxy.serve(&module()).unwrap();
    let folder = TempDir::with_prefix("wombat-relay-").unwrap();
    let relay = relay(&proxy.url(), folder.path()).await;
    let session = relay.session();
    let url = format!("{}/{MODULE}/@v/{VERSION}.info", session.url());
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    drop(session);
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_go_comes_whole_and_tells_how_far_it_is() {
    let proxy = ModuleProxy::start().await.unwrap();
    proxy.serve(&module()).unwrap();
    let folder = TempDir::with_prefix("wombat-client-").unwrap();
    let upstream = Upstream::from_setting(&proxy.url()).unwrap();
    let client = ProxyClient::new(upstream, PATIENCE).unwrap();
    let path = format!("{MODULE}/@v/{VERSION}.zip");
    let to = folder.path().join("archive");
    let told = Mutex::new(Vec::new());
    let tell = |done, all| told.lock().unwrap().push((done, all));
    client.fetch(&path, to.clone(), &tell).await.unwrap();
    let archive = tokio::fs::read(&to).await.unwrap();
    assert_eq!(archive, module().zip().unwrap());
    let size = archive.len() as u64;
    assert_eq!(told.lock().unwrap().last(), Some(&(size, Some(size))));

    proxy.fail(MODULE, ProxyFault::Status(410));
    let refused = client.fetch(&path, to.clone(), &|_, _| ()).await;
    assert!(
        matches!(&refused, Err(FetchError::Rejected { status, .. }) if *status == 410),
        "{refused:?}"
    );
    proxy.heal(MODULE);
    proxy.fail(MODULE, ProxyFault::Cut);
    let cut = client.fetch(&path, to.clone(), &|_, _| ()).await;
    assert!(matches!(&cut, Err(FetchError::Unavailable(_))), "{cut:?}");
    for nonsense in ["../secret", "example.com", "golang.org/toolchain/@v/../x"] {
        let refused = client.fetch(nonsense, to.clone(), &|_, _| ()).await;
        assert!(refused.is_err(), "{nonsense}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relays_own_process_asks_without_an_address() {
    let proxy = ModuleProxy::start().await.unwrap();
    proxy.serve(&module()).unwrap();
    let list = format!("{MODULE}/@v/list");
    proxy.replace(&list, "v1.2.3\n");
    let folder = TempDir::with_prefix("wombat-relay-").unwrap();
    let relay = relay(&proxy.url(), folder.path()).await;
    assert_eq!(relay.ask(&list).await.unwrap(), b"v1.2.3\n");
    proxy.replace(&list, "v1.2.3\nv1.2.4\n");
    assert_eq!(relay.ask(&list).await.unwrap(), b"v1.2.3\nv1.2.4\n");
    assert!(relay.ask("nothing").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_its_limit_is_refused_wherever_it_comes_from() {
    let proxy = ModuleProxy::start().await.unwrap();
    let files = TempDir::with_prefix("wombat-proxy-").unwrap();
    let folder = TempDir::with_prefix("wombat-relay-").unwrap();
    for (kind, limit) in [("mod", 1 << 20), ("info", 64 << 10)] {
        let path = format!("{MODULE}/@v/{VERSION}.{kind}");
        let file = files.path().join(&path);
        tokio::fs::create_dir_all(file.parent().unwrap())
            .await
            .unwrap();
        for (size, status) in [(limit + 1, 403), (limit, 200)] {
            let content = vec![b' '; size];
            tokio::fs::write(&file, &content).await.unwrap();
            proxy.replace(&path, content);
            for upstream in [proxy.url(), format!("file://{}", files.path().display())] {
                let cache = TempDir::new_in(folder.path()).unwrap();
                let relay = relay(&upstream, cache.path()).await;
                let session = relay.session();
                let answer = reqwest::get(format!("{}/{path}", session.url()));
                let answer = answer.await.unwrap();
                assert_eq!(answer.status(), status, "{upstream} {kind} {size}");
                let text = answer.text().await.unwrap();
                assert_eq!(text.contains("limit"), status == 403, "{upstream} {kind}");
                assert_eq!(session.take_trouble(), None);
            }
        }
    }
}
