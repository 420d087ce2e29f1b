//! The whole system as people run it: `wombat` processes, a real nats-server, real requests.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "tests may block")]

mod blocklist;
mod build_ahead;
mod builder_run;
mod builder_scene;
mod catalog_import;
mod client_libraries;
mod compile_cache;
mod dedupe;
mod direct_download;
mod doctor;
mod election;
mod evil_modules;
mod faults;
mod full_disk;
mod guarded_system;
mod half_started;
mod hostile;
mod leaders;
mod lint;
mod load;
mod module_proxy;
mod nats_accounts;
mod nats_cli;
mod nats_commands;
mod nats_login;
mod nats_password;
mod nats_replies;
mod nats_roles;
mod old_objects;
mod old_store;
mod openapi;
mod other_binary;
mod paused_upload;
mod pipelines;
mod plain_words;
mod poison;
mod printing;
mod proxy_scene;
mod ready;
mod real_build;
mod refusals;
mod rest_rights;
mod small_disk;
mod start_stop;
mod stolen_keys;
mod surroundings;
mod tokens;
mod torture;
mod unfit_nats;
mod up_guard;
mod warm_up;

/// The program that is tested.
fn program() -> wombat_testkit::Program {
    wombat_testkit::Program::at(env!("CARGO_BIN_EXE_wombat"))
}
