//! Source that compilers take long for, that makes them say too much, or that asks for what isn't theirs.

use wombat_testkit::ModuleProxy;

use super::{HEAD, lines};
use crate::archive::{EvilModule, MODULE};

type Made = anyhow::Result<EvilModule>;

fn package(module: EvilModule, text: &str) -> Made {
    module.file("p/p.go", format!("{HEAD}\n{text}"))
}

/// A binary of this many MiB.
fn array(module: EvilModule, mib: usize) -> Made {
    package(
        module,
        &format!(
            "var V = [{mib} << 20]byte{{1}}\n\nvar W = &V\n\nfunc init() {{ if W[len(W)-1] == 1 {{ panic(W) }} }}\n"
        ),
    )
}

pub(super) fn rodata(module: EvilModule, _: &ModuleProxy) -> Made {
    array(module, 900)
}

/// Fits the limits of a build, if those of its binary allow it.
pub(super) fn smaller_rodata(module: EvilModule, _: &ModuleProxy) -> Made {
    array(module, 200)
}

pub(super) fn string(module: EvilModule, _: &ModuleProxy) -> Made {
    let head = format!("{HEAD}\nvar S = \"");
    let text = [
        head.as_bytes(),
        &vec![b'x'; 100_000_000],
        b"\"\n\nfunc init() { if S == \"\" { panic(S) } }\n",
    ];
    module.file("p/p.go", text.concat())
}

pub(super) fn macros(module: EvilModule, _: &ModuleProxy) -> Made {
    let doubled = lines(1..40, |n| {
        let before = n - 1;
        format!("#define A{n} A{before}; A{before}\n")
    });
    let text = format!("#define A0 MOVQ $1, AX\n{doubled}\nTEXT \u{b7}F(SB), 4, $0-0\nA39\nRET\n");
    package(module, "func F()\n\nfunc init() { F() }\n")?.file("p/p_amd64.s", text)
}

pub(super) fn functions(module: EvilModule, _: &ModuleProxy) -> Made {
    let module = package(module, "")?;
    (0..20).try_fold(module, |module, file| {
        let text = lines(0..50_000, |n| {
            format!(
                "func F{file}x{n}(a, b int) int {{ if a > {n} {{ return b }}; return a*b + {n} }}\n"
            )
        });
        module.file(&format!("p/p{file}.go"), format!("package p\n\n{text}"))
    })
}

/// Each type embeds the one before, and has its methods.
pub(super) fn embedded_types(module: EvilModule, _: &ModuleProxy) -> Made {
    let methods = lines(0..50, |n| format!("func (T0) M{n}() {{}}\n"));
    let types = lines(1..5_000, |n| {
        format!(
            "type T{n} struct {{ T{}; a{n} int }}\nvar I{n} any = T{n}{{}}\n",
            n - 1
        )
    });
    package(module, &format!("type T0 struct {{}}\n{methods}{types}"))
}

pub(super) fn embedded_files(module: EvilModule, _: &ModuleProxy) -> Made {
    let text = format!(
        "package p\n\nimport \"embed\"\n{}\n//go:embed all:tree\nvar F embed.FS\n\nfunc init() {{ if _, err := F.Open(\"tree\"); err != nil {{ panic(err) }} }}\n",
        &HEAD["package p\n".len()..]
    );
    let module = module.file("p/p.go", text)?;
    (0..50_000).try_fold(module, |module, n| {
        let deep = "d/".repeat(n % 100);
        module.file(&format!("p/tree/{deep}{n}"), n.to_string())
    })
}

pub(super) fn packages(module: EvilModule, _: &ModuleProxy) -> Made {
    const COUNT: usize = 100_000;
    let imports = lines(0..COUNT, |n| format!("import _ \"{MODULE}/q/p{n}\"\n"));
    let module = package(module, &imports)?;
    (0..COUNT).try_fold(module, |module, n| {
        module.file(&format!("q/p{n}/p.go"), format!("package p{n}\n"))
    })
}

pub(super) fn constants(module: EvilModule, _: &ModuleProxy) -> Made {
    let first = format!("const c0 = \"{}\"\n", "x".repeat(64));
    let doubled = lines(1..29, |n| format!("const c{n} = c{0} + c{0}\n", n - 1));
    package(module, &format!("{first}{doubled}\nvar V = c28\n"))
}

/// Each function is instantiated for twice as many types as the one before.
pub(super) fn types(module: EvilModule, _: &ModuleProxy) -> Made {
    let doubled = lines(1..25, |n| {
        let before = n - 1;
        format!(
            "func f{n}[T any](v T) int {{ var a [1]T; var b [2]T; return f{before}(a) + f{before}(b) }}\n"
        )
    });
    package(
        module,
        &format!("func f0[T any](v T) int {{ return 1 }}\n{doubled}\nvar V = f24(1)\n"),
    )
}

pub(super) fn generics(module: EvilModule, _: &ModuleProxy) -> Made {
    package(
        module,
        "type L[T any] struct { next *L[L[T]] }\n\nfunc f[T any](n int) { if n > 0 { f[*T](n - 1); g[[]T](n - 1) } }\n\n\
         func g[T any](n int) { f[map[string]T](n) }\n\nvar V L[int]\n\nfunc init() { f[int](1 << 30) }\n",
    )
}

/// Ten errors a package, each of which repeats the long name of its file.
pub(super) fn errors(module: EvilModule, _: &ModuleProxy) -> Made {
    const COUNT: usize = 400;
    let imports = lines(0..COUNT, |n| format!("import _ \"{MODULE}/q/p{n}\"\n"));
    let module = package(module, &imports)?;
    let wrong = lines(0..20, |n| format!("var V{n} = undefined{n}\n"));
    let text = format!("//line {}.go:1\n{wrong}", "long".repeat(1 << 18));
    (0..COUNT).try_fold(module, |module, n| {
        module.file(&format!("q/p{n}/p.go"), format!("package p{n}\n\n{text}"))
    })
}

/// File names and identifiers that colour a terminal, set its title, and turn text around.
pub(super) fn escapes(module: EvilModule, _: &ModuleProxy) -> Made {
    package(
        module,
        "//line \u{1b}[31mred\u{1b}]0;title\u{7}\u{202e}og.live\u{2066}.go:1\nvar V = undefined\n\n\
         var W int = \"\u{1b}[2J\u{202e}\"\n",
    )
}

pub(super) fn includes(module: EvilModule, _: &ModuleProxy) -> Made {
    let files = [
        "/etc/shadow",
        "/etc/passwd",
        "/etc/os-release",
        "/proc/self/environ",
        "/proc/1/environ",
    ];
    let text = files.map(|file| format!("#include \"{file}\"\n")).concat();
    package(module, "func F()\n\nfunc init() { F() }\n")?.file("p/p_amd64.s", text)
}

/// What runs programs where `go generate`, `go vet` or cgo are used, and what only the standard library may do.
pub(super) fn hooks(module: EvilModule, _: &ModuleProxy) -> Made {
    let text = "package p\n\n//go:generate sh -c \"touch /tmp/wombat-evil\"\n//go:cgo_ldflag \"-fplugin=/tmp/evil.so\"\n\n\
                import _ \"unsafe\"\n\n//go:linkname exit runtime.exit\nfunc exit(code int32)\n\n//go:linkname sleep os.runtime_beforeExit\nfunc sleep()\n";
    package(module, "")?
        .file("p/q.go", text)?
        .file("p/cgo.go", "package p\n\n// #cgo LDFLAGS: -fplugin=/tmp/evil.so\n// #include </etc/passwd>\nimport \"C\"\n")?
        .file("p/vet.cfg", "{\"VetxOutput\":\"/tmp/wombat-evil\"}")?
        .file("p/stub.s", "")
}
