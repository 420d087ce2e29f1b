//! Archives that are larger than they look, or have names that lead elsewhere.

use wombat_testkit::ModuleProxy;

use super::HEAD;
use crate::archive::EvilModule;

/// A block of zeros.
static BLOCK: [u8; 1 << 20] = [0; 1 << 20];

pub(super) fn go_sum(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    let line = "evil.example/d v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    module
        .repeated("go.sum", line.repeat(1000), 167_000 / line.len())?
        .file("p/p.go", HEAD)
}

pub(super) fn many_files(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    let module = module.file("p/p.go", HEAD)?;
    (0..200_000).try_fold(module, |module, n| module.file(&format!("q/{n}"), ""))
}

pub(super) fn zeros(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    module
        .file("p/p.go", HEAD)?
        .repeated("p/data", &BLOCK[..], 1024)
}

/// The archive says that a file has 10 bytes.
pub(super) fn lying(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    const SIZE: usize = 403;
    module
        .file("p/p.go", HEAD)?
        .repeated("p/data", &BLOCK[..], SIZE)?
        .lie(
            &u32::try_from(SIZE << 20)?.to_le_bytes(),
            &10_u32.to_le_bytes(),
        )
}

pub(super) fn licence(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    module
        .file("p/p.go", HEAD)?
        .repeated("LICENSE", &BLOCK[..], 1024)
}

/// More than `go` reads of a licence.
pub(super) fn licence_for_go(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    module
        .file("p/p.go", HEAD)?
        .repeated("LICENSE", &BLOCK[..], 20)
}

pub(super) fn links(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    module
        .file("p/p.go", HEAD)?
        .link("p/passwd.go", "/etc/passwd")?
        .link("q", "/")
}

pub(super) fn leading_out(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    module
        .file("p/p.go", HEAD)?
        .named(b"../../../../../../../../tmp/evil", "evil")?
        .named(b"/etc/wombat-evil", "evil")
}

pub(super) fn cases(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    module
        .file("p/p.go", HEAD)?
        .file("p/P.go", "package p\n")?
        .file("P/p.go", "package p\n")
}

pub(super) fn not_text(module: EvilModule, _: &ModuleProxy) -> anyhow::Result<EvilModule> {
    module
        .file("p/p.go", HEAD)?
        .named(b"p/\xff\xfe\x1b[31mred\x1b]0;title\x07.go", "package p\n")?
        .named("p/\u{202e}og.live.go".as_bytes(), "package p\n")
}
