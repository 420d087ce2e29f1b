//! Calls about builds: requesting them, following them, and reading their binaries.

use serde_json::{Value, json};
use wombat_binary::Contents;
use wombat_model::{
    request::RequestBody,
    wire::{BuildView, LintAnswer, ListAnswer, Recipe, ResolveAnswer},
};

use crate::openapi::{
    call::{Call, call},
    media_types::{EVENTS, JSON, TEXT},
};

const WAIT: &str =
    "Seconds to hold the answer until the build is finished; more than 60 count as 60.";
const ID: &str = "Id of a build: build.<goos>.<goarch>.<go>.<hash>.";

fn a_request() -> Value {
    json!({"goos": "linux", "goarch": "amd64", "components": ["input/nats", "output/nats_jetstream"]})
}

pub(super) fn asking() -> Vec<Call> {
    vec![
        call(
            "post",
            "/api/builds",
            "requestBuild",
            "builds",
            "Request a binary; another request for the same one gives the same build",
        )
        .number("wait", WAIT, u32::MAX)
        .takes::<RequestBody>(&a_request())
        .gives::<BuildView>(200, "It is finished.")
        .gives::<BuildView>(202, "The request is accepted; Location is the build.")
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
            "Show what a request would build, and why; stores nothing",
        )
        .flag(
            "ahead",
            "Have an idle builder start it early, if all modules are the catalog's and the client's quota allows it; the client's next such request replaces it.",
        )
        .takes::<RequestBody>(&a_request())
        .gives::<ResolveAnswer>(200, "What would be built."),
    ]
}

pub(super) fn watching() -> Vec<Call> {
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
            .text("cursor", "The cursor in the page before.")
            .pattern(
                "sort",
                "Field to sort by, with - in front for descending; -created if left out.",
                "^(-?(created|finished|size|duration))?$",
            )
            .flag("facets", "Also count the values of fields.")
            .gives::<ListAnswer>(200, "A page of builds."),
        call(
            "get",
            "/api/builds/{id}",
            "getBuild",
            "builds",
            "Show a build",
        )
        .part("id", ID)
        .number("wait", WAIT, u32::MAX)
        .gives::<BuildView>(200, "The build; its revision is the ETag.")
        .answers(304, "Unchanged: If-None-Match names it.", None),
        call(
            "delete",
            "/api/builds/{id}",
            "cancelBuild",
            "builds",
            "Cancel a build that isn't finished, or remove a finished one with purge",
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
            "main.go, go.mod, go.sum and the command that reproduce the same bytes",
        )
        .part("id", ID)
        .gives::<Recipe>(200, "The recipe."),
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

pub(super) fn about_binaries() -> Vec<Call> {
    vec![
        call(
            "get",
            "/api/builds/{id}/contents",
            "getContents",
            "builds",
            "Modules, versions and code sizes, read from the finished binary itself",
        )
        .part("id", ID)
        .gives::<Contents>(200, "What is in it.")
        .gives::<BuildView>(202, "It is still being built.")
        .answers(304, "Unchanged: If-None-Match names it.", None),
        call(
            "post",
            "/api/builds/{id}/lint",
            "lintPipeline",
            "builds",
            "Lint a pipeline with the finished binary; the pipeline isn't stored",
        )
        .part("id", ID)
        .takes_text(
            "application/yaml",
            "input:\n  generate:\n    mapping: root = now()\noutput:\n  stdout: {}\n",
        )
        .gives::<LintAnswer>(200, "The complaints of the binary, if it has any.")
        .gives::<BuildView>(202, "It is still being built."),
    ]
}
