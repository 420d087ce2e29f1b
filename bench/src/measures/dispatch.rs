//! From a request to the first `go` process, with a worker free: request, record, watch and claim all included.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use wombat_testkit::a_distinct_request;

use crate::{
    bench::Bench,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::Scene,
};

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Dispatch",
        "One builder with a free worker and a stand-in for Go that is done at once. One request at a time over REST; the time ends when \
         the first `go` of the build has started.",
    );
    let scene = Scene::start(bench, &[]).await?;
    let _builder = scene.builder(&["--workers", "1"])?;
    scene.site.until_builders(1).await?;
    let mut times = Samples::default();
    for n in 0..u32::try_from(bench.times(60))? {
        scene.go.forget_calls()?;
        let asked = SystemTime::now();
        let id = scene.site.asked(&a_distinct_request(n)).await?;
        scene
            .site
            .until(&id, "success", Duration::from_mins(1))
            .await?;
        let first = scene.go.calls()?.into_iter().min();
        let first = first.context("a build calls `go`")?;
        // The first build finds nothing warm in any process, which happens once in their life.
        if n > 0 || bench.quick {
            times.push_time(first.duration_since(asked)?);
        }
    }
    section.target(
        "dispatch: request to first `go`, median",
        Unit::Seconds,
        Bound::AtMost(0.020),
        times.median(),
    );
    section.row("request → first `go` process", Unit::Seconds, times);
    Ok(section)
}
