//! Operations that need a permission, and the roles that have it.

use wombat_store::roles::{NatsRole, UserName};

/// An operation that needs a permission.
pub(super) struct Operation {
    what: &'static str,
    verb: Verb,
    subject: &'static str,
    /// The initials of the roles that may do it: Service, Builder, Api, Read-only. The admin may do everything in the
    /// account of the store, and reaches no other.
    who: &'static str,
}

enum Verb {
    Send,
    Receive,
    /// Subscribes in a queue group.
    Serve,
}

const fn send(what: &'static str, subject: &'static str, who: &'static str) -> Operation {
    Operation {
        what,
        verb: Verb::Send,
        subject,
        who,
    }
}

const fn receive(what: &'static str, subject: &'static str, who: &'static str) -> Operation {
    Operation {
        verb: Verb::Receive,
        ..send(what, subject, who)
    }
}

const fn serve(what: &'static str, subject: &'static str, who: &'static str) -> Operation {
    Operation {
        verb: Verb::Serve,
        ..send(what, subject, who)
    }
}

pub(super) const OPERATIONS: [Operation; 101] = [
    send("ask for a build", "build.request", "A"),
    send("build again", "build.force", "A"),
    send("search builds", "build.list", "AR"),
    send("look at a build", "build.get", "AR"),
    send("cancel a build", "build.cancel", "A"),
    send("purge a build", "build.purge", "A"),
    send("resolve versions", "build.resolve", "AR"),
    send("have a build begun ahead", "build.ahead", "A"),
    send("read a log", "build.log", "AR"),
    send("list builders", "build.builders", "AR"),
    send("count builds over time", "build.stats", "AR"),
    send("see how full the stores are", "build.health", "AR"),
    send("search components", "catalog.search", "AR"),
    send("list components", "catalog.components", "AR"),
    send("look at a component", "catalog.component", "AR"),
    send("read a pipeline", "catalog.select", "AR"),
    send("read the blocklist", "catalog.blocklist", "A"),
    send("change the blocklist", "catalog.block", "A"),
    send("tell builders to build ahead", "builder.ahead", "S"),
    receive("hear of what to build ahead", "builder.ahead", "B"),
    send("ask a binary", "builder.lint.linux.amd64", "A"),
    serve("answer for a binary", "builder.lint.linux.amd64", "B"),
    send("ask what a release requires", "builder.requirements", "S"),
    serve(
        "answer what a release requires",
        "builder.requirements",
        "B",
    ),
    send("import a release", "catalog.import", "A"),
    send("list imports", "catalog.imports", "A"),
    send("list Go releases", "catalog.goreleases", "AR"),
    send("find the services", "$SRV.PING.build", "SR"),
    serve("answer about builds", "build.request", "S"),
    serve("answer about components", "catalog.search", "S"),
    send("write a record", "$KV.builds.build.linux.amd64", "SB"),
    send("mark a build as open", "$KV.builds.open.linux.amd64", "SB"),
    send("write other keys of builds", "$KV.builds.other", "S"),
    send("read a record", "$JS.API.STREAM.MSG.GET.KV_builds", "SBAR"),
    send(
        "follow records",
        "$JS.API.CONSUMER.CREATE.KV_builds.name.$KV.builds.>",
        "SBAR",
    ),
    send("announce a builder", "$KV.builders.{builder}.id", "B"),
    send("announce another builder", "$KV.builders.another.id", ""),
    send("take the janitor's lock", "$KV.builders.lock.janitor", "S"),
    send(
        "follow builders",
        "$JS.API.CONSUMER.CREATE.KV_builders.name.$KV.builders.>",
        "SBA",
    ),
    send("write a release", "$KV.catalog.release.a.b", "S"),
    send("write the blocklist", "$KV.catalog.blocklist", "S"),
    send("request an import", "$KV.catalog.asked.a.b", "S"),
    send("tell of an import", "$KV.catalog.import.a.b", "SB"),
    send("plan an import", "$KV.catalog.import-plan.a.b", "SB"),
    send("import a package", "$KV.catalog.import-part.a.b", "SB"),
    send("tell of Go releases", "$KV.catalog.go-releases", "SB"),
    send(
        "read the catalog",
        "$JS.API.STREAM.MSG.GET.KV_catalog",
        "SBA",
    ),
    send(
        "follow the blocklist",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.blocklist",
        "SA",
    ),
    send(
        "follow packages of imports",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.import-part.a.>",
        "SB",
    ),
    send("purge the catalog", "$JS.API.STREAM.PURGE.KV_catalog", "S"),
    send("note default releases", "$KV.catalog.default-releases", "S"),
    send(
        "follow default releases",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.default-releases",
        "SB",
    ),
    send(
        "follow imports",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.import.>",
        "SB",
    ),
    send(
        "follow Go releases",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.go-releases",
        "SB",
    ),
    send(
        "follow releases",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.release.>",
        "SB",
    ),
    send(
        "follow all of the catalog",
        "$JS.API.CONSUMER.CREATE.KV_catalog.name.$KV.catalog.>",
        "S",
    ),
    send("write what was compiled", "$KV.gocache.a.b", "B"),
    send(
        "read what was compiled",
        "$JS.API.DIRECT.GET.KV_gocache",
        "B",
    ),
    send(
        "purge what was compiled",
        "$JS.API.STREAM.PURGE.KV_gocache",
        "S",
    ),
    send("upload a binary", "$O.artifacts.C.{builder}.id.0", "B"),
    send(
        "upload a binary as another",
        "$O.artifacts.C.another.id.0",
        "",
    ),
    send("upload a binary in one subject", "$O.artifacts.C.chunk", ""),
    send("name or remove a binary", "$O.artifacts.M.name", "SB"),
    send(
        "find a binary",
        "$JS.API.STREAM.MSG.GET.OBJ_artifacts",
        "SBAR",
    ),
    send(
        "read a binary",
        "$JS.API.CONSUMER.CREATE.OBJ_artifacts.name.$O.artifacts.>",
        "SBAR",
    ),
    send(
        "read a binary with any client",
        "$JS.API.CONSUMER.CREATE.OBJ_artifacts",
        "R",
    ),
    send(
        "purge parts of binaries",
        "$JS.API.STREAM.PURGE.OBJ_artifacts",
        "S",
    ),
    send(
        "upload what was imported",
        "$O.catalog-docs.C.{builder}.id.0",
        "B",
    ),
    send(
        "name or remove what was imported",
        "$O.catalog-docs.M.name",
        "SB",
    ),
    send(
        "find what was imported",
        "$JS.API.STREAM.MSG.GET.OBJ_catalog-docs",
        "SB",
    ),
    send(
        "read what was imported",
        "$JS.API.CONSUMER.CREATE.OBJ_catalog-docs.name.$O.catalog-docs.>",
        "S",
    ),
    send(
        "purge what was imported",
        "$JS.API.STREAM.PURGE.OBJ_catalog-docs",
        "S",
    ),
    send("grant a build", "$KV.publications.grant.a.1", "S"),
    send("note a result", "$KV.publications.result.a.1", "S"),
    send(
        "write other keys of publications",
        "$KV.publications.published.a.1",
        "",
    ),
    send(
        "read publications",
        "$JS.API.STREAM.MSG.GET.KV_publications",
        "SA",
    ),
    send(
        "purge publications",
        "$JS.API.STREAM.PURGE.KV_publications",
        "S",
    ),
    send("write a log", "build.logs.linux.amd64.claim", "B"),
    send(
        "follow a log",
        "$JS.API.CONSUMER.CREATE.BUILD_LOGS.name.build.logs.>",
        "SA",
    ),
    send(
        "find the last line of a log",
        "$JS.API.STREAM.MSG.GET.BUILD_LOGS",
        "SBA",
    ),
    send("purge logs", "$JS.API.STREAM.PURGE.BUILD_LOGS", "S"),
    send("purge records", "$JS.API.STREAM.PURGE.KV_builds", ""),
    send(
        "delete single messages",
        "$JS.API.STREAM.MSG.DELETE.KV_builds",
        "",
    ),
    send("make a stream", "$JS.API.STREAM.CREATE.mine", ""),
    send("change a stream", "$JS.API.STREAM.UPDATE.KV_builds", ""),
    send("delete a stream", "$JS.API.STREAM.DELETE.KV_builds", ""),
    send("list streams", "$JS.API.STREAM.NAMES", "R"),
    send("see the limits of the store", "$JS.wombat.API.INFO", "R"),
    send("send anything", "anything.else", ""),
    send("ask whether there is JetStream", "$JS.API.INFO", "SBAR"),
    send("answer a request", "_R_.request", "SB"),
    send("answer a gateway", "_INBOX_api.request", "S"),
    send("send to the service's inbox", "_INBOX_service.request", "S"),
    receive("read the service's answers", "_INBOX_service.>", "S"),
    receive(
        "read a builder's own answers",
        "_INBOX_builder.{builder}.>",
        "B",
    ),
    receive("read all builders' answers", "_INBOX_builder.>", ""),
    receive("read the gateway's answers", "_INBOX_api.>", "A"),
    receive("read readers' answers", "_INBOX.>", "R"),
    receive(
        "read the answers of scripts of 0.1.0",
        "_INBOX_read-only.>",
        "R",
    ),
    receive("overhear requests", "build.request", ""),
    receive("overhear everything", ">", ""),
];

impl Operation {
    pub(super) fn may(&self, role: NatsRole) -> bool {
        let initial = match role {
            NatsRole::Admin | NatsRole::Publisher => return true,
            NatsRole::Service => 'S',
            NatsRole::Builder => 'B',
            NatsRole::Api => 'A',
            NatsRole::ReadOnly => 'R',
        };
        self.who.contains(initial)
    }

    /// The subject as a role other than the admin has it.
    fn subject(&self) -> String {
        match self.subject.strip_prefix("$JS.API.") {
            None | Some("INFO") => self.subject.to_owned(),
            Some(rest) => format!("$JS.wombat.API.{rest}"),
        }
    }

    /// The protocol lines that a client sends for it, if the builder has this name.
    pub(super) fn lines(&self, builder: &UserName) -> String {
        let subject = self.subject().replace("{builder}", builder.as_str());
        match self.verb {
            Verb::Send => format!("PUB {subject} 2\r\n{{}}\r\n"),
            Verb::Receive => format!("SUB {subject} 1\r\nUNSUB 1\r\n"),
            Verb::Serve => format!("SUB {subject} q 1\r\nUNSUB 1\r\n"),
        }
    }

    pub(super) fn shown(&self) -> String {
        let verb = match self.verb {
            Verb::Send => "publish",
            Verb::Receive => "subscribe",
            Verb::Serve => "subscribe in `q`",
        };
        let subject = self.subject().replace("{builder}", "<builder>");
        format!("{} | {verb} `{subject}`", self.what)
    }
}
