//! Commands of `nats`, and the keys with which they work.

use wombat_store::roles::NatsRole;

/// The keys, in the order of the table.
pub(super) const KEYS: [NatsRole; 5] = [
    NatsRole::ReadOnly,
    NatsRole::Api,
    NatsRole::Builder,
    NatsRole::Service,
    NatsRole::Admin,
];

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// By itself.
    Ends,
    /// Never: it goes on following.
    GoesOn,
    /// By itself, without a word about the outcome, and nothing changes.
    HasNoEffect,
}

/// A command, as a person types it after `nats`.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// With `{build}`, `{object}`, `{unused}` (a key that no build has), and `{stream}`, `{keys}` and `{objects}` (a
    /// stream and buckets: the admin's own ones, which are to be removed; for the others real ones).
    line: String,
    /// The initials of the keys with which it works: Read-only, Api, Builder, Service, and M for the adMin.
    who: &'static str,
    /// What it prints when it works.
    pub(super) proof: &'static str,
    pub(super) course: Course,
}

const fn row(
    line: &'static str,
    who: &'static str,
    proof: &'static str,
) -> (&'static str, &'static str, &'static str, Course) {
    (line, who, proof, Course::Ends)
}

const fn goes_on(
    line: &'static str,
    who: &'static str,
    proof: &'static str,
) -> (&'static str, &'static str, &'static str, Course) {
    (line, who, proof, Course::GoesOn)
}

/// The endpoints of the micro services, and the keys that reach them.
pub(super) const ENDPOINTS: [(&str, &str); 21] = [
    ("build.list", "RA"),
    ("build.get", "RA"),
    ("build.log", "RA"),
    ("build.resolve", "RA"),
    ("build.builders", "RA"),
    ("build.stats", "RA"),
    ("build.health", "RA"),
    ("catalog.search", "RA"),
    ("catalog.components", "RA"),
    ("catalog.component", "RA"),
    ("catalog.select", "RA"),
    ("catalog.goreleases", "RA"),
    ("build.request", "A"),
    ("build.force", "A"),
    ("build.cancel", "A"),
    ("build.purge", "A"),
    ("build.ahead", "A"),
    ("catalog.import", "A"),
    ("catalog.imports", "A"),
    ("catalog.blocklist", "A"),
    ("catalog.block", "A"),
];

const MICRO: [(&str, &str, &str, Course); 4] = [
    row("micro ping", "R", "catalog"),
    row("micro ls", "R", "catalog"),
    row("micro info build", "R", "build.request"),
    row("micro stats build", "R", "request"),
];

/// The changes at the end are undone or don't matter to what comes after them.
const STORE: [(&str, &str, &str, Course); 43] = [
    row("kv get builds {build} --raw", "RM", "{sha256}"),
    row("kv ls builds", "RABSM", "{build}"),
    row("kv history builds {build}", "RABSM", "{build}"),
    goes_on("kv watch builds", "RABSM", "{build}"),
    row("kv info builds", "RABSM", "KV_builds"),
    row("kv ls", "M", "publications"),
    row(
        "kv get publications result.{build}.1 --raw",
        "AM",
        "{sha256}",
    ),
    row("object ls artifacts", "RABSM", "{build}"),
    row("object info artifacts {build}", "RABSM", "{sha256}"),
    row("object info artifacts {object}", "RABSM", "{sha256}"),
    row(
        "object get artifacts {build} --output wombat",
        "RABSM",
        "sha256 {sha256}",
    ),
    row(
        "object get artifacts {object} --output wombat",
        "RABSM",
        "sha256 {sha256}",
    ),
    row(
        "object get artifacts {object}.recipe --output recipe",
        "RABSM",
        "Wrote:",
    ),
    goes_on("object watch artifacts", "RABSM", "{object}"),
    row("object ls", "M", "artifacts"),
    row(
        "stream info KV_builds",
        "RABSM",
        "Information for Stream KV_builds",
    ),
    row(
        "stream info KV_builders",
        "ABSM",
        "Information for Stream KV_builders",
    ),
    row("stream ls --all", "M", "KV_builds"),
    row(
        "consumer add KV_builds mine --ephemeral --pull --defaults --filter '$KV.builds.>'",
        "RABSM",
        "Information for Consumer KV_builds",
    ),
    row(
        "consumer add KV_publications mine --ephemeral --pull --defaults --filter '$KV.publications.>'",
        "ASM",
        "Information for Consumer KV_publications",
    ),
    row(
        "consumer add KV_catalog mine --ephemeral --pull --defaults --filter '$KV.catalog.>'",
        "SM",
        "Information for Consumer KV_catalog",
    ),
    (
        "pub '$JS.wombat.API.STREAM.INFO.KV_builds' '' --reply '$JS.API.STREAM.DELETE.KV_gocache'",
        "",
        "Published",
        Course::HasNoEffect,
    ),
    row(
        "pub '$KV.builds.{unused}' '{}' --jetstream --header Nats-Rollup:all",
        "",
        "Stored",
    ),
    row("kv purge builds {unused} --force", "", ""),
    row("kv put publications result.{build}.1 x", "", ""),
    row("object put artifacts note", "", ""),
    row("object put artifacts note --name {object} --force", "", ""),
    row("object rm artifacts {build} --force", "", ""),
    row("object rm artifacts {object} --force", "", ""),
    row(
        "pub '$KV.builds.{unused}' '{}' --jetstream",
        "BSM",
        "Stored",
    ),
    row("kv put builds {unused} '{}'", "M", "{}"),
    row("kv del builds {unused} --force", "M", ""),
    row("kv add mine", "M", "KV_mine"),
    row("kv del {keys} --force", "M", ""),
    row("object add mine", "M", "OBJ_mine"),
    row("object seal {objects} --force", "M", "has been sealed"),
    row("object rm {objects} --force", "M", ""),
    row(
        "stream add mine --subjects 'mine.>' --defaults",
        "M",
        "Information for Stream mine",
    ),
    row("stream rm {stream} --force", "M", ""),
    row("stream purge BUILD_LOGS --force", "SM", "BUILD_LOGS"),
    row(
        "stream edit BUILD_LOGS --description x --force",
        "M",
        "BUILD_LOGS",
    ),
    row("kv edit catalog --description x", "M", "KV_catalog"),
    row(
        "object edit artifacts --description x",
        "M",
        "OBJ_artifacts",
    ),
];

/// All commands, those of a kind beside each other.
pub(super) fn commands() -> Vec<Command> {
    let command = |(line, who, proof, course): (&str, _, _, _)| Command {
        line: line.to_owned(),
        who,
        proof,
        course,
    };
    let request = |(endpoint, who): (&str, _)| {
        // What is no list of modules leaves the blocklist as it is.
        let body = if endpoint == "catalog.block" {
            "0"
        } else {
            "{}"
        };
        Command {
            line: format!("request {endpoint} '{body}'"),
            who,
            proof: "Received with rtt",
            course: Course::Ends,
        }
    };
    let micro = MICRO.into_iter().map(command);
    let requests = ENDPOINTS.into_iter().map(request);
    micro
        .chain(requests)
        .chain(STORE.into_iter().map(command))
        .collect()
}

impl Command {
    /// Whether it works with this key.
    pub(super) fn may(&self, role: NatsRole) -> bool {
        let initial = match role {
            NatsRole::ReadOnly => 'R',
            NatsRole::Api => 'A',
            NatsRole::Builder => 'B',
            NatsRole::Service => 'S',
            NatsRole::Admin | NatsRole::Publisher => 'M',
        };
        self.who.contains(initial)
    }

    /// The line with names in the place of `{build}` and the others.
    pub(super) fn filled(&self, names: &[(&str, String)]) -> String {
        filled(&self.line, names)
    }

    /// The endpoint that it asks, if it is a request.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.line.strip_prefix("request ")?.split(' ').next()
    }

    /// Whether it takes as long as it may, since it waits for more answers, or for one that never comes.
    pub(super) fn takes_all_its_time(&self) -> bool {
        self.line.starts_with("micro ") || self.line.starts_with("consumer ")
    }

    /// As the documentation has it.
    pub(super) fn shown(&self) -> String {
        let names = [
            ("build", "<id>"),
            ("object", "<id>/<claim>"),
            ("unused", "<id>"),
            ("stream", "<stream>"),
            ("keys", "<bucket>"),
            ("objects", "<bucket>"),
        ];
        format!(
            "nats {}",
            self.filled(&names.map(|(name, shown)| (name, shown.to_owned())))
        )
    }
}

pub(super) fn filled(text: &str, names: &[(&str, String)]) -> String {
    let fill =
        |text: String, (name, value): &(&str, String)| text.replace(&format!("{{{name}}}"), value);
    names.iter().fold(text.to_owned(), fill)
}
