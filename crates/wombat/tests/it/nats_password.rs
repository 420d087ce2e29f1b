//! Logins by name and password, which comes from a file, a variable, or, with a warning, an argument.

use std::fs;

use tempfile::TempDir;
use wombat_testkit::{NatsServer, NatsServerConfig};

use crate::nats_login::{fails, set_up, succeeds, text};

#[test]
fn by_password() -> anyhow::Result<()> {
    let nats = NatsServer::with(&NatsServerConfig {
        extra: "authorization { user: ops, password: \"s3 cret\" }".to_owned(),
        own_users: true,
        ..NatsServerConfig::default()
    })?;
    let url = nats.url();
    let folder = TempDir::with_prefix("wombat-password-")?;
    let path = folder.path().join("password");
    fs::write(&path, "s3 cret\n")?;
    let file = text(&path);
    let user = ["--nats-user", "ops"];
    let by_file = [&user[..], &["--nats-password-file", &file]].concat();
    let output = set_up(&url, &by_file, &[])?;
    succeeds(&output);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("warning"));
    succeeds(&set_up(
        &url,
        &user,
        &[("WOMBAT_NATS_PASSWORD", "s3 cret")],
    )?);

    // The password itself still works, with a warning.
    let typed = set_up(
        &url,
        &[&user[..], &["--nats-password", "s3 cret"]].concat(),
        &[],
    )?;
    succeeds(&typed);
    let said = String::from_utf8_lossy(&typed.stderr);
    assert!(
        said.contains("warning: `ps` shows the value of --nats-password"),
        "{said}"
    );
    let none = set_up(&url, &user, &[])?;
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    let gone = [&user[..], &["--nats-password-file", "/nowhere/p"]].concat();
    fails(
        &set_up(&url, &gone, &[])?,
        5,
        "can't read the password in /nowhere/p",
    );
    Ok(())
}
