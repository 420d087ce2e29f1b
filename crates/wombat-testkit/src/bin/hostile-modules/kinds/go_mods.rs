//! `go.mod` files that are too large, or say what a dependency's may not decide.

use wombat_testkit::ModuleProxy;

use super::{HEAD, lines};
use crate::archive::{EvilModule, MODULE};

/// Modules that one requires.
const REQUIREMENTS: usize = 10_000;

pub(super) fn large(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    let comment = format!("// {}\n", "x".repeat(96)).repeat(100_000);
    module
        .go_mod(format!("module {MODULE}\n\ngo 1.26.0\n\n{comment}"))
        .file("p/p.go", HEAD)
}

pub(super) fn tricks(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    let text = format!(
        "module {MODULE}\n\ngo 1.26.0\n\ntoolchain go1.99.0\n\ngodebug default=go1.21\n\n\
         require golang.org/x/text v0.40.0\n\nreplace golang.org/x/text => /etc\n\n\
         replace github.com/redpanda-data/benthos/v4 => ../../../../evil\n\n\
         exclude github.com/redpanda-data/benthos/v4 v4.80.0\n\nretract [v1.0.0, v1.99.0]\n\n\
         tool {MODULE}/p\n\nignore ./p\n"
    );
    module.go_mod(text).file("p/p.go", HEAD)
}

pub(super) fn requirements(module: EvilModule, proxy: &ModuleProxy) -> anyhow::Result<EvilModule> {
    let required = lines(0..REQUIREMENTS, |n| format!("\tevil.example/d{n} v1.0.0\n"));
    for n in 0..REQUIREMENTS {
        let next = (n + 1) % REQUIREMENTS;
        let text = format!(
            "module evil.example/d{n}\n\ngo 1.26.0\n\nrequire evil.example/d{next} v1.0.0\n"
        );
        proxy.replace(&format!("evil.example/d{n}/@v/v1.0.0.mod"), text);
    }
    module
        .go_mod(format!(
            "module {MODULE}\n\ngo 1.26.0\n\nrequire (\n{required})\n"
        ))
        .file("p/p.go", HEAD)
}
