//! Every call, in the order of a first use.

mod builds;
mod catalog;
mod downloads;
mod pipelines;

use wombat_model::wire::{BuildersAnswer, StatsAnswer};

use super::{
    call::{Call, call},
    media_types::{JSON, TEXT},
};
use crate::{HealthReport, PlatformsAnswer, VersionAnswer};

pub(super) fn calls() -> Vec<Call> {
    let mut all = builds::asking();
    all.extend(builds::watching());
    all.extend(builds::about_binaries());
    all.extend(downloads::downloads());
    all.extend(catalog::reading());
    all.extend(catalog::administration());
    all.extend(service());
    all
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
