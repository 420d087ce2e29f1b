//! Malicious modules, and the expected outcome of each.

use std::{ops::Range, path::Path};

use wombat_testkit::TestModule;

use super::{MODULE, version};

/// A harmless package that registers a component.
pub(super) const PLAIN: &str =
    "package p\n\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n";

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) module: TestModule,
    /// Classes of failure that are allowed; none: it succeeds.
    pub(super) classes: &'static [&'static str],
    pub(super) words: &'static str,
}

impl Case {
    fn new(
        name: &'static str,
        module: TestModule,
        classes: &'static [&'static str],
        words: &'static str,
    ) -> Self {
        Self {
            name,
            module,
            classes,
            words,
        }
    }
}

/// All of them. `secret` is a file and `fifo` a pipe that builds mustn't read, `builder` the process that builds.
pub(super) fn all(secret: &Path, fifo: &Path, builder: u32) -> Vec<Case> {
    let text = |path: &Path| path.display().to_string();
    let environ = format!("/proc/{builder}/environ");
    let compile: &[&str] = &["compile"];
    vec![
        Case::new("include", including(0, &text(secret)), compile, "doesn't compile"),
        Case::new("own environment", including(1, "/proc/self/environ"), compile, "doesn't compile"),
        Case::new("the builder's environment", including(2, &environ), compile, "doesn't compile"),
        Case::new("the system's name", including(14, "/etc/os-release"), compile, "doesn't compile"),
        Case::new("a pipe", including(3, &text(fifo)), compile, "doesn't compile"),
        Case::new(
            "cgo flags",
            module(4).file(
                "p/p.go",
                "package p\n\n// #cgo CFLAGS: -fplugin=/tmp/evil.so\nimport \"C\"\n",
            ),
            &["input"],
            "no file for this target: build constraints exclude all Go files in evil.example/m@v1.0.4/p",
        ),
        Case::new(
            "a Go release that isn't",
            module(5)
                .go_mod(format!("module {MODULE}\n\ngo 9.9.9\n"))
                .file("p/p.go", PLAIN),
            &["input"],
            "newer Go release",
        ),
        Case::new(
            "a toolchain that isn't",
            toolchain(6, "go9.9.9"),
            &["input"],
            "invalid toolchain version",
        ),
        Case::new("a toolchain of the future", toolchain(13, "go1.99.0"), &[], ""),
        Case::new(
            "replaced by a folder",
            module(7)
                .go_mod(format!(
                    "module {MODULE}\n\ngo 1.26.0\n\nrequire golang.org/x/text v0.40.0\n\nreplace golang.org/x/text => {}\n",
                    secret.parent().unwrap_or(secret).display()
                ))
                .file("p/p.go", PLAIN),
            &[],
            "",
        ),
        Case::new(
            "embedding its parent",
            module(8).file(
                "p/p.go",
                "package p\n\nimport _ \"embed\"\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n\n//go:embed ../../secret\nvar S string\n",
            ),
            compile,
            "pattern",
        ),
        Case::new("a bomb of constants", constants(module(9)), &["compile", "resource"], ""),
        Case::new("a bomb of types", types(module(10)), &["resource"], "limit"),
        Case::new("10,000 packages", module(11).with_packages(10_000), &["resource"], "limit"),
        Case::new("400 MB of source", large(module(12)), &["resource", "compile"], ""),
    ]
}

/// A module that requires another Go toolchain.
fn toolchain(n: usize, name: &str) -> TestModule {
    module(n)
        .go_mod(format!(
            "module {MODULE}\n\ngo 1.26.0\n\ntoolchain {name}\n"
        ))
        .file("p/p.go", PLAIN)
}

/// A package whose assembler file includes another file.
pub(super) fn including(n: usize, path: &str) -> TestModule {
    module(n)
        .file("p/p.go", "package p\n\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n\nfunc F()\n")
        .file("p/p_amd64.s", format!("#include \"{path}\"\n"))
}

/// Each constant is twice as long as the one before.
fn constants(module: TestModule) -> TestModule {
    let first = format!("const c0 = \"{}\"\n", "x".repeat(64));
    let doubled = lines(1..29, |n| format!("const c{n} = c{0} + c{0}\n", n - 1));
    module.file(
        "p/p.go",
        format!("package p\n\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n\n{first}{doubled}\nvar V = c28\n"),
    )
}

/// Each function is instantiated for twice as many types as the one before.
fn types(module: TestModule) -> TestModule {
    let first = "func f0[T any](v T) int { return 1 }\n";
    let doubled = lines(1..25, |n| {
        let before = n - 1;
        format!(
            "func f{n}[T any](v T) int {{ var a [1]T; var b [2]T; return f{before}(a) + f{before}(b) }}\n"
        )
    });
    module.file(
        "p/p.go",
        format!("package p\n\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n\n{first}{doubled}\nvar V = f24(1)\n"),
    )
}

fn lines(numbers: Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().concat()
}

fn large(module: TestModule) -> TestModule {
    const LINES: usize = 100_000;
    let comment = "x".repeat(50);
    let source = lines(0..LINES, |n| {
        format!("var v{n:08} = [4]string{{\"a\", \"b\", \"c\", \"d\"}} // {comment}\n")
    });
    (0..40).fold(module, |module, n| {
        let source = source.replace("var v", &format!("var v{n}_"));
        module.file(
            &format!("p/p{n}.go"),
            format!("package p\n\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n\n{source}"),
        )
    })
}

pub(super) fn module(n: usize) -> TestModule {
    TestModule::new(MODULE, &version(n))
}
