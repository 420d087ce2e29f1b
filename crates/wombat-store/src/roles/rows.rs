//! What a role can do with a stream or a service, as lines of its permissions.

use super::{
    Account, NatsRole,
    access::{Access, Replies, Use, covers},
};

/// Flow control of followed streams.
const FLOW: &str = "$JS.FC.>";
/// Whether the account has JetStream: the answer tells the prefix of its API.
const JETSTREAM_INFO: &str = "$JS.API.INFO";

/// Lines that grow.
#[derive(Default)]
pub(super) struct Rows(Vec<Access>);

impl Rows {
    /// What each role has: replies and followed messages under a prefix of its own.
    pub(super) fn of(role: NatsRole) -> Self {
        let prefix = role.inbox_prefix();
        let inbox = Use::Hear(Account::Wombat);
        let mut own = Self::default();
        own.0.push(match role {
            NatsRole::Builder => Access::of_user(&format!("{prefix}.{{}}.>"), inbox),
            NatsRole::Admin
            | NatsRole::Service
            | NatsRole::Publisher
            | NatsRole::Api
            | NatsRole::ReadOnly => Access::new(role.inboxes(), inbox),
        });
        own.add(JETSTREAM_INFO, Use::Publish)
            .call(FLOW, Account::Wombat, Replies::One)
    }

    pub(super) fn add(mut self, subject: impl Into<String>, how: Use) -> Self {
        self.0.push(Access::new(subject, how));
        self
    }

    pub(super) fn call(self, subject: impl Into<String>, owner: Account, replies: Replies) -> Self {
        self.add(subject, Use::Call(owner, replies))
    }

    /// Writes to the store, which acknowledges it.
    pub(super) fn write(self, subject: impl Into<String>) -> Self {
        self.call(subject, Account::Wombat, Replies::One)
    }

    /// The same under the user's own name, which stands in the place of `{}`.
    pub(super) fn write_as_user(mut self, subject: &str) -> Self {
        let how = Use::Call(Account::Wombat, Replies::One);
        self.0.push(Access::of_user(subject, how));
        self
    }

    /// Writes objects of a bucket: their entries, and their chunks under the user's name.
    pub(super) fn upload(self, bucket: &str) -> Self {
        self.write(format!("$O.{bucket}.M.*"))
            .write_as_user(&format!("$O.{bucket}.C.{{}}.>"))
    }

    /// Calls endpoints of a micro service.
    pub(super) fn ask(self, service: &str, endpoints: &[&str]) -> Self {
        let how = Use::Call(Account::Service, Replies::Soon);
        self.add_endpoints(service, endpoints, how)
    }

    /// The same many thousand times a second: the service publishes its replies to the role's inbox.
    pub(super) fn ask_often(self, service: &str, endpoints: &[&str]) -> Self {
        self.add_endpoints(service, endpoints, Use::Tell(Account::Service))
    }

    fn add_endpoints(self, service: &str, endpoints: &[&str], how: Use) -> Self {
        endpoints
            .iter()
            .fold(self, |all, name| all.add(format!("{service}.{name}"), how))
    }

    /// Calls the store's JetStream API.
    fn api(self, subject: impl std::fmt::Display) -> Self {
        self.write(format!("$JS.API.{subject}"))
    }

    /// Reads the info of streams: whether they exist, and how full they are.
    pub(super) fn look_at(self, streams: &[&str]) -> Self {
        streams.iter().fold(self, |all, stream| {
            all.api(format_args!("STREAM.INFO.{stream}"))
        })
    }

    /// Removes messages of streams.
    pub(super) fn purge(self, streams: &[&str]) -> Self {
        streams.iter().fold(self, |all, stream| {
            all.api(format_args!("STREAM.PURGE.{stream}"))
        })
    }

    /// Reads single messages from the leader.
    pub(super) fn read(self, stream: &str) -> Self {
        self.api(format_args!("STREAM.MSG.GET.{stream}"))
    }

    /// Reads the last message of a subject from any replica.
    pub(super) fn read_directly(self, stream: &str, subject: &str) -> Self {
        let subject = format!("$JS.API.DIRECT.GET.{stream}.{subject}");
        self.call(subject, Account::Wombat, Replies::Many)
    }

    /// Follows messages that match the filter.
    pub(super) fn follow(self, stream: &str, filter: &str) -> Self {
        self.api(format_args!("CONSUMER.CREATE.{stream}.*.{filter}"))
            .api(format_args!("CONSUMER.DELETE.{stream}.*"))
    }

    /// Reads objects: entries from the leader, bytes from any replica.
    pub(super) fn read_objects(self, stream: &str, bucket: &str) -> Self {
        self.read(stream).follow(stream, &format!("$O.{bucket}.>"))
    }

    /// The same with any NATS client, whose consumers have no names.
    pub(super) fn read_objects_with_any_client(self, stream: &str, bucket: &str) -> Self {
        self.read_objects(stream, bucket)
            .api(format_args!("CONSUMER.CREATE.{stream}"))
            .api(format_args!("CONSUMER.CREATE.{stream}.>"))
    }

    /// What clients in other languages ask besides: nats-py for the name of a stream, nats.js for the account's limits.
    pub(super) fn look_around_with_any_client(self) -> Self {
        self.api("STREAM.NAMES").api("INFO")
    }

    /// The lines without those that others cover: the server would deliver a message once for each import that it
    /// matches.
    pub(super) fn reduced(self) -> Vec<Access> {
        let all = self.0;
        let is_covered = |index: usize, narrow: &Access| {
            all.iter().enumerate().any(|(other, wide)| {
                let equal = wide.at_owner() == narrow.at_owner();
                other != index
                    && !wide.is_of_user()
                    && wide.how == narrow.how
                    && covers(&wide.at_owner(), &narrow.at_owner())
                    // Of equal ones the first stays.
                    && (!equal || other < index)
            })
        };
        let stays = |(index, one): &(usize, &Access)| !is_covered(*index, one);
        let kept = all.iter().enumerate().filter(stays);
        kept.map(|(_, one)| one.clone()).collect()
    }
}
