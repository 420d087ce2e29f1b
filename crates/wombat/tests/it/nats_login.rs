//! Every way to log in to NATS, right and wrong, against servers that require a login.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use wombat_store::roles::NatsRole;
use wombat_testkit::{NatsServer, NatsServerConfig};

use crate::{
    nats_cli::nats_program,
    nats_roles::{seed_file, written},
    program,
};

/// Runs `wombat setup`, which succeeds for an admin.
pub(crate) fn set_up(
    url: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> anyhow::Result<Output> {
    let mut command = program().command();
    command.args(["setup", "--nats-url", url]).args(arguments);
    Ok(command.envs(variables.iter().copied()).output()?)
}

pub(crate) fn succeeds(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The command fails with this exit code and this message.
pub(crate) fn fails(output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{words:?} isn't in: {said}");
    assert!(!said.contains("SU"), "a secret is shown: {said}");
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn by_key() -> anyhow::Result<()> {
    let folder = written(&[])?;
    let nats = NatsServer::of_config(&folder.path().join("server/nats-server.conf"))?;
    let url = nats.url();
    let path = seed_file(folder.path(), NatsRole::Admin);
    let seed = fs::read_to_string(&path)?;
    let file = text(&path);
    succeeds(&set_up(&url, &["--nats-user-seed-file", &file], &[])?);
    succeeds(&set_up(
        &url,
        &[],
        &[("WOMBAT_NATS_USER_SEED_FILE", &file)],
    )?);
    succeeds(&set_up(&url, &[], &[("NATS_USER_SEED", seed.trim())])?);

    let gone = set_up(&url, &["--nats-user-seed-file", "/nowhere/user.nk"], &[])?;
    fails(&gone, 5, "can't read the seed in /nowhere/user.nk");
    let garbage = set_up(&url, &[], &[("NATS_USER_SEED", "nonsense")])?;
    fails(&garbage, 5, "can't connect to NATS");
    let both = ["--nats-user-seed-file", &file, "--nats-user-creds", &file];
    fails(&set_up(&url, &both, &[])?, 2, "cannot be used with");
    Ok(())
}

/// An operator, an account and an admin, made with the `nats` program.
struct OperatorMode {
    folder: TempDir,
    config: NatsServerConfig,
}

impl OperatorMode {
    fn new() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-operator-")?;
        let nats = |arguments: &[&str]| -> anyhow::Result<()> {
            let output = Command::new(nats_program()?)
                .args(["auth"])
                .args(arguments)
                .current_dir(folder.path())
                .env("HOME", folder.path())
                .env("XDG_DATA_HOME", folder.path().join("data"))
                .env("XDG_CONFIG_HOME", folder.path().join("config"))
                .output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "nats auth {arguments:?}: {said}");
            Ok(())
        };
        nats(&["operator", "add", "OP"])?;
        let quotas = ["--js-disk", "50GB", "--js-memory", "1GB"];
        let unlimited = ["--js-disk-stream=-1", "--js-memory-stream=-1"];
        let counts = ["--js-streams=-1", "--js-consumers=-1"];
        let account = ["account", "add", "--operator", "OP", "--defaults"];
        let all = [&account[..], &["--jetstream"], &quotas, &unlimited, &counts];
        nats(&[&all.concat()[..], &["WB"]].concat())?;
        let user = ["user", "add", "--operator", "OP", "--defaults"];
        nats(&[&user[..], &["--credential", "admin.creds", "admin", "WB"]].concat())?;

        let store = folder.path().join("data/nats/nsc/stores/OP");
        let read = |path: &str| -> anyhow::Result<String> {
            let text = fs::read_to_string(store.join(path));
            Ok(text.with_context(|| path.to_owned())?.trim().to_owned())
        };
        let [system, ours] =
            ["SYSTEM", "WB"].map(|name| read(&format!("accounts/{name}/{name}.jwt")));
        let (system, ours) = (system?, ours?);
        let [system_key, our_key] = [subject(&system)?, subject(&ours)?];
        let operator = read("OP.jwt")?;
        let extra = format!(
            "operator: \"{operator}\"\nsystem_account: {system_key}\nresolver: MEMORY\n\
             resolver_preload: {{ {system_key}: \"{system}\", {our_key}: \"{ours}\" }}\n"
        );
        Ok(Self {
            folder,
            config: NatsServerConfig {
                extra,
                own_users: true,
                ..NatsServerConfig::default()
            },
        })
    }

    fn credentials(&self) -> PathBuf {
        self.folder.path().join("admin.creds")
    }
}

/// The subject of a JWT.
fn subject(jwt: &str) -> anyhow::Result<String> {
    let claims = jwt.split('.').nth(1).context("a JWT has three parts")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    Ok(claims["sub"].as_str().context("a subject")?.to_owned())
}

/// The block of a credentials file that begins with this.
fn block(credentials: &str, begin: &str) -> anyhow::Result<String> {
    let mut lines = credentials.lines().skip_while(|line| !line.contains(begin));
    lines.next();
    Ok(lines.next().context("a block with one line")?.to_owned())
}

#[test]
fn by_jwt_and_credentials_file() -> anyhow::Result<()> {
    let operator = OperatorMode::new()?;
    let nats = NatsServer::with(&operator.config)?;
    let url = nats.url();
    let path = text(&operator.credentials());
    succeeds(&set_up(&url, &["--nats-user-creds", &path], &[])?);
    succeeds(&set_up(&url, &[], &[("NATS_USER_CREDS", &path)])?);
    let credentials = fs::read_to_string(operator.credentials())?;
    let jwt = block(&credentials, "BEGIN NATS USER JWT")?;
    let seed = block(&credentials, "BEGIN USER NKEY SEED")?;
    let login = [
        ("NATS_USER_JWT", jwt.as_str()),
        ("NATS_USER_SEED", seed.as_str()),
    ];
    succeeds(&set_up(&url, &[], &login)?);

    fails(&set_up(&url, &[], &[])?, 5, "authorization violation");
    fails(&set_up(&url, &[], &login[..1])?, 2, "--nats-user-seed");
    let others = OperatorMode::new()?;
    let foreign = text(&others.credentials());
    let refused = set_up(&url, &["--nats-user-creds", &foreign], &[])?;
    fails(&refused, 5, "authorization violation");
    let gone = set_up(&url, &["--nats-user-creds", "/nowhere/x.creds"], &[])?;
    fails(&gone, 5, "can't read the credentials in /nowhere/x.creds");
    let garbage = operator.folder.path().join("garbage.creds");
    fs::write(&garbage, "nothing of the kind")?;
    let garbage = set_up(&url, &["--nats-user-creds", &text(&garbage)], &[])?;
    fails(&garbage, 5, "can't read the credentials in");
    Ok(())
}

/// A certificate authority, and what it signed for the server and for a client.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn new() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-tls-")?;
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text);
        let key = KeyPair::generate()?;
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        write("ca.pem", authority.self_signed(&key)?.pem())?;
        let issuer = Issuer::new(authority, key);
        for (name, host) in [("server", "127.0.0.1"), ("client", "client")] {
            let key = KeyPair::generate()?;
            let certificate = CertificateParams::new(vec![host.to_owned()])?;
            write(
                &format!("{name}.pem"),
                certificate.signed_by(&key, &issuer)?.pem(),
            )?;
            write(&format!("{name}-key.pem"), key.serialize_pem())?;
        }
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name))
    }

    fn server(&self, more: &str) -> NatsServerConfig {
        let [certificate, key, authority] =
            ["server.pem", "server-key.pem", "ca.pem"].map(|name| self.path(name));
        NatsServerConfig {
            extra: format!(
                "tls {{ cert_file: \"{certificate}\", key_file: \"{key}\", ca_file: \"{authority}\" {more} }}"
            ),
            ..NatsServerConfig::default()
        }
    }
}

#[test]
fn over_tls() -> anyhow::Result<()> {
    let ours = Certificates::new()?;
    let nats = NatsServer::with(&ours.server(""))?;
    let authority = ours.path("ca.pem");
    succeeds(&set_up(&nats.url(), &["--nats-tls-ca", &authority], &[])?);
    let secure = nats.url().replace("nats://", "tls://");
    succeeds(&set_up(&secure, &["--nats-tls-ca", &authority], &[])?);

    let gone = set_up(&nats.url(), &["--nats-tls-ca", "/nowhere/ca.pem"], &[])?;
    fails(&gone, 5, "can't read the authorities in /nowhere/ca.pem");
    let strangers = Certificates::new()?;
    let foreign = strangers.path("ca.pem");
    let refused = set_up(&nats.url(), &["--nats-tls-ca", &foreign], &[])?;
    fails(&refused, 5, "certificate");
    // A client that names an authority doesn't connect without TLS.
    let plain = NatsServer::start()?;
    let refused = set_up(&plain.url(), &["--nats-tls-ca", &authority], &[])?;
    fails(&refused, 5, "can't connect to NATS");
    Ok(())
}

#[test]
fn with_a_certificate_of_the_clients() -> anyhow::Result<()> {
    let ours = Certificates::new()?;
    let nats = NatsServer::with(&ours.server(", verify: true"))?;
    let [authority, certificate, key] =
        ["ca.pem", "client.pem", "client-key.pem"].map(|name| ours.path(name));
    let trust = ["--nats-tls-ca", &authority];
    let shown = ["--nats-tls-cert", &certificate, "--nats-tls-key", &key];
    let all = [&trust[..], &shown].concat();
    succeeds(&set_up(&nats.url(), &all, &[])?);
    let refused = set_up(&nats.url(), &trust, &[])?;
    fails(&refused, 5, "can't connect to NATS");
    let half = set_up(&nats.url(), &shown[..2], &[])?;
    fails(&half, 2, "--nats-tls-key");
    Ok(())
}
