//! Modules that compile, and whose binaries are hostile when they are asked to lint.

use wombat_testkit::ModuleProxy;

use crate::archive::EvilModule;

fn at_lint(module: EvilModule, what: &str) -> anyhow::Result<EvilModule> {
    let text = format!(
        "package p\n\nimport (\n\t\"bytes\"\n\t\"os\"\n\n\t_ \"github.com/redpanda-data/benthos/v4/public/service\"\n)\n\n\
         var block = bytes.Repeat([]byte{{0xff}}, 1 << 20)\n\n\
         func init() {{\n\tif len(os.Args) < 2 || os.Args[1] != \"lint\" {{\n\t\treturn\n\t}}\n{what}}}\n"
    );
    module.file("p/p.go", text)
}

/// As much output as is read, none of it text.
pub(super) fn flood(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    let what = "\tfor range 63 {\n\t\tos.Stdout.Write(block)\n\t}\n\tos.Exit(1)\n";
    at_lint(module, what)
}

pub(super) fn endless(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    at_lint(module, "\tfor {\n\t\tblock[0]++\n\t}\n")
}
