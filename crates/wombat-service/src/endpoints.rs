//! Every endpoint: its service, name, description and example.

use wombat_model::names::{BUILD_SERVICE, CATALOG_SERVICE};

/// An endpoint of one of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    Request,
    Force,
    List,
    Get,
    Cancel,
    Purge,
    Resolve,
    Ahead,
    Log,
    Builders,
    Stats,
    Health,
    Search,
    Components,
    Component,
    Select,
    Blocklist,
    Block,
    Import,
    Imports,
}

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MicroService {
    Build,
    Catalog,
}

impl MicroService {
    pub(crate) const ALL: [Self; 2] = [Self::Build, Self::Catalog];

    /// Also the name of its group.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Build => BUILD_SERVICE,
            Self::Catalog => CATALOG_SERVICE,
        }
    }

    pub(crate) fn endpoints(self) -> impl Iterator<Item = Endpoint> {
        Endpoint::ALL
            .into_iter()
            .filter(move |endpoint| endpoint.service() == self)
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Build => "Builds Redpanda Connect and Benthos binaries of selected components.",
            Self::Catalog => "Knows the components, packages and releases that can be built.",
        }
    }
}

impl Endpoint {
    /// All, in the order of their declaration.
    pub(crate) const ALL: [Self; 20] = [
        Self::Request,
        Self::Force,
        Self::List,
        Self::Get,
        Self::Cancel,
        Self::Purge,
        Self::Resolve,
        Self::Ahead,
        Self::Log,
        Self::Builders,
        Self::Stats,
        Self::Health,
        Self::Search,
        Self::Components,
        Self::Component,
        Self::Select,
        Self::Blocklist,
        Self::Block,
        Self::Import,
        Self::Imports,
    ];

    pub(crate) const fn service(self) -> MicroService {
        match self {
            Self::Request
            | Self::Force
            | Self::List
            | Self::Get
            | Self::Cancel
            | Self::Purge
            | Self::Resolve
            | Self::Ahead
            | Self::Log
            | Self::Builders
            | Self::Stats
            | Self::Health => MicroService::Build,
            Self::Search
            | Self::Components
            | Self::Component
            | Self::Select
            | Self::Blocklist
            | Self::Block
            | Self::Import
            | Self::Imports => MicroService::Catalog,
        }
    }

    /// The subject that takes its requests.
    pub(crate) fn subject(self) -> String {
        format!("{}.{}", self.service().name(), self.name())
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Force => "force",
            Self::List => "list",
            Self::Get => "get",
            Self::Cancel => "cancel",
            Self::Purge => "purge",
            Self::Resolve => "resolve",
            Self::Ahead => "ahead",
            Self::Log => "log",
            Self::Builders => "builders",
            Self::Stats => "stats",
            Self::Health => "health",
            Self::Search => "search",
            Self::Components => "components",
            Self::Component => "component",
            Self::Select => "select",
            Self::Blocklist => "blocklist",
            Self::Block => "block",
            Self::Import => "import",
            Self::Imports => "imports",
        }
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Request => "Request a build. Repeating a request returns the same build.",
            Self::Force => {
                "Request a rebuild, whatever the state of the existing build. Takes the same fields as `request`."
            }
            Self::List => "Find builds by words and fields, with counts and pages.",
            Self::Get => "Show a build: its record, phase, place in the queue and estimate.",
            Self::Cancel => "Stop a build that isn't finished.",
            Self::Purge => "Remove a finished build: its record, binary and log.",
            Self::Resolve => "Show what a request would build, and why, without requesting it.",
            Self::Ahead => {
                "Like `resolve`, and an idle builder starts on the build before it is requested."
            }
            Self::Log => "Read the log of a build, page by page.",
            Self::Builders => "Show the live builders and what they are building.",
            Self::Stats => "Count the builds of the last minutes, with their durations.",
            Self::Health => "Show how full the stores are, and whether NATS acknowledges writes.",
            Self::Search => "Find packages by words, kind of component, module and version.",
            Self::Components => {
                "Find components by words and kind, with the packages that bring them."
            }
            Self::Component => "Show which packages bring a component.",
            Self::Select => {
                "Show which packages a pipeline needs, and its mistakes. The pipeline isn't stored."
            }
            Self::Blocklist => "Show the blocked modules.",
            Self::Import => {
                "Import a release of a module into the catalog: a builder compiles each of its packages and lists their components."
            }
            Self::Imports => "Show imports and their progress.",
            Self::Block => "Replace the list of blocked modules.",
        }
    }

    /// An example request, valid except for ids.
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Request | Self::Force | Self::Resolve | Self::Ahead => {
                r#"{"goos":"linux","goarch":"amd64","components":["nats","redis"]}"#
            }
            Self::List => r#"{"query":"status:success goos:linux nats","limit":20,"facets":true}"#,
            Self::Get | Self::Cancel | Self::Purge => concat!(
                r#"{"id":"build.linux.amd64.1_26_8."#,
                "a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb",
                r#""}"#
            ),
            Self::Log => concat!(
                r#"{"id":"build.linux.amd64.1_26_8."#,
                "a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb",
                r#"","after":0}"#
            ),
            Self::Builders | Self::Health | Self::Blocklist | Self::Imports => "{}",
            Self::Import => {
                r#"{"module":"github.com/redpanda-data/benthos/v4","version":"v4.77.0"}"#
            }
            Self::Stats => r#"{"minutes":60}"#,
            Self::Block => {
                r#"{"modules":[{"module":"github.com/evil/*","reason":"malware"}],"revision":0}"#
            }
            Self::Search | Self::Components => r#"{"query":"kafka","kind":"input"}"#,
            Self::Component => r#"{"component":"input/kafka"}"#,
            Self::Select => {
                r#"{"pipeline":"input: {nats: {urls: [a], subject: '${SUBJECT}'}}\noutput: {stdout: {}}","variables":{"SUBJECT":"b"}}"#
            }
        }
    }
}
