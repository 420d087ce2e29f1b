//! Which reply subjects get an answer: inboxes. A request may name any reply subject, and an answer is sent with the
//! rights of the role that answers: to another subject it would be a write or a request that the client may not make.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use async_nats::{Message, Subject};
use parking_lot::Mutex;
use tracing::warn;
use wombat_model::names::{BUILD_SERVICE, CATALOG_SERVICE};

use crate::Connection;

/// How the inboxes of NATS clients begin; a role's are `_INBOX_<role>.…`.
const INBOX: &str = "_INBOX";
/// How the server's replies across accounts begin. Clients can't send to them.
const ACROSS_ACCOUNTS: &str = "_R_.";
/// Most prefixes that are logged: a client may send a new one with each request.
const MOST_LOGGED: usize = 32;
/// Longest part of a reply subject that is logged, in characters.
const LONGEST_LOGGED: usize = 64;

/// A prefix of reply subjects: whole tokens, such as `replies.acme`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyPrefix(String);

/// The text isn't a prefix of reply subjects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` can't be a prefix of reply subjects: {problem}", .given.chars().take(80).collect::<String>().escape_debug())]
pub struct ParseReplyPrefixError {
    given: String,
    problem: &'static str,
}

impl FromStr for ReplyPrefix {
    type Err = ParseReplyPrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reject = |problem| {
            Err(ParseReplyPrefixError {
                given: text.to_owned(),
                problem,
            })
        };
        let tokens: Vec<&str> = text.split('.').collect();
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"*>".contains(&byte);
        if tokens.iter().any(|token| token.is_empty()) {
            return reject("it has an empty token; the form is `replies` or `replies.acme`");
        }
        if !text.bytes().all(allowed) {
            return reject("wildcards, spaces and control characters aren't allowed");
        }
        if text.starts_with('$') {
            return reject("subjects that begin with `$` are the server's");
        }
        if [BUILD_SERVICE, CATALOG_SERVICE, "builder"].contains(&tokens[0]) {
            return reject("its subjects are those of Wombat Builder");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ReplyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ReplyPrefix {
    fn begins(&self, reply: &str) -> bool {
        let rest = reply.strip_prefix(&*self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The rule of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReplyRule(Arc<Rule>);

#[derive(Debug)]
struct Rule {
    prefixes: Vec<ReplyPrefix>,
    /// The prefixes that were logged, empty for requests without a reply subject.
    logged: Mutex<BTreeSet<String>>,
}

impl ReplyRule {
    /// Inboxes, and these prefixes.
    pub fn new(prefixes: impl IntoIterator<Item = ReplyPrefix>) -> Self {
        Self(Arc::new(Rule {
            prefixes: prefixes.into_iter().collect(),
            logged: Mutex::default(),
        }))
    }

    /// Where an answer to this request may be sent. `None`: nowhere; it is logged, and must be dropped unread.
    pub fn inbox(&self, request: &Message) -> Option<Subject> {
        let reply = request.reply.as_ref();
        let Some(inbox) = reply.filter(|reply| self.allows(reply)) else {
            self.log(&request.subject, reply);
            return None;
        };
        Some(inbox.clone())
    }

    fn allows(&self, reply: &str) -> bool {
        reply.starts_with(INBOX)
            || reply.starts_with(ACROSS_ACCOUNTS)
            || self.0.prefixes.iter().any(|prefix| prefix.begins(reply))
    }

    /// Once for each prefix.
    #[cold]
    fn log(&self, subject: &str, reply: Option<&Subject>) {
        let first = reply.map_or("", |reply| reply.split('.').next().unwrap_or_default());
        let prefix: String = first.chars().take(LONGEST_LOGGED).collect();
        let mut logged = self.0.logged.lock();
        if logged.len() >= MOST_LOGGED || !logged.insert(prefix.clone()) {
            return;
        }
        drop(logged);
        if reply.is_none() {
            warn!(subject, "dropping requests without a reply subject");
        } else {
            warn!(
                subject,
                ?prefix,
                "dropping requests whose reply subject isn't an inbox; if it is, begin it with `_INBOX`, or name its prefix with --reply-prefix"
            );
        }
    }
}

impl Connection {
    /// The rule for requests that come over this connection: inboxes, its own prefix of inboxes, and these prefixes.
    pub fn reply_rule(&self, prefixes: &[ReplyPrefix]) -> ReplyRule {
        let own = self.client().new_inbox();
        let own = own
            .rsplit_once('.')
            .and_then(|(prefix, _)| prefix.parse().ok());
        ReplyRule::new(prefixes.iter().cloned().chain(own))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn message(reply: Option<&str>) -> Message {
        Message {
            subject: "build.list".into(),
            reply: reply.map(Into::into),
            payload: Bytes::new(),
            headers: None,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn answers_go_to_inboxes_only() {
        let prefixes = ["replies", "acme.in"].map(|prefix| prefix.parse().unwrap());
        let rule = ReplyRule::new(prefixes);
        for (reply, allowed) in [
            ("_INBOX.a.b", true),
            ("_INBOX_api.a", true),
            ("_R_.abc.d", true),
            ("replies", true),
            ("replies.a", true),
            ("acme.in.a.b", true),
            ("acme.inbox.a", false),
            ("acme", false),
            ("repliesx.a", false),
            ("_R_x.a", false),
            ("x._INBOX.a", false),
            ("$JS.API.STREAM.DELETE.KV_builds", false),
            ("$JS.ACK.a.b", false),
            ("$JS.FC.a.b", false),
            ("$KV.catalog.blocklist", false),
            ("$O.artifacts.M.eA==", false),
            ("build.request", false),
            ("builder.ahead", false),
        ] {
            let inbox = rule.inbox(&message(Some(reply)));
            assert_eq!(inbox.as_deref(), allowed.then_some(reply));
        }
        assert_eq!(rule.inbox(&message(None)), None);
    }

    #[test]
    fn each_prefix_is_logged_once_and_not_too_many() {
        let rule = ReplyRule::new([]);
        let count = || rule.0.logged.lock().len();
        for reply in ["$JS.a", "$JS.b", "x.y"] {
            assert_eq!(rule.inbox(&message(Some(reply))), None);
        }
        assert_eq!(rule.inbox(&message(None)), None);
        assert_eq!(count(), 3);
        for number in 0..1000 {
            assert_eq!(rule.inbox(&message(Some(&format!("n{number}.a")))), None);
        }
        assert_eq!(count(), MOST_LOGGED);
    }

    #[test]
    fn prefixes_are_whole_tokens_of_foreign_subjects() {
        let parse = |text: &str| text.parse::<ReplyPrefix>();
        assert_eq!(parse("_acme.replies").unwrap().to_string(), "_acme.replies");
        for (bad, why) in [
            ("", "empty token"),
            ("a.", "empty token"),
            ("a..b", "empty token"),
            ("a.>", "wildcards"),
            ("a b", "wildcards"),
            ("$JS.API", "the server's"),
            ("$KV", "the server's"),
            ("build", "Wombat Builder"),
            ("builder.lint", "Wombat Builder"),
            ("catalog.x", "Wombat Builder"),
        ] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
