//! Every call, in the order of a first use.

mod builds;
mod catalog;
mod pipelines;

use wombat_model::wire::{BuildersAnswer, StatsAnswer};

use super::{
    call::{Call, call},
    choices::{BASES, architectures, systems},
    media_types::{BINARY, JSON, TEXT},
};
use crate::{HealthReport, PlatformsAnswer, VersionAnswer};

pub(super) fn calls() -> Vec<Call> {
    let mut all = builds::asking();
    all.extend(builds::watching());
    all.extend(builds::about_binaries());
    all.extend(binaries());
    all.extend(catalog::reading());
    all.extend(catalog::administration());
    all.extend(service());
    all
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
            "Request a build, wait for it, and get redirected to the binary",
        )
        .choice_part("goos", "Operating system.", systems())
        .choice_part("goarch", "Architecture.", architectures())
        .text("components", "Names between commas, such as nats,redis.")
        .text("packages", "Import paths between commas.")
        .text("goVersion", "A Go release in full.")
        .text("variant", "Level of the architecture.")
        .choice(
            "base",
            "Base packages that are added; standard if left out.",
            BASES,
        )
        .number(
            "round",
            "How often the client was redirected here before.",
            u32::MAX,
        )
        .answers(303, "It is built; Location is the binary.", None)
        .answers(
            307,
            "It is still being built; Location is this address again.",
            None,
        ),
        binary("get", "getBinary", "Download a binary")
            .answers(200, "The binary; its digest is the ETag.", Some(BINARY))
            .answers(206, "The part that Range asks for.", Some(BINARY))
            .answers(304, "Unchanged: If-None-Match names it.", None),
        binary("head", "describeBinary", "Size and digest of a binary")
            .answers(200, "As for a download, without the bytes.", None)
            .answers(304, "Unchanged: If-None-Match names it.", None),
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
