//! Logins: the roles on a test's own server, or those of one of many tenants on a server that tests share.
//!
//! An address names the tenant: `nats://t7:t7@127.0.0.1:4222`. Each role has an account and a key for each tenant; the
//! `nats` command uses the name and the password, with which it may do everything in the store's account.
//!
//! Tests have more than the configuration of `wombat setup`: the store's account imports the services, so that a test
//! asks with the same connection with which it looks into the store.

use std::{collections::BTreeSet, sync::OnceLock};

use wombat_store::{
    NatsArgs,
    roles::{Account, Export, Exported, NatsRole, RoleKeys, exports},
};

/// Number of tenants: more than a test program has tests.
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

/// Users as `wombat setup --write-config` makes them. The test itself connects without a login, as the admin.
pub(crate) fn guards() -> String {
    let keys = keys_at("");
    let admin = keys.public(NatsRole::Admin).unwrap_or_default();
    format!("{}no_auth_user: {admin}\n", for_tests(&keys.accounts()))
}

/// The same users for each of many tenants.
pub(crate) fn guards_of_all() -> String {
    let mut text = "accounts {\n".to_owned();
    for account in 0..ACCOUNTS {
        let one = for_tests(&keys_of(account).accounts());
        let one = one.trim_start_matches("accounts {\n").trim_end();
        let one = one.strip_suffix('}').unwrap_or(one);
        let user = format!("users: [\n{{ user: t{account}, password: t{account} }}\n");
        text.push_str(&renamed(one, account).replacen("users: [\n", &user, 1));
    }
    text + "}\n"
}

/// The services that a test asks from the store's account: those of other accounts, and what gateways tell the service.
fn services() -> BTreeSet<(Account, String)> {
    let service = |export: Export| match (export.owner, export.what) {
        (Account::Api, Exported::Stream) => Some((Account::Service, export.subject)),
        (Account::Wombat, Exported::Service(_)) | (_, Exported::Stream) => None,
        (owner, Exported::Service(_)) => Some((owner, export.subject)),
    };
    exports().into_iter().filter_map(service).collect()
}

/// The accounts, with imports of the services for the store's one.
fn for_tests(accounts: &str) -> String {
    let services = services();
    let mut text = String::new();
    let mut account = "";
    for line in accounts.lines() {
        let header = line.trim().strip_suffix(" {");
        account = header.filter(|name| is_account(name)).unwrap_or(account);
        let here = services.iter().filter(|(owner, _)| owner.name() == account);
        let here: Vec<String> = here.map(|(_, subject)| exported(subject)).collect();
        if here.iter().any(|export| line.contains(export)) {
            text.push_str(&line.replace("accounts: [", "accounts: [WOMBAT, "));
        } else {
            text.push_str(line);
        }
        text.push('\n');
        if line.trim() == "exports: [" {
            let missing = here.iter().filter(|export| !accounts.contains(*export));
            let lines = missing.map(|export| format!("      {export}, accounts: [WOMBAT] }}\n"));
            text.extend(lines);
        }
    }
    let import = |(owner, subject): &(Account, String)| {
        format!("      {{ service: {{ account: {owner}, subject: \"{subject}\" }} }}\n")
    };
    let imports: String = services.iter().map(import).collect();
    let imports = format!("imports: [\n{imports}");
    // The first account is the store's.
    text.replacen("imports: [\n", &imports, 1)
}

/// How the line of an exported service begins.
fn exported(subject: &str) -> String {
    format!("{{ service: \"{subject}\"")
}

/// The same accounts with the names of a tenant: `T7_READ`.
fn renamed(accounts: &str, tenant: usize) -> String {
    let lines = accounts.lines().map(|line| renamed_in(line, tenant) + "\n");
    lines.collect()
}

fn renamed_in(line: &str, tenant: usize) -> String {
    let own = |name: &str| format!("T{tenant}_{name}");
    let header = line.trim().strip_suffix(" {");
    if let Some(name) = header.filter(|name| is_account(name)) {
        format!("  {} {{", own(name))
    } else if let Some((before, list)) = line.split_once("accounts: [") {
        let names = list.trim_end_matches("] }").split(", ").map(own);
        let names = names.collect::<Vec<_>>().join(", ");
        format!("{before}accounts: [{names}] }}")
    } else if let Some((before, rest)) = line.split_once("account: ") {
        let (name, rest) = rest.split_once(',').unwrap_or((rest, ""));
        format!("{before}account: {},{rest}", own(name))
    } else {
        line.to_owned()
    }
}

fn is_account(name: &str) -> bool {
    use strum::VariantArray as _;
    Account::VARIANTS.iter().any(|it| it.name() == name)
}
