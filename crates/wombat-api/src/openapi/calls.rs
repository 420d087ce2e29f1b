//! Every call, in the order in which people meet them.

use serde_json::{Value, json};
use wombat_model::{
    Goarch, Goos,
    catalog::ComponentKind,
    request::RequestBody,
    wire::{
        BlockQuestion, BlocklistAnswer, BuildView, BuildersAnswer, CatalogAnswer, ComponentAnswer,
        ListAnswer, Recipe, ResolveAnswer, SelectAnswer, StatsAnswer,
    },
};

use super::call::{Call, call};
use crate::{PlatformsAnswer, VersionAnswer, contents::Contents};

const BINARY: &str = "application/octet-stream";
const TEXT: &str = "text/plain";
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
const WAIT: &str =
    "Seconds to hold the answer until the build is finished; more than 60 count as 60.";
const BASES: [&str; 2] = ["standard", "pure"];
const ID: &str = "Id of a build: build.<goos>.<goarch>.<go>.<hash>.";

fn a_request() -> Value {
    json!({"goos": "linux", "goarch": "amd64", "components": ["input/nats", "output/nats_jetstream"]})
}

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
    let mut all = asking();
    all.extend(watching());
    all.extend(binaries());
    all.extend(catalog());
    all.extend(service());
    all
}

fn asking() -> Vec<Call> {
    vec![
        call(
            "post",
            "/api/builds",
            "requestBuild",
            "builds",
            "Ask for a binary; asking again for the same one gives the same build",
        )
        .number("wait", WAIT, u32::MAX)
        .takes::<RequestBody>(&a_request())
        .gives::<BuildView>(200, "It is finished.")
        .gives::<BuildView>(202, "It is taken; Location leads to it.")
        .leads_to(&[
            "getBuild",
            "readLog",
            "getRecipe",
            "getContents",
            "cancelBuild",
        ]),
        call(
            "post",
            "/api/resolve",
            "resolve",
            "builds",
            "Say what a request would build, and why; writes nothing",
        )
        .takes::<RequestBody>(&a_request())
        .gives::<ResolveAnswer>(200, "What would be built."),
    ]
}

fn watching() -> Vec<Call> {
    vec![
        call("get", "/api/builds", "listBuilds", "builds", "Find builds")
            .text(
                "q",
                "Words and fields, such as status:success component:kafka.",
            )
            .number(
                "limit",
                "Builds a page; 200 at most, 50 if left out.",
                u32::MAX,
            )
            .text("cursor", "Where the page before ended.")
            .pattern(
                "sort",
                "What comes first, with - in front for the greatest; -created if left out.",
                "^(-?(created|finished|size|duration))?$",
            )
            .flag("facets", "Count values of fields, too.")
            .gives::<ListAnswer>(200, "A page of builds."),
        call(
            "get",
            "/api/builds/{id}",
            "getBuild",
            "builds",
            "Look at a build",
        )
        .part("id", ID)
        .number("wait", WAIT, u32::MAX)
        .gives::<BuildView>(200, "The build; its revision is the ETag.")
        .answers(304, "It is as If-None-Match knows it.", None),
        call(
            "delete",
            "/api/builds/{id}",
            "cancelBuild",
            "builds",
            "Stop a build that isn't finished, or with purge remove a finished one",
        )
        .part("id", ID)
        .flag(
            "purge",
            "Remove its record, binary and log; needs the role admin.",
        )
        .answers(200, "The build, or what was removed.", Some(JSON))
        .needs("operator"),
        call(
            "get",
            "/api/builds/{id}/events",
            "followBuild",
            "builds",
            "Follow a build: server-sent events build, log, gap, reset and end",
        )
        .part("id", ID)
        .answers(200, "Events.", Some(EVENTS)),
        call(
            "get",
            "/api/builds/{id}/log",
            "readLog",
            "builds",
            "Read the log of a build",
        )
        .part("id", ID)
        .answers(200, "Its lines.", Some(TEXT)),
        call(
            "get",
            "/api/builds/{id}/recipe",
            "getRecipe",
            "builds",
            "main.go, go.mod, go.sum and the command that give the same bytes by hand",
        )
        .part("id", ID)
        .gives::<Recipe>(200, "The recipe."),
        call(
            "get",
            "/api/builds/{id}/contents",
            "getContents",
            "builds",
            "Modules, versions and code sizes, as the finished binary itself tells them",
        )
        .part("id", ID)
        .gives::<Contents>(200, "What is in it.")
        .gives::<BuildView>(202, "It is still being built.")
        .answers(304, "It is as If-None-Match knows it.", None),
        call(
            "get",
            "/api/events",
            "followAll",
            "builds",
            "Follow all builds",
        )
        .answers(200, "Events.", Some(EVENTS)),
    ]
}

fn binaries() -> Vec<Call> {
    let binary = |method, id, about| {
        call(
            method,
            "/artifacts/{goos}/{goarch}/{go}/{hash}",
            id,
            "builds",
            about,
        )
        .choice_part("goos", "Operating system.", systems())
        .choice_part("goarch", "Architecture.", architectures())
        .part("go", "Go release.")
        .part(
            "hash",
            "64 hex digits; with .sha256 behind them: the digest as text.",
        )
    };
    vec![
        call(
            "get",
            "/dl/{goos}/{goarch}",
            "download",
            "builds",
            "Ask, wait, and be led to the binary",
        )
        .choice_part("goos", "Operating system.", systems())
        .choice_part("goarch", "Architecture.", architectures())
        .text("components", "Names between commas, such as nats,redis.")
        .text("packages", "Import paths between commas.")
        .text("goVersion", "A Go release in full.")
        .text("variant", "Level of the architecture.")
        .choice("base", "What is added; standard if left out.", BASES)
        .number(
            "round",
            "How often the client was sent here before.",
            u32::MAX,
        )
        .answers(303, "It is built; Location leads to the binary.", None)
        .answers(
            307,
            "It is still being built; Location leads here again.",
            None,
        ),
        binary("get", "getBinary", "Download a binary")
            .answers(200, "The binary; its digest is the ETag.", Some(BINARY))
            .answers(206, "The part that Range asks for.", Some(BINARY))
            .answers(304, "It is as If-None-Match knows it.", None),
        binary("head", "describeBinary", "Size and digest of a binary")
            .answers(200, "As for a download, without the bytes.", None)
            .answers(304, "It is as If-None-Match knows it.", None),
    ]
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
        .number("limit", "Most packages.", u32::MAX)
        .gives::<CatalogAnswer>(200, "Releases and packages."),
        call(
            "post",
            "/api/catalog/select",
            "selectForPipeline",
            "catalog",
            "Say what a pipeline needs, and what in it can't be right; nothing of it is kept",
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
        .gives::<SelectAnswer>(200, "What it needs."),
        call(
            "get",
            "/api/catalog/components/{name}",
            "getComponentByName",
            "catalog",
            "The packages that bring a component of any kind, and its fields",
        )
        .part("name", "Its name.")
        .gives::<ComponentAnswer>(200, "Packages and fields."),
        call(
            "get",
            "/api/catalog/components/{kind}/{name}",
            "getComponent",
            "catalog",
            "The packages that bring a component, and its fields",
        )
        .choice_part("kind", "Its kind.", kinds())
        .part("name", "Its name.")
        .gives::<ComponentAnswer>(200, "Packages and fields."),
        call(
            "get",
            "/api/blocklist",
            "getBlocklist",
            "catalog",
            "Modules that nobody may build here",
        )
        .gives::<BlocklistAnswer>(200, "The list.")
        .needs("operator"),
        call(
            "put",
            "/api/blocklist",
            "setBlocklist",
            "catalog",
            "Say which modules nobody may build here",
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
            "Whether the process lives",
        )
        .answers(200, "It does.", Some(TEXT)),
        call(
            "get",
            "/readyz",
            "isReady",
            "service",
            "Whether it can do its work",
        )
        .answers(200, "It can.", Some(TEXT)),
    ]
}
