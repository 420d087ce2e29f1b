//! Modules that compile, and whose binaries are hostile when they are asked to lint.

use wombat_testkit::ModuleProxy;

use crate::archive::EvilModule;

/// A package that does this when its binary is asked to lint.
fn at_lint(module: EvilModule, what: &str) -> anyhow::Result<EvilModule> {
    const HEAD: &str = r#"package p

import (
	"bytes"
	"os"
	"runtime"

	_ "github.com/redpanda-data/benthos/v4/public/service"
)

var (
	block = bytes.Repeat([]byte{0xff}, 1 << 20)
	kept  [][]byte
)

func hold() {
	runtime.LockOSThread()
	select {}
}

func init() {
	if len(os.Args) < 2 || os.Args[1] != "lint" {
		return
	}
"#;
    module.file("p/p.go", format!("{HEAD}{what}}}\n"))
}

/// As much output as is read, none of it text.
pub(super) fn flood(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    at_lint(
        module,
        "for range 63 { os.Stdout.Write(block) }\nos.Exit(1)\n",
    )
}

pub(super) fn memory(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    at_lint(
        module,
        "for range 4096 { kept = append(kept, bytes.Clone(block)) }\nos.Exit(0)\n",
    )
}

pub(super) fn threads(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    at_lint(
        module,
        "for range 5000 { go hold() }\nfor { runtime.Gosched() }\n",
    )
}

pub(super) fn endless(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    at_lint(module, "for { block[0]++ }\n")
}
