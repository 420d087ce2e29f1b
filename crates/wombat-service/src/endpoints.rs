//! Every endpoint: its service, name, description, example and the schemas of its messages.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use strum::VariantArray;
use wombat_model::{
    catalog::Import,
    names::{BUILD_SERVICE, CATALOG_SERVICE},
    request::RequestBody,
    wire::{
        BlockQuestion, BlocklistAnswer, BuildView, BuildersAnswer, CatalogAnswer, CatalogQuestion,
        ComponentAnswer, ComponentQuestion, ComponentsAnswer, GoReleasesAnswer, HealthAnswer,
        IdQuestion, ImportQuestion, ImportsAnswer, ListAnswer, ListQuestion, LogAnswer,
        LogQuestion, NoQuestion, PurgeAnswer, ResolveAnswer, SelectAnswer, SelectQuestion,
        StatsAnswer, StatsQuestion,
    },
};

/// An endpoint of one of the two services. Its name is the variant's, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
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
    GoReleases,
}

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub(crate) enum MicroService {
    Build,
    Catalog,
}

impl MicroService {
    /// Also the name of its group.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Build => BUILD_SERVICE,
            Self::Catalog => CATALOG_SERVICE,
        }
    }

    pub(crate) fn endpoints(self) -> impl Iterator<Item = Endpoint> {
        let all = Endpoint::VARIANTS.iter().copied();
        all.filter(move |endpoint| endpoint.definition().service == self)
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Build => "Builds Redpanda Connect and Benthos binaries of selected components.",
            Self::Catalog => "Knows the components, packages and releases that can be built.",
        }
    }
}

/// What a service tells about an endpoint.
pub(crate) struct EndpointDefinition {
    pub(crate) service: MicroService,
    pub(crate) description: &'static str,
    /// An example request, valid except for ids.
    pub(crate) example: &'static str,
    pub(crate) request: RootSchema,
    pub(crate) response: RootSchema,
}

/// Makes the schema of a type.
pub(crate) type RootSchema = fn(SchemaGenerator) -> Schema;

/// Examples that several endpoints share.
const EMPTY: &str = "{}";
const ID: &str = concat!(
    r#"{"id":"build.linux.amd64.1_26_8."#,
    "a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb",
    r#""}"#
);
const PICKED: &str = r#"{"goos":"linux","goarch":"amd64","components":["nats","redis"]}"#;
const SEARCHED: &str = r#"{"query":"kafka","kind":"input"}"#;

impl Endpoint {
    /// The subject that takes its requests.
    pub(crate) fn subject(self) -> String {
        format!("{}.{}", self.definition().service.name(), self.name())
    }

    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    pub(crate) const fn definition(self) -> EndpointDefinition {
        match self {
            Self::Request => build::<RequestBody, BuildView>(
                "Request a build. Repeating a request returns the same build.",
                PICKED,
            ),
            Self::Force => build::<RequestBody, BuildView>(
                "Request a rebuild, whatever the state of the existing build. Takes the same fields as `request`.",
                PICKED,
            ),
            Self::List => build::<ListQuestion, ListAnswer>(
                "Find builds by words and fields, with counts and pages.",
                r#"{"query":"status:success goos:linux nats","limit":20,"facets":true}"#,
            ),
            Self::Get => build::<IdQuestion, BuildView>(
                "Show a build: its record, phase, place in the queue and estimate.",
                ID,
            ),
            Self::Cancel => build::<IdQuestion, BuildView>("Stop a build that isn't finished.", ID),
            Self::Purge => build::<IdQuestion, PurgeAnswer>(
                "Remove a finished build: its record, binary and log.",
                ID,
            ),
            Self::Resolve => build::<RequestBody, ResolveAnswer>(
                "Show what a request would build, and why, without requesting it.",
                PICKED,
            ),
            Self::Ahead => build::<RequestBody, ResolveAnswer>(
                "Like `resolve`, and an idle builder starts on the build before it is requested, if all its modules are from the catalog and the client's quota isn't used up.",
                PICKED,
            ),
            Self::Log => build::<LogQuestion, LogAnswer>(
                "Read the log of a build, page by page.",
                concat!(
                    r#"{"id":"build.linux.amd64.1_26_8."#,
                    "a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb",
                    r#"","after":0}"#
                ),
            ),
            Self::Builders => build::<NoQuestion, BuildersAnswer>(
                "Show the live builders and what they are building.",
                EMPTY,
            ),
            Self::Stats => build::<StatsQuestion, StatsAnswer>(
                "Count the builds of the last minutes, with their durations.",
                r#"{"minutes":60}"#,
            ),
            Self::Health => build::<NoQuestion, HealthAnswer>(
                "Show how full the stores are, whether NATS acknowledges writes, and what else refuses builds.",
                EMPTY,
            ),
            Self::Search => catalog::<CatalogQuestion, CatalogAnswer>(
                "Find packages by words, kind of component, module and version.",
                SEARCHED,
            ),
            Self::Components => catalog::<CatalogQuestion, ComponentsAnswer>(
                "Find components by words and kind, with the packages that bring them.",
                SEARCHED,
            ),
            Self::Component => catalog::<ComponentQuestion, ComponentAnswer>(
                "Show which packages bring a component.",
                r#"{"component":"input/kafka"}"#,
            ),
            Self::Select => catalog::<SelectQuestion, SelectAnswer>(
                "Show which packages pipelines need, and their mistakes: one as `pipeline`, or many files as `files`. They aren't stored.",
                r#"{"pipeline":"input: {nats: {urls: [a], subject: '${SUBJECT}'}}\noutput: {stdout: {}}","variables":{"SUBJECT":"b"}}"#,
            ),
            Self::Blocklist => {
                catalog::<NoQuestion, BlocklistAnswer>("Show the blocked modules.", EMPTY)
            }
            Self::Block => catalog::<BlockQuestion, BlocklistAnswer>(
                "Replace the list of blocked modules.",
                r#"{"modules":[{"module":"github.com/evil/*","reason":"malware"}],"revision":0}"#,
            ),
            Self::Import => catalog::<ImportQuestion, Import>(
                "Import a release of a module into the catalog: a builder compiles each of its packages and lists their components.",
                r#"{"module":"github.com/redpanda-data/benthos/v4","version":"v4.77.0"}"#,
            ),
            Self::Imports => {
                catalog::<NoQuestion, ImportsAnswer>("Show imports and their progress.", EMPTY)
            }
            Self::GoReleases => catalog::<NoQuestion, GoReleasesAnswer>(
                "Show the Go releases that builders can fetch, with their checksums.",
                EMPTY,
            ),
        }
    }
}

const fn build<Request: JsonSchema, Response: JsonSchema>(
    description: &'static str,
    example: &'static str,
) -> EndpointDefinition {
    EndpointDefinition {
        service: MicroService::Build,
        description,
        example,
        request: SchemaGenerator::into_root_schema_for::<Request>,
        response: SchemaGenerator::into_root_schema_for::<Response>,
    }
}

const fn catalog<Request: JsonSchema, Response: JsonSchema>(
    description: &'static str,
    example: &'static str,
) -> EndpointDefinition {
    EndpointDefinition {
        service: MicroService::Catalog,
        ..build::<Request, Response>(description, example)
    }
}
