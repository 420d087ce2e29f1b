#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "tests may block")]
#[path = "it/nats_accounts.rs"]
mod nats_accounts;
#[path = "it/nats_cli.rs"]
mod nats_cli;
#[path = "it/nats_replies.rs"]
mod nats_replies;
#[path = "it/nats_roles/mod.rs"]
mod nats_roles;
#[path = "it/stolen_keys/mod.rs"]
mod stolen_keys;
fn program() -> wombat_testkit::Program {
    wombat_testkit::Program::at(env!("CARGO_BIN_EXE_wombat"))
}
