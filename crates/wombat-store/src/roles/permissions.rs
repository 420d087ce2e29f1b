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

use super::{
    Account, NatsRole,
    access::{Access, Replies, Use},
    rows::Rows,
};

const BUILDS: &str = "KV_builds";
const BUILDERS: &str = "KV_builders";
const CATALOG: &str = "KV_catalog";
const GOCACHE: &str = "KV_gocache";
const PUBLICATIONS: &str = "KV_publications";
const ARTIFACTS: &str = "OBJ_artifacts";
const DOCUMENTS: &str = "OBJ_catalog-docs";
const STREAMS: [&str; 8] = [
    BUILDS,
    BUILDERS,
    CATALOG,
    GOCACHE,
    PUBLICATIONS,
    ARTIFACTS,
    DOCUMENTS,
    LOGS_STREAM,
];

/// Replies to requests from other accounts.
const REPLIES: &str = "_R_.>";

fn keys(bucket: &str) -> String {
    format!("$KV.{bucket}.>")
}

fn logs() -> String {
    format!("{LOGS_SUBJECT_PREFIX}>")
}

impl NatsRole {
    /// Everything that users with this role may do.
    pub fn access(self) -> Vec<Access> {
        match self {
            Self::Admin => Rows::default()
                .add(">", Use::Publish)
                .add(">", Use::Receive(None)),
            Self::Service => service(Rows::of(self)),
            Self::Builder => builder(Rows::of(self)),
            Self::Publisher => publisher(Rows::of(self)),
            Self::Api => api(Rows::of(self)),
            Self::ReadOnly => read_only(Rows::of(self)),
        }
        .reduced()
    }
}

fn service(own: Rows) -> Rows {
    own.look_at(&STREAMS)
        .read(BUILDS)
        .read(BUILDERS)
        .read(CATALOG)
        .read(GOCACHE)
        .read(PUBLICATIONS)
        .read(LOGS_STREAM)
        .follow(BUILDS, &keys(BUILDS_BUCKET))
        .follow(BUILDERS, &keys(BUILDERS_BUCKET))
        .follow(CATALOG, &keys(CATALOG_BUCKET))
        .follow(GOCACHE, &keys(GOCACHE_BUCKET))
        .follow(PUBLICATIONS, &keys(PUBLICATIONS_BUCKET))
        .follow(LOGS_STREAM, &logs())
        .read_objects(ARTIFACTS, ARTIFACTS_BUCKET)
        .read_objects(DOCUMENTS, CATALOG_DOCS_BUCKET)
        .purge(&[
            ARTIFACTS,
            CATALOG,
            DOCUMENTS,
            GOCACHE,
            LOGS_STREAM,
            PUBLICATIONS,
        ])
        .write(keys(BUILDS_BUCKET))
        .write(format!("$KV.{BUILDERS_BUCKET}.lock.*"))
        .write(keys(CATALOG_BUCKET))
        .write(format!("$KV.{PUBLICATIONS_BUCKET}.grant.>"))
        .write(format!("$KV.{PUBLICATIONS_BUCKET}.result.>"))
        // Links and deletions; the chunks are the builders'.
        .write(format!("$O.{ARTIFACTS_BUCKET}.M.*"))
        .write(format!("$O.{CATALOG_DOCS_BUCKET}.M.*"))
        .call(REQUIREMENTS_SUBJECT, Account::Build, Replies::One)
        .add(AHEAD_SUBJECT, Use::Publish)
        // To itself, to know that it is reachable.
        .add("$SRV.PING.>", Use::Publish)
        .add(NatsRole::Service.inboxes(), Use::Publish)
        .add(NatsRole::Api.inboxes(), Use::Publish)
        .add(REPLIES, Use::Publish)
        .add(format!("{BUILD_SERVICE}.*"), Use::Receive(Some("q")))
        .add(format!("{CATALOG_SERVICE}.*"), Use::Receive(Some("q")))
        .add("$SRV.>", Use::Receive(None))
}

fn builder(own: Rows) -> Rows {
    let lint = format!("{LINT_SUBJECT_PREFIX}>");
    own.look_at(&STREAMS)
        .read(BUILDS)
        .read(BUILDERS)
        .read(GOCACHE)
        .read(CATALOG)
        .read(DOCUMENTS)
        .read(LOGS_STREAM)
        .read_directly(GOCACHE, &keys(GOCACHE_BUCKET))
        // Many at once: their subjects are in the body.
        .call(
            format!("$JS.API.DIRECT.GET.{GOCACHE}"),
            Account::Wombat,
            Replies::Many,
        )
        .follow(BUILDS, &keys(BUILDS_BUCKET))
        .follow(BUILDERS, &keys(BUILDERS_BUCKET))
        .follow(CATALOG, &format!("$KV.{CATALOG_BUCKET}.release.>"))
        .follow(CATALOG, &format!("$KV.{CATALOG_BUCKET}.import.>"))
        .follow(CATALOG, &format!("$KV.{CATALOG_BUCKET}.import-part.>"))
        .follow(CATALOG, &format!("$KV.{CATALOG_BUCKET}.go-releases"))
        .follow(CATALOG, &format!("$KV.{CATALOG_BUCKET}.default-releases"))
        .read_objects(ARTIFACTS, ARTIFACTS_BUCKET)
        .write(format!("$KV.{CATALOG_BUCKET}.import.>"))
        .write(format!("$KV.{CATALOG_BUCKET}.import-plan.>"))
        .write(format!("$KV.{CATALOG_BUCKET}.import-part.>"))
        .write(format!("$KV.{CATALOG_BUCKET}.go-releases"))
        .write(format!("$KV.{BUILDS_BUCKET}.build.>"))
        .write(format!("$KV.{BUILDS_BUCKET}.open.>"))
        .write_as_user(&format!("$KV.{BUILDERS_BUCKET}.{{}}.*"))
        .write(keys(GOCACHE_BUCKET))
        .upload(ARTIFACTS_BUCKET)
        .upload(CATALOG_DOCS_BUCKET)
        .write(logs())
        .add(REPLIES, Use::Publish)
        .add(AHEAD_SUBJECT, Use::Hear(Account::Service))
        .add(REQUIREMENTS_SUBJECT, Use::Receive(Some(REQUIREMENTS_QUEUE)))
        .add(lint, Use::Receive(Some(LINT_QUEUE)))
}

fn publisher(own: Rows) -> Rows {
    own.look_at(&STREAMS)
        .read(BUILDS)
        .read(PUBLICATIONS)
        .follow(BUILDS, &keys(BUILDS_BUCKET))
        .read_objects(ARTIFACTS, ARTIFACTS_BUCKET)
        .write(format!("$O.{ARTIFACTS_BUCKET}.M.*"))
        .write(format!("$O.{ARTIFACTS_BUCKET}.C.publisher.>"))
        .write(format!("$KV.{PUBLICATIONS_BUCKET}.published.>"))
}

fn api(own: Rows) -> Rows {
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
    own.add(NatsRole::Api.inboxes(), Use::Hear(Account::Service))
        .look_at(&STREAMS)
        .read(BUILDS)
        .read(BUILDERS)
        .read(PUBLICATIONS)
        .read(LOGS_STREAM)
        .read_directly(PUBLICATIONS, &keys(PUBLICATIONS_BUCKET))
        .follow(BUILDS, &keys(BUILDS_BUCKET))
        .follow(BUILDERS, &keys(BUILDERS_BUCKET))
        .follow(PUBLICATIONS, &keys(PUBLICATIONS_BUCKET))
        .read(CATALOG)
        .follow(CATALOG, &format!("$KV.{CATALOG_BUCKET}.blocklist"))
        .follow(LOGS_STREAM, &logs())
        .read_objects(ARTIFACTS, ARTIFACTS_BUCKET)
        .ask_often(BUILD_SERVICE, &build)
        .ask_often(CATALOG_SERVICE, &catalog)
        .call(
            format!("{LINT_SUBJECT_PREFIX}>"),
            Account::Build,
            Replies::One,
        )
}

fn read_only(own: Rows) -> Rows {
    let build = [
        "list", "get", "resolve", "log", "builders", "stats", "health",
    ];
    let catalog = ["search", "components", "component", "select", "goreleases"];
    own.look_at(&[BUILDS, ARTIFACTS])
        .look_around_with_any_client()
        .read(BUILDS)
        .follow(BUILDS, &keys(BUILDS_BUCKET))
        .read_directly(BUILDS, &keys(BUILDS_BUCKET))
        .read_objects_with_any_client(ARTIFACTS, ARTIFACTS_BUCKET)
        .ask(BUILD_SERVICE, &build)
        .ask(CATALOG_SERVICE, &catalog)
        .call("$SRV.>", Account::Service, Replies::Many)
        // Scripts from before each role had an account.
        .add("_INBOX_read-only.>", Use::Receive(None))
}
