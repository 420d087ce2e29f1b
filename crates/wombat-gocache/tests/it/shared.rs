//! Each package is compiled on one machine only, and damaged results are compiled again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use wombat_gocache::{CacheServer, ListScope, LocalCache, Outcome};
use wombat_model::ImportPath;
use wombat_store::Store;
use wombat_testkit::{Damage, NatsServer};

const MAIN: &str = "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"built\") }\n";

/// A machine with an empty cache, and the fleet's bucket if it has one.
struct Machine {
    folder: TempDir,
    server: CacheServer,
}

impl Machine {
    fn new(store: Option<&Store>) -> Self {
        Self::in_folder(TempDir::with_prefix("wombat-machine-").unwrap(), store)
    }

    /// A machine whose cache has what is in this folder.
    fn in_folder(folder: TempDir, store: Option<&Store>) -> Self {
        let cache = |name: &str| LocalCache::new(folder.path().join(name));
        let fleet = store.map(|store| store.gocache.clone());
        let server = CacheServer::start(cache("shared"), cache("private"), fleet);
        Self { folder, server }
    }

    /// Builds a program and uploads the results; returns the packages that `go` compiled.
    async fn build(&self) -> Vec<String> {
        let source = self.folder.path().join("source");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("main.go"), MAIN).unwrap();
        fs::write(source.join("go.mod"), "module example.com/m\n\ngo 1.26\n").unwrap();
        let session = self.server.session(true);
        session.fetch_ahead(&scope(), packages());
        let mut go = Command::new("go");
        go.args(["build", "-v", "-trimpath", "-o", "program"])
            .current_dir(&source)
            .envs([("GOFLAGS", ""), ("GOWORK", "off"), ("CGO_ENABLED", "0")])
            .env("GOCACHE", session.folder())
            .env("GOCACHEPROG", session.command(helper()).unwrap());
        let output = tokio::task::spawn_blocking(move || go.output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert_eq!(session.outcome().await, Outcome::Complete);
        session.upload(&scope(), &packages()).await.ok();
        said.lines().map(str::to_owned).collect()
    }

    /// The results on this machine's disk.
    fn results(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.folder.path().join("shared")).unwrap();
        let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()));
        files
            .flatten()
            .map(|file| file.unwrap().path())
            .filter(|path| path.to_str().unwrap().ends_with("-d"))
            .collect()
    }
}

fn helper() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wombat-gocache-helper"))
}

fn scope() -> ListScope {
    ListScope::of("a graph for a target")
}

fn packages() -> Vec<ImportPath> {
    vec!["example.com/m".parse().unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_machine_compiled_another_takes_from_the_fleet() {
    let nats = NatsServer::start().unwrap();
    let (_connection, store) = nats.store().await.unwrap();
    let compiled = Machine::new(Some(&store)).build().await;
    assert!(compiled.len() > 20, "{compiled:?}");
    let compiled = Machine::new(Some(&store)).build().await;
    assert_eq!(compiled, Vec::<String>::new());
    // A machine without a fleet compiles everything.
    assert!(Machine::new(None).build().await.len() > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_result_on_the_disk_is_compiled_again() {
    let machine = Machine::new(None);
    machine.build().await;
    let results = machine.results();
    let mut damages = Damage::ALL.into_iter().chain([Damage::Tail]).cycle();
    for path in &results {
        damages.next().unwrap().of(path);
    }
    // Another process verifies every result.
    let again = Machine::in_folder(machine.folder, None);
    assert!(again.build().await.len() > 20);
}
