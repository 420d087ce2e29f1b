//! Every call, in the order of a first use.

mod builds;
mod downloads;

use serde_json::json;
use wombat_model::{
    Goarch, Goos,
    catalog::{ComponentKind, Import},
    wire::{
        BlockQuestion, BlocklistAnswer, BuildersAnswer, CatalogAnswer, ComponentAnswer,
        ComponentsAnswer, ImportQuestion, ImportsAnswer, SelectAnswer, StatsAnswer,
    },
};

use super::{
    call::{Call, call},
    media_types::{JSON, TEXT},
};
use crate::{HealthReport, PlatformsAnswer, VersionAnswer};

const BASES: [&str; 2] = ["standard", "pure"];

fn systems() -> impl Iterator<Item = &'static str> {
    Goos::ALL.iter().map(|goos| goos.as_str())
}

fn architectures() -> impl Iterator<Item = &'static str> {
    Goarch::ALL.iter().map(|goarch| goarch.as_str())
}

fn kinds() -> impl Iterator<Item = &'static str> {
    ComponentKind::ALL.iter().map(|kind| kind.as_str())
}

pub(super) fn calls() -> Vec<Call> {
    let mut all = builds::asking();
    all.extend(builds::watching());
    all.extend(builds::about_binaries());
    all.extend(downloads::downloads());
    all.extend(catalog());
    all.extend(catalog_administration());
    all.extend(service());
    all
}

fn catalog() -> Vec<Call> {
    vec![
        call(
            "get",
            "/api/catalog",
            "searchCatalog",
            "catalog",
            "Find packages",
        )
        .text(
            "q",
            "Words in names of components, packages and descriptions.",
        )
        .choice(
            "kind",
            "Only packages with components of this kind.",
            kinds(),
        )
        .text("module", "Only this module.")
        .text("version", "Only this version of each module.")
        .number("limit", "Maximum number of packages.", u32::MAX)
        .gives::<CatalogAnswer>(200, "Releases and packages."),
        call(
            "post",
            "/api/catalog/select",
            "selectForPipeline",
            "catalog",
            "Find what a pipeline needs, and what is wrong in it; the pipeline isn't stored",
        )
        .choice("goos", "Operating system; linux if left out.", systems())
        .choice(
            "goarch",
            "Architecture; amd64 if left out.",
            architectures(),
        )
        .text("goVersion", "A Go release in full.")
        .text("variant", "Level of the architecture.")
        .takes_text(
            "application/yaml",
            "input:\n  nats:\n    urls: [nats://localhost:4222]\n    subject: orders\noutput:\n  stdout: {}\n",
        )
        .gives::<SelectAnswer>(200, "What the pipeline needs."),
        call(
            "get",
            "/api/catalog/components",
            "searchComponents",
            "catalog",
            "Find components",
        )
        .text(
            "q",
            "Words in the names, kinds, packages and descriptions of components.",
        )
        .choice("kind", "Only components of this kind.", kinds())
        .text("module", "Only this module.")
        .text("version", "Only this version of each module.")
        .number("limit", "Maximum number of components.", u32::MAX)
        .gives::<ComponentsAnswer>(200, "Components, each with the packages that provide it."),
        call(
            "get",
            "/api/catalog/components/{name}",
            "getComponentByName",
            "catalog",
            "Packages that provide a component of any kind, and its fields",
        )
        .part("name", "Its name.")
        .gives::<ComponentAnswer>(200, "Packages and fields."),
        call(
            "get",
            "/api/catalog/components/{kind}/{name}",
            "getComponent",
            "catalog",
            "Packages that provide a component, and its fields",
        )
        .choice_part("kind", "Its kind.", kinds())
        .part("name", "Its name.")
        .gives::<ComponentAnswer>(200, "Packages and fields."),
    ]
}

/// Calls that change the catalog, and the blocklist.
fn catalog_administration() -> Vec<Call> {
    vec![
        call(
            "get",
            "/api/catalog/imports",
            "listImports",
            "catalog",
            "Imports into the catalog, and their progress",
        )
        .gives::<ImportsAnswer>(200, "By module and version."),
        call(
            "post",
            "/api/catalog/imports",
            "importRelease",
            "catalog",
            "Import a release of a module into the catalog",
        )
        .takes::<ImportQuestion>(&json!({
            "module": "github.com/redpanda-data/benthos/v4", "version": "v4.77.0"
        }))
        .gives::<Import>(202, "The import waits for a builder, or is running.")
        .needs("admin"),
        call(
            "get",
            "/api/blocklist",
            "getBlocklist",
            "catalog",
            "Modules that must not be built",
        )
        .gives::<BlocklistAnswer>(200, "The list.")
        .needs("operator"),
        call(
            "put",
            "/api/blocklist",
            "setBlocklist",
            "catalog",
            "Set which modules must not be built",
        )
        .takes::<BlockQuestion>(&json!({
            "modules": [{"module": "example.com/stolen/*", "reason": "Its owner lost the key."}]
        }))
        .gives::<BlocklistAnswer>(200, "The list.")
        .needs("admin"),
    ]
}

fn service() -> Vec<Call> {
    vec![
        call(
            "get",
            "/api/builders",
            "listBuilders",
            "service",
            "Builders that are alive",
        )
        .gives::<BuildersAnswer>(200, "The builders."),
        call(
            "get",
            "/api/stats",
            "countBuilds",
            "service",
            "Builds over the last minutes, in 60 steps, and how long they took",
        )
        .count("minutes", "How far to look back; 60 if left out.", 1, 1440)
        .gives::<StatsAnswer>(200, "Counts and medians."),
        call(
            "get",
            "/api/platforms",
            "listPlatforms",
            "service",
            "Platforms on offer",
        )
        .gives::<PlatformsAnswer>(200, "The platforms."),
        call(
            "get",
            "/api/version",
            "getVersion",
            "service",
            "Version of this service",
        )
        .gives::<VersionAnswer>(200, "The version."),
        call(
            "get",
            "/api/health",
            "getHealth",
            "service",
            "Problems, how full the stores are, and whether NATS acknowledges what it stores",
        )
        .gives::<HealthReport>(200, "The report."),
        call(
            "get",
            "/api/openapi.json",
            "getOpenapi",
            "service",
            "This document",
        )
        .answers(200, "An OpenAPI 3.1 document.", Some(JSON)),
        call(
            "get",
            "/healthz",
            "isAlive",
            "service",
            "Whether the process is alive",
        )
        .answers(200, "It is.", Some(TEXT)),
        call(
            "get",
            "/readyz",
            "isReady",
            "service",
            "Whether it can serve clients",
        )
        .answers(200, "It can.", Some(TEXT)),
    ]
}
