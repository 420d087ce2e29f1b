//! Logins: the roles on a test's own server, or those of one of many accounts on a server that tests share.
//!
//! An address names the account: `nats://t7:t7@127.0.0.1:4222`. Each role has a key for each account; the `nats`
//! command uses the name and the password, with which it may do everything in the account.

use std::sync::OnceLock;

use wombat_store::{
    NatsArgs,
    roles::{NatsRole, RoleKeys},
};

/// Number of accounts: more than a test program has tests.
pub(crate) const ACCOUNTS: usize = 250;

/// The login of a role at this address.
pub fn login_as(url: &str, role: NatsRole) -> NatsArgs {
    NatsArgs {
        seed: keys_at(url).seed(role),
        ..NatsArgs::at(url)
    }
}

/// The keys of the roles at this address, the same for the whole process.
pub(crate) fn keys_at(url: &str) -> &'static RoleKeys {
    static ALONE: OnceLock<RoleKeys> = OnceLock::new();
    match account_at(url) {
        Some(number) => keys_of(number),
        None => ALONE.get_or_init(RoleKeys::generate),
    }
}

pub(crate) fn keys_of(account: usize) -> &'static RoleKeys {
    static SHARED: OnceLock<Vec<OnceLock<RoleKeys>>> = OnceLock::new();
    let all = SHARED.get_or_init(|| (0..ACCOUNTS).map(|_| OnceLock::new()).collect());
    all[account].get_or_init(RoleKeys::generate)
}

fn account_at(url: &str) -> Option<usize> {
    let (login, _) = url.split_once("://")?.1.split_once('@')?;
    login.split(':').next()?.strip_prefix('t')?.parse().ok()
}

/// The test's own login in this account.
pub(crate) fn login_of(account: usize) -> String {
    format!("t{account}:t{account}@")
}

/// Users as `wombat setup --write-config` makes them. The test itself connects without a login, and may do everything.
pub(crate) fn guards() -> String {
    let keys = keys_at("");
    let admin = keys.public(NatsRole::Admin).unwrap_or_default();
    format!("{}no_auth_user: {admin}\n", keys.accounts())
}

/// The same users in each of many accounts.
pub(crate) fn guards_of_all() -> String {
    let mut text = "accounts {\n".to_owned();
    for account in 0..ACCOUNTS {
        let one = keys_of(account).accounts();
        let one = one.trim_start_matches("accounts {\n").trim_end();
        let one = one.strip_suffix('}').unwrap_or(one);
        let name = format!("T{account} {{");
        let user = format!("users: [\n{{ user: t{account}, password: t{account} }}\n");
        text.push_str(
            &one.replacen("WOMBAT {", &name, 1)
                .replacen("users: [\n", &user, 1),
        );
    }
    text + "}\n"
}
