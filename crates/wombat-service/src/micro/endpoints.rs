//! Every endpoint: its service, name and words.

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
    pub(super) const ALL: [Self; 2] = [Self::Build, Self::Catalog];

    /// Also the name of its group.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Build => BUILD_SERVICE,
            Self::Catalog => CATALOG_SERVICE,
        }
    }

    pub(super) fn endpoints(self) -> impl Iterator<Item = Endpoint> {
        Endpoint::ALL
            .into_iter()
            .filter(move |endpoint| endpoint.service() == self)
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Build => "Builds Redpanda Connect and Benthos binaries of selected components.",
            Self::Catalog => "Knows the components, packages and releases that can be built.",
        }
    }
}

impl Endpoint {
    /// All, in the order of their declaration.
    pub(super) const ALL: [Self; 20] = [
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

    pub(super) const fn service(self) -> MicroService {
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

    /// Where it is asked.
    pub(super) fn subject(self) -> String {
        format!("{}.{}", self.service().name(), self.name())
    }

    pub(super) const fn name(self) -> &'static str {
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

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Request => {
                "Ask for a binary. Asking again for the same one gives the same build."
            }
            Self::Force => {
                "Ask for a binary to be built again, whatever became of it before. Takes what `request` takes."
            }
            Self::List => "Find builds by words and fields, with counts and pages.",
            Self::Get => "Show a build: its record, phase, place in the queue and estimate.",
            Self::Cancel => "Stop a build that isn't finished.",
            Self::Purge => "Remove a finished build: its record, binary and log.",
            Self::Resolve => "Say what a request would build, and why, without asking for it.",
            Self::Ahead => {
                "The same as `resolve`, and an idle builder begins with it, so that it is there when it is asked for."
            }
            Self::Log => "Read the log of a build, page by page.",
            Self::Builders => "Show which builders are alive and what they are at.",
            Self::Stats => "Count builds over the last minutes, and say how long they took.",
            Self::Health => {
                "Show how full the stores are, and whether NATS stores what it is sent."
            }
            Self::Search => "Find packages by words, kind of component, module and version.",
            Self::Components => {
                "Find components by words and kind, with the packages that bring them."
            }
            Self::Component => "Show which packages bring a component.",
            Self::Select => {
                "Say which packages a pipeline needs, and what in it can't be right. Nothing of it is kept."
            }
            Self::Blocklist => "Show which modules nobody may build here.",
            Self::Import => {
                "Bring a release of a module into the catalog: a builder builds each of its packages and asks the binaries what they hold."
            }
            Self::Imports => "Show how far imports are.",
            Self::Block => {
                "Say which modules nobody may build here, in place of all that was said before."
            }
        }
    }

    /// A question that works as it stands, but for ids.
    pub(super) const fn example(self) -> &'static str {
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
                r#"{"pipeline":"input: {nats: {urls: [a], subject: b}}\noutput: {stdout: {}}"}"#
            }
        }
    }
}
