//! Real Go, real modules: from a request to a binary that runs a pipeline.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use wombat_testkit::{Site, Wombat, a_request, artifact_path, go_caches, install};

use crate::program;

/// With nothing in Go's caches, on two cores.
pub(crate) const COLD: Duration = Duration::from_mins(15);

/// `wombat up` with Go's own caches; `nats-server` is the one that `make tools` built.
pub(crate) fn up(state: &Path) -> anyhow::Result<Wombat> {
    up_with(state, &[])
}

/// The same with further arguments.
pub(crate) fn up_with(state: &Path, more: &[&str]) -> anyhow::Result<Wombat> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nats-server");
    let server = std::env::var_os("WOMBAT_NATS_SERVER").map_or(built, Into::into);
    let [(_, modules), (_, cache)] = go_caches()?;
    let text = |path: &std::ffi::OsStr| {
        path.to_str()
            .map(str::to_owned)
            .context("paths are text here")
    };
    let paths = [
        "--nats-server",
        &text(server.as_os_str())?,
        "--module-cache",
        &text(&modules)?,
        "--go-cache",
        &text(&cache)?,
    ];
    let args = ["up", "--http", "127.0.0.1:0", "--workers", "1"];
    program().start_in(state, &[&args[..], &paths, more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_binary_holds_what_was_picked_and_runs() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-real-")?;
    let running = up(&folder.path().join("state").make()?)?;
    let site = Site::new(running.first_line()?);
    site.until_ready().await?;

    let body = a_request(&["nats"]);
    let response = site
        .client
        .post(format!("{}/api/builds", site.url))
        .body(body.to_string())
        .send()
        .await?;
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str()?.to_owned();
    let view: Value = serde_json::from_str(&response.text().await?)?;
    let id = view["id"].as_str().context("an id")?.to_owned();
    assert!(
        location.ends_with(&format!("/api/builds/{id}")),
        "{location}"
    );
    let view = site.until(&id, "success", COLD).await?;

    // The download matches the record, and can be read in parts.
    let path = artifact_path(&id);
    let response = site.get(&path).await?;
    let etag = response.headers()["etag"]
        .to_str()?
        .trim_matches('"')
        .to_owned();
    let bytes = response.bytes().await?;
    let digest = hex(&Sha256::digest(&bytes));
    assert_eq!(view["sha256"], digest);
    assert_eq!(etag, digest);
    assert!(
        site.get(&format!("{path}.sha256"))
            .await?
            .text()
            .await?
            .starts_with(&digest)
    );
    let rest = site
        .client
        .get(format!("{}{path}", site.url))
        .header("range", "bytes=1000000-")
        .send()
        .await?;
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.bytes().await?, bytes.slice(1_000_000..));

    // The binary contains what was picked, knows its build, and runs.
    let binary = folder.path().join("binary");
    write_program(&binary, &bytes)?;
    let names = components(&binary, "inputs")?;
    assert!(names.contains(&"nats_jetstream".to_owned()));
    for absent in ["kafka", "amqp_0_9", "redis_streams"] {
        assert!(!names.contains(&absent.to_owned()), "{absent}");
    }
    let version = Command::new(&binary).arg("--version").output()?;
    let hash = id.rsplit('.').next().context("an id ends in its hash")?;
    assert!(
        String::from_utf8(version.stdout)?.contains(&format!("v4.105.0+wombat.{}", &hash[..12]))
    );
    let config = folder.path().join("pipeline.yaml");
    std::fs::write(
        &config,
        "input: {generate: {count: 1, mapping: 'root = \"it runs\"'}}\npipeline: {processors: [{log: {message: '${! content() }'}}]}\noutput: {drop: {}}\n",
    )?;
    let ran = Command::new(&binary)
        .args(["run", config.to_str().context("a path")?])
        .stdin(Stdio::null())
        .output()?;
    let said =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("it runs"), "{said}");

    // A repeated request finds it, and nothing is built.
    let (status, again) = site.ask(&body).await?;
    assert_eq!(
        (status.as_u16(), &again["id"], &again["attempt"]),
        (200, &view["id"], &view["attempt"])
    );

    same_by_the_client(&site, &id, &bytes, folder.path())?;
    same_by_hand(&site, &id, &digest, folder.path()).await?;
    another_builder_makes_the_same(&body, &digest).await?;
    failures_are_told(&site).await
}

/// A distribution of its own: by the command line, with its own name and version, which the file and the binary have.
#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_has_its_own_name_and_version() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-own-")?;
    let running = up(&folder.path().join("state").make()?)?;
    let site = Site::new(running.first_line()?);
    site.until_ready().await?;
    let mut command = program().command();
    command.current_dir(folder.path()).args(["build"]);
    command.args([&wombat_testkit::connect("nats"), "--go", "1.26.8", "--json"]);
    command.args(["--platform", "linux/amd64", "--server", &site.url]);
    command.args(["--name", "acme-connect", "--version-label", "1.4.0"]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    let view: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(
        (&view["name"], &view["version"], &view["template"]),
        (&"acme-connect".into(), &"1.4.0".into(), &2.into())
    );
    let binary = folder.path().join("acme-connect");
    let version = Command::new(&binary).arg("--version").output()?;
    assert_eq!(
        String::from_utf8(version.stdout)?,
        "Version: 1.4.0\nDate: 2026-08-13T17:29:42Z\n"
    );
    let id = view["id"].as_str().context("an id")?;
    let response = site.get(&artifact_path(id)).await?;
    let disposition = response.headers()["content-disposition"].to_str()?;
    assert_eq!(
        disposition,
        "attachment; filename=\"acme-connect-1.4.0-linux-amd64\""
    );
    // The name isn't a choice of this command line, so the file stays.
    let again = program()
        .command()
        .current_dir(folder.path())
        .args(["download", id, "--server", &site.url])
        .output()?;
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(
        !again.status.success() && said.contains("--output acme-connect"),
        "{said}"
    );
    Ok(())
}

/// `wombat build` requests the same build and downloads the same bytes.
fn same_by_the_client(site: &Site, id: &str, bytes: &[u8], folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("by-client");
    let package = wombat_testkit::connect("nats");
    let output = program()
        .command()
        .args([
            "build",
            &package,
            "--platform",
            "linux/amd64",
            "--go",
            "1.26.8",
            "--server",
            &site.url,
            "--output",
        ])
        .arg(&file)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    assert!(said.contains(id), "{said}");
    assert_eq!(std::fs::read(&file)?, bytes);
    Ok(())
}

/// The recipe, followed by hand, gives the same bytes.
async fn same_by_hand(site: &Site, id: &str, digest: &str, folder: &Path) -> anyhow::Result<()> {
    let recipe = site.json(&format!("/api/builds/{id}/recipe")).await?;
    let sources = folder.join("by-hand").make()?;
    for (name, text) in recipe["files"].as_object().context("files")? {
        std::fs::write(sources.join(name), text.as_str().context("text")?)?;
    }
    let mut command = Command::new("sh");
    command
        .args(["-c", recipe["command"].as_str().context("a command")?])
        .current_dir(&sources);
    for (name, value) in recipe["environment"].as_object().context("variables")? {
        command.env(name, value.as_str().context("text")?);
    }
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        hex(&Sha256::digest(std::fs::read(sources.join("wombat"))?)),
        digest
    );
    Ok(())
}

/// Another installation, in another folder, gives the same bytes for the same request.
async fn another_builder_makes_the_same(body: &Value, digest: &str) -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("elsewhere-")?;
    let running = up(folder.path())?;
    let site = Site::new(running.first_line()?);
    site.until_ready().await?;
    let id = site.asked(body).await?;
    assert_eq!(site.until(&id, "success", COLD).await?["sha256"], *digest);
    Ok(())
}

/// A build that can't succeed fails with a message that names the package.
async fn failures_are_told(site: &Site) -> anyhow::Result<()> {
    let mut missing = a_request(&["nats"]);
    let path = "golang.org/x/text/no/such/package";
    missing["packages"] = serde_json::json!([path]);
    missing["modules"] = serde_json::json!({"golang.org/x/text": "v0.41.0"});
    let id = site.asked(&missing).await?;
    let view = site.until(&id, "failed", COLD).await?;
    assert_eq!(view["failure"]["class"], "input", "{view}");
    assert!(
        view["error"].as_str().unwrap_or_default().contains(path),
        "{view}"
    );
    Ok(())
}

fn components(binary: &Path, kind: &str) -> anyhow::Result<Vec<String>> {
    let output = Command::new(binary)
        .args(["list", "--format", "json-full"])
        .output()?;
    let listing: Value = serde_json::from_slice(&output.stdout)?;
    let items = listing[kind].as_array().context("a list")?;
    Ok(items
        .iter()
        .filter_map(|item| item["name"].as_str().map(str::to_owned))
        .collect())
}

pub(crate) fn write_program(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = path.with_extension("written");
    std::fs::write(&written, bytes)?;
    install(&written, path)?;
    Ok(std::fs::remove_file(written)?)
}

fn hex(bytes: &[u8]) -> String {
    wombat_model::Sha256::from_bytes(bytes.try_into().unwrap()).to_string()
}

/// Makes the folder that a path names.
trait Make {
    fn make(self) -> std::io::Result<std::path::PathBuf>;
}

impl Make for std::path::PathBuf {
    fn make(self) -> std::io::Result<std::path::PathBuf> {
        std::fs::create_dir_all(&self)?;
        Ok(self)
    }
}
