//! The table of permissions.
//!
//! The subject that creates a named consumer ends in its filter, which the server enforces; our consumers are always
//! named. Other clients of the read-only role are the exception: they create unnamed consumers for objects. A writer of
//! a key may delete it, too: that is the same subject. A purge has its filter in the body, so it can't be limited to a
//! part of a stream, and only the service may do it.

use wombat_model::names::{
    AHEAD_SUBJECT, ARTIFACTS_BUCKET, BUILD_SERVICE, BUILDERS_BUCKET, BUILDS_BUCKET, CATALOG_BUCKET,
    CATALOG_DOCS_BUCKET, CATALOG_SERVICE, GOCACHE_BUCKET, LINT_QUEUE, LINT_SUBJECT_PREFIX,
    LOGS_STREAM, LOGS_SUBJECT_PREFIX, PUBLICATIONS_BUCKET, REQUIREMENTS_QUEUE,
    REQUIREMENTS_SUBJECT,
};

use super::NatsRole;

/// Subjects that a role may publish to and subscribe to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// What it may send.
    pub publish: Vec<String>,
    /// What it may receive; a queue group may follow the subject.
    pub subscribe: Vec<String>,
    /// Whether it may reply to requests.
    pub answers: bool,
}

impl Permissions {
    /// The permissions of this role.
    pub fn of(role: NatsRole) -> Self {
        let own = Self::default().receive(format!("{}.>", role.inbox_prefix()));
        match role {
            NatsRole::Admin => Self::default().send(">").receive(">"),
            NatsRole::Service => service(own),
            NatsRole::Builder => builder(own),
            NatsRole::Api => api(own),
            NatsRole::ReadOnly => read_only(own),
        }
    }

    fn send(mut self, subject: impl Into<String>) -> Self {
        self.publish.push(subject.into());
        self
    }

    fn receive(mut self, subject: impl Into<String>) -> Self {
        self.subscribe.push(subject.into());
        self
    }

    fn send_all<S: Into<String>>(self, subjects: impl IntoIterator<Item = S>) -> Self {
        subjects.into_iter().fold(self, Self::send)
    }

    /// Reads the info of streams: whether they exist, and how full they are.
    fn look_at(self, streams: &[Stream]) -> Self {
        let subjects = streams
            .iter()
            .map(|stream| format!("$JS.API.STREAM.INFO.{}", stream.name));
        self.send_all(subjects)
    }

    /// Reads single messages from the leader.
    fn read(self, stream: &Stream) -> Self {
        self.send(format!("$JS.API.STREAM.MSG.GET.{}", stream.name))
    }

    /// Reads the last message of a subject from any replica.
    fn read_directly(self, stream: &Stream, subject: &str) -> Self {
        self.send(format!("$JS.API.DIRECT.GET.{}.{subject}", stream.name))
    }

    /// Follows messages that match the filter.
    fn follow(self, stream: &Stream, filter: &str) -> Self {
        let Stream { name, .. } = stream;
        self.send(format!("$JS.API.CONSUMER.CREATE.{name}.*.{filter}"))
            .send(format!("$JS.API.CONSUMER.DELETE.{name}.*"))
    }

    /// Reads objects: entries from the leader, bytes from any replica.
    fn read_objects(self, stream: &Stream, bucket: &str) -> Self {
        self.read(stream).follow(stream, &format!("$O.{bucket}.>"))
    }

    /// The same with any NATS client, whose consumers have no names.
    fn read_objects_with_any_client(self, stream: &Stream, bucket: &str) -> Self {
        let Stream { name, .. } = stream;
        self.read_objects(stream, bucket)
            .send(format!("$JS.API.CONSUMER.CREATE.{name}"))
            .send(format!("$JS.API.CONSUMER.CREATE.{name}.>"))
    }
}

struct Stream {
    name: &'static str,
}

const BUILDS: Stream = Stream { name: "KV_builds" };
const BUILDERS: Stream = Stream {
    name: "KV_builders",
};
const CATALOG: Stream = Stream { name: "KV_catalog" };
const GOCACHE: Stream = Stream { name: "KV_gocache" };
const ARTIFACTS: Stream = Stream {
    name: "OBJ_artifacts",
};
const DOCUMENTS: Stream = Stream {
    name: "OBJ_catalog-docs",
};
const LOGS: Stream = Stream { name: LOGS_STREAM };
const PUBLICATIONS: Stream = Stream {
    name: "KV_publications",
};
const STREAMS: [Stream; 8] = [
    BUILDS,
    BUILDERS,
    CATALOG,
    GOCACHE,
    ARTIFACTS,
    DOCUMENTS,
    LOGS,
    PUBLICATIONS,
];

/// Flow control of followed streams.
const FLOW: &str = "$JS.FC.>";

fn keys(bucket: &str) -> String {
    format!("$KV.{bucket}.>")
}

fn logs() -> String {
    format!("{LOGS_SUBJECT_PREFIX}>")
}

fn service(own: Permissions) -> Permissions {
    let purge = |stream: &Stream| format!("$JS.API.STREAM.PURGE.{}", stream.name);
    own.look_at(&STREAMS)
        .read(&BUILDS)
        .read(&BUILDERS)
        .read(&CATALOG)
        .read(&GOCACHE)
        .read(&LOGS)
        .read(&PUBLICATIONS)
        .follow(&BUILDS, &keys(BUILDS_BUCKET))
        .follow(&PUBLICATIONS, &keys(PUBLICATIONS_BUCKET))
        .follow(&BUILDERS, &keys(BUILDERS_BUCKET))
        .follow(&CATALOG, &keys(CATALOG_BUCKET))
        .follow(&CATALOG, &format!("$KV.{CATALOG_BUCKET}.blocklist"))
        .follow(&GOCACHE, &keys(GOCACHE_BUCKET))
        .follow(&LOGS, &logs())
        .read_objects(&ARTIFACTS, ARTIFACTS_BUCKET)
        .read_objects(&DOCUMENTS, CATALOG_DOCS_BUCKET)
        .send(purge(&ARTIFACTS))
        .send(purge(&CATALOG))
        .send(purge(&DOCUMENTS))
        .send(purge(&GOCACHE))
        .send(purge(&LOGS))
        .send(purge(&PUBLICATIONS))
        .send(format!("$KV.{PUBLICATIONS_BUCKET}.grant.>"))
        .send(format!("$KV.{PUBLICATIONS_BUCKET}.result.>"))
        .send(keys(BUILDS_BUCKET))
        .send(format!("$KV.{BUILDERS_BUCKET}.lock.*"))
        .send(keys(CATALOG_BUCKET))
        // Links and deletions; the chunks are the builders'.
        .send(format!("$O.{ARTIFACTS_BUCKET}.M.*"))
        .send(format!("$O.{CATALOG_DOCS_BUCKET}.M.*"))
        .send(AHEAD_SUBJECT)
        .send(REQUIREMENTS_SUBJECT)
        .send("$SRV.PING.>")
        .send(FLOW)
        // Roles that send many requests: nats-server tracks each reply that only the request permits, and becomes slow
        // if there are many.
        .send(format!("{}.>", NatsRole::Api.inbox_prefix()))
        .send(format!("{}.>", NatsRole::ReadOnly.inbox_prefix()))
        .receive(format!("{BUILD_SERVICE}.* q"))
        .receive(format!("{CATALOG_SERVICE}.* q"))
        .receive("$SRV.>")
        .answering()
}

fn builder(own: Permissions) -> Permissions {
    own.look_at(&STREAMS)
        .read(&BUILDS)
        .read(&BUILDERS)
        .read(&GOCACHE)
        .read_directly(&GOCACHE, &keys(GOCACHE_BUCKET))
        // Many at once: their subjects are in the body.
        .send(format!("$JS.API.DIRECT.GET.{}", GOCACHE.name))
        .follow(&BUILDS, &keys(BUILDS_BUCKET))
        .follow(&BUILDERS, &keys(BUILDERS_BUCKET))
        .follow(&CATALOG, &format!("$KV.{CATALOG_BUCKET}.release.>"))
        .follow(&CATALOG, &format!("$KV.{CATALOG_BUCKET}.import.>"))
        .follow(&CATALOG, &format!("$KV.{CATALOG_BUCKET}.import-part.>"))
        .follow(&CATALOG, &format!("$KV.{CATALOG_BUCKET}.go-releases"))
        .follow(&CATALOG, &format!("$KV.{CATALOG_BUCKET}.default-releases"))
        .read(&CATALOG)
        .read(&DOCUMENTS)
        .read(&LOGS)
        .send(format!("$KV.{CATALOG_BUCKET}.import.>"))
        .send(format!("$KV.{CATALOG_BUCKET}.import-plan.>"))
        .send(format!("$KV.{CATALOG_BUCKET}.import-part.>"))
        .send(format!("$KV.{CATALOG_BUCKET}.go-releases"))
        .send(format!("$O.{CATALOG_DOCS_BUCKET}.C.*"))
        .send(format!("$O.{CATALOG_DOCS_BUCKET}.M.*"))
        .send(format!("$KV.{BUILDS_BUCKET}.build.>"))
        .send(format!("$KV.{BUILDS_BUCKET}.open.>"))
        .send(format!("$KV.{BUILDERS_BUCKET}.*"))
        .send(keys(GOCACHE_BUCKET))
        .send(format!("$O.{ARTIFACTS_BUCKET}.C.*"))
        .send(format!("$O.{ARTIFACTS_BUCKET}.M.*"))
        .send(logs())
        .send(FLOW)
        .read_objects(&ARTIFACTS, ARTIFACTS_BUCKET)
        .send(format!("{}.>", NatsRole::Api.inbox_prefix()))
        .send(format!("{}.>", NatsRole::Service.inbox_prefix()))
        .receive(AHEAD_SUBJECT)
        .receive(format!("{REQUIREMENTS_SUBJECT} {REQUIREMENTS_QUEUE}"))
        .receive(format!("{LINT_SUBJECT_PREFIX}> {LINT_QUEUE}"))
}

fn api(own: Permissions) -> Permissions {
    let build = [
        "request", "force", "list", "get", "cancel", "purge", "resolve", "ahead", "log",
        "builders", "stats", "health",
    ];
    let catalog = [
        "search",
        "components",
        "component",
        "select",
        "blocklist",
        "block",
        "import",
        "imports",
        "goreleases",
    ];
    own.look_at(&STREAMS)
        .read(&BUILDS)
        .read(&BUILDERS)
        .read(&LOGS)
        .read(&PUBLICATIONS)
        .follow(&BUILDS, &keys(BUILDS_BUCKET))
        .follow(&BUILDERS, &keys(BUILDERS_BUCKET))
        .follow(&LOGS, &logs())
        .read_objects(&ARTIFACTS, ARTIFACTS_BUCKET)
        .send_all(build.map(|name| format!("{BUILD_SERVICE}.{name}")))
        .send_all(catalog.map(|name| format!("{CATALOG_SERVICE}.{name}")))
        .send(format!("{LINT_SUBJECT_PREFIX}>"))
        .send(FLOW)
}

fn read_only(own: Permissions) -> Permissions {
    let build = [
        "list", "get", "resolve", "log", "builders", "stats", "health",
    ];
    let catalog = ["search", "components", "component", "select", "goreleases"];
    own.look_at(&[BUILDS, ARTIFACTS])
        .follow(&BUILDS, &keys(BUILDS_BUCKET))
        .read_directly(&BUILDS, &keys(BUILDS_BUCKET))
        .read_objects_with_any_client(&ARTIFACTS, ARTIFACTS_BUCKET)
        .send_all(build.map(|name| format!("{BUILD_SERVICE}.{name}")))
        .send_all(catalog.map(|name| format!("{CATALOG_SERVICE}.{name}")))
        .send("$SRV.>")
        .send(FLOW)
}

impl Permissions {
    fn answering(self) -> Self {
        Self {
            answers: true,
            ..self
        }
    }
}
