//! Calls about builds: asking for them, and watching them.

use wombat_model::{
    request::RequestBody,
    wire::{BuildView, LintAnswer, ListAnswer, Recipe, ResolveAnswer},
};

use super::{EVENTS, ID, JSON, TEXT, WAIT, a_request};
use crate::{
    contents::Contents,
    openapi::call::{Call, call},
};

pub(super) fn asking() -> Vec<Call> {
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
        .flag(
            "ahead",
            "Have an idle builder begin with it; another one of the same client takes its place.",
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
            "Modules, versions and code sizes, as the finished binary itself tells them",
        )
        .part("id", ID)
        .gives::<Contents>(200, "What is in it.")
        .gives::<BuildView>(202, "It is still being built.")
        .answers(304, "It is as If-None-Match knows it.", None),
        call(
            "post",
            "/api/builds/{id}/lint",
            "lintPipeline",
            "builds",
            "What the finished binary itself says of a pipeline; nothing of it is kept",
        )
        .part("id", ID)
        .takes_text(
            "application/yaml",
            "input:\n  generate:\n    mapping: root = now()\noutput:\n  stdout: {}\n",
        )
        .gives::<LintAnswer>(200, "Its objections, if it has any.")
        .gives::<BuildView>(202, "It is still being built."),
    ]
}
