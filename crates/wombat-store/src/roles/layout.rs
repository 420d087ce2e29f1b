//! What the accounts export to each other, which follows from the table of permissions.

use std::collections::{BTreeMap, BTreeSet};

use strum::VariantArray as _;

use super::{
    Account, NatsRole,
    access::{Replies, Use},
};

/// The kind of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exported {
    /// Other accounts send to it, and may get replies.
    Service(Replies),
    /// Other accounts receive it.
    Stream,
}

/// A subject that an account exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The exporting account.
    pub owner: Account,
    /// The subject there.
    pub subject: String,
    /// Whether others send to it or receive it.
    pub what: Exported,
    /// The accounts that may import it.
    pub to: BTreeSet<Account>,
}

/// A subject that an account imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) owner: Account,
    /// The subject in the owner's account.
    pub(super) subject: String,
    pub(super) what: Exported,
    /// The subject in the importing account.
    pub(super) local: String,
}

/// Everything that any account exports, sorted by account and subject. Each is spelled as it is imported, which is
/// how nats-server looks for it first.
pub fn exports() -> Vec<Export> {
    let mut all: BTreeMap<(Account, Exported, String), BTreeSet<Account>> = BTreeMap::new();
    for &account in Account::VARIANTS {
        for import in imports(account) {
            let key = (import.owner, import.what, import.subject);
            all.entry(key).or_default().insert(account);
        }
    }
    let export = |((owner, what, subject), to)| Export {
        owner,
        subject,
        what,
        to,
    };
    all.into_iter().map(export).collect()
}

/// What an account imports: for its own roles, and to receive what roles of other accounts tell it.
pub(super) fn imports(account: Account) -> Vec<Import> {
    let mut all = Vec::new();
    for role in NatsRole::ALL {
        let here = role.account();
        for access in role.access() {
            let (owner, what) = match access.how {
                Use::Call(owner, replies) if here == account => (owner, Exported::Service(replies)),
                Use::Hear(owner) if here == account => (owner, Exported::Stream),
                Use::Tell(listener) if listener == account => (here, Exported::Stream),
                Use::Call(..) | Use::Hear(_) | Use::Tell(_) | Use::Publish | Use::Receive(_) => {
                    continue;
                }
            };
            all.push(Import {
                owner,
                what,
                subject: access.at_owner(),
                local: access.at_role(),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{super::access::overlap, *};

    #[test]
    fn no_message_matches_two_imports_of_an_account() {
        for &account in Account::VARIANTS {
            let all = imports(account);
            for (index, one) in all.iter().enumerate() {
                for other in &all[index + 1..] {
                    let may_meet = match (one.what, other.what) {
                        (Exported::Service(_), Exported::Service(_)) => true,
                        // A message is received from the account in which it was published.
                        (Exported::Stream, Exported::Stream) => one.owner == other.owner,
                        (Exported::Stream, Exported::Service(_))
                        | (Exported::Service(_), Exported::Stream) => false,
                    };
                    assert!(
                        !may_meet || !overlap(&one.local, &other.local),
                        "{account}: {} and {}",
                        one.local,
                        other.local
                    );
                }
            }
        }
    }

    #[test]
    fn an_export_has_one_kind() {
        let all = exports();
        let mut seen = BTreeSet::new();
        for export in &all {
            let is_stream = matches!(export.what, Exported::Stream);
            assert!(
                seen.insert((export.owner, is_stream, export.subject.clone())),
                "{export:?}"
            );
        }
    }

    #[test]
    fn nothing_is_exported_to_the_store() {
        // A consumer may deliver to any subject there, and would reach what the account imports.
        let to_store = |export: &Export| export.to.contains(&Account::Wombat);
        assert!(!exports().iter().any(to_store));
    }
}
