//! One line of a role's permissions: a subject, and how the role uses it.

use super::{Account, IMPORTED_API, NatsRole, SERVER_API, UserName};

/// Stands for the user's name in a subject.
const USER: &str = "{user}";

/// How often the owner of a subject replies to a request, and how long the server waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replies {
    /// Once, within the server's default of two minutes.
    One,
    /// Once, within ten seconds: requests without a reply don't pile up in the server.
    Soon,
    /// Any number of times: several processes reply, or one sends several messages.
    Many,
}

/// How a role uses a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Publishes in its own account.
    Publish,
    /// Publishes to another account, which may reply.
    Call(Account, Replies),
    /// Publishes in its own account what another receives. The other replies to any subject that the role names, so
    /// it must look at it first; the server has nothing to do for each reply.
    Tell(Account),
    /// Subscribes in its own account, in this queue group if there is one.
    Receive(Option<&'static str>),
    /// Receives what is published in another account.
    Hear(Account),
}

/// A subject that a role may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The subject in the account that owns it.
    subject: String,
    /// How it is used.
    pub(super) how: Use,
}

impl Access {
    pub(super) fn new(subject: impl Into<String>, how: Use) -> Self {
        Self {
            subject: subject.into(),
            how,
        }
    }

    /// The same subject with the user's own name in the place of `{user}`.
    pub(super) fn of_user(subject: &str, how: Use) -> Self {
        Self::new(subject.replace("{}", USER), how)
    }

    /// Whether the user's name is a part of the subject.
    pub(super) fn is_of_user(&self) -> bool {
        self.subject.contains(USER)
    }

    /// The subject in its owner's account; `*` stands for the user's name.
    pub(super) fn at_owner(&self) -> String {
        self.subject.replace(USER, "*")
    }

    /// The subject in the account of the role; `*` stands for the user's name.
    pub(super) fn at_role(&self) -> String {
        local(self.how, self.at_owner())
    }

    /// The subject as this user publishes or subscribes to it.
    pub(super) fn for_user(&self, user: &UserName) -> String {
        local(self.how, self.subject.replace(USER, user.as_str()))
    }
}

/// The server itself answers at `$JS.API` in every account; the store's API has another name outside of its account.
fn local(how: Use, subject: String) -> String {
    match (how, subject.strip_prefix(SERVER_API)) {
        (Use::Call(..), Some(rest)) => format!("{IMPORTED_API}{rest}"),
        (
            Use::Call(..) | Use::Tell(_) | Use::Publish | Use::Receive(_) | Use::Hear(_),
            Some(_) | None,
        ) => subject,
    }
}

/// The permissions of a user, as nats-server takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// What it may send.
    pub publish: Vec<String>,
    /// What it may receive; a queue group may follow the subject.
    pub subscribe: Vec<String>,
}

impl Permissions {
    /// The permissions of a user with this role.
    pub fn of(role: NatsRole, user: &UserName) -> Self {
        let mut own = Self::default();
        for access in role.access() {
            let subject = access.for_user(user);
            let (list, line) = match access.how {
                Use::Publish | Use::Call(..) | Use::Tell(_) => (&mut own.publish, subject),
                Use::Receive(Some(queue)) => (&mut own.subscribe, format!("{subject} {queue}")),
                Use::Receive(None) | Use::Hear(_) => (&mut own.subscribe, subject),
            };
            // Two accounts may send to one inbox.
            if !list.contains(&line) {
                list.push(line);
            }
        }
        own
    }
}

/// Whether every subject that matches `narrow` matches `wide`, too.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let (mut wide, mut narrow) = (wide.split('.'), narrow.split('.'));
    loop {
        match (wide.next(), narrow.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(one), Some(other)) if one == other => {}
            (Some(_) | None, Some(_)) | (Some(_), None) => return false,
        }
    }
}

/// Whether a subject may match both.
#[cfg(test)]
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        match (one.next(), other.next()) {
            (Some(">"), Some(_)) | (Some(_), Some(">")) | (None, None) => return true,
            (Some("*"), Some(_)) | (Some(_), Some("*")) => {}
            (Some(a), Some(b)) if a == b => {}
            (Some(_) | None, Some(_)) | (Some(_), None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_what_they_match() {
        for (wide, narrow, is) in [
            ("a.>", "a.b.c", true),
            ("a.>", "a.>", true),
            ("a.>", "a", false),
            ("a.*", "a.b", true),
            ("a.*", "a.>", false),
            ("a.*.c", "a.b.c", true),
            ("a.b", "a.*", false),
            ("a.b", "a.b.c", false),
        ] {
            assert_eq!(covers(wide, narrow), is, "{wide} {narrow}");
        }
    }

    #[test]
    fn the_api_of_the_store_has_its_own_name_elsewhere() {
        let call = Use::Call(Account::Wombat, Replies::One);
        let access = Access::new("$JS.API.STREAM.INFO.KV_builds", call);
        assert_eq!(access.at_owner(), "$JS.API.STREAM.INFO.KV_builds");
        assert_eq!(access.at_role(), "$JS.wombat.API.STREAM.INFO.KV_builds");
        let own = Access::new("$JS.API.INFO", Use::Publish);
        assert_eq!(own.at_role(), "$JS.API.INFO");
        let named = Access::of_user("$KV.builders.{}.*", call);
        assert_eq!(named.at_role(), "$KV.builders.*.*");
        let user = "b1".parse().unwrap();
        assert_eq!(named.for_user(&user), "$KV.builders.b1.*");
    }
}
