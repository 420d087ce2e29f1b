//! Modules that tests make themselves.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

/// A module that exists nowhere else.
#[derive(Clone, Debug)]
pub struct TestModule {
    path: String,
    version: String,
    go_mod: String,
    /// Everything in its archive.
    files: BTreeMap<String, Vec<u8>>,
}

impl TestModule {
    /// A module without packages.
    pub fn new(path: &str, version: &str) -> Self {
        let module = Self {
            path: path.to_owned(),
            version: version.to_owned(),
            go_mod: String::new(),
            files: BTreeMap::new(),
        };
        module.go_mod(format!("module {path}\n\ngo 1.26.0\n"))
    }

    /// The module of a Go release for linux/amd64, such as `1.26.11`, whose `go` is this program: a stand-in.
    pub fn toolchain(release: &str, go: &Path) -> Self {
        let go = go.display();
        let script = format!("#!/bin/sh\nSTUB_GO_VERSION=go{release} exec \"{go}\" \"$@\"\n");
        let version = format!("v0.0.1-go{release}.linux-amd64");
        let mut module = Self::new("golang.org/toolchain", &version)
            .file("VERSION", format!("go{release}\n"))
            .file("bin/go", script)
            .file("pkg/tool/linux_amd64/compile", "#!/bin/sh\n")
            .file("src/_go.mod", "module std\n");
        // Archives of toolchains have none.
        module.files.remove("go.mod");
        module
    }

    /// Its path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// With another `go.mod`.
    #[must_use]
    pub fn go_mod(self, text: impl Into<String>) -> Self {
        let go_mod = text.into();
        let module = self.file("go.mod", go_mod.clone());
        Self { go_mod, ..module }
    }

    /// Its `go.mod`.
    pub(crate) fn go_mod_text(&self) -> &str {
        &self.go_mod
    }

    /// With one more file.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.to_owned(), content.into());
        self
    }

    /// With this many packages, all of which `p` imports: compiling them takes long.
    #[must_use]
    pub fn with_packages(self, count: usize) -> Self {
        let import = |n| format!("import _ \"{}/q/p{n}\"\n", self.path);
        let imports: String = (0..count).map(import).collect();
        let all = self.file("p/p.go", format!("package p\n\n{imports}"));
        (0..count).fold(all, |module, n| {
            let text = format!("package p{n}\n\nvar V = {n}\n");
            module.file(&format!("q/p{n}/p.go"), text)
        })
    }

    /// Its archive.
    pub fn zip(&self) -> anyhow::Result<Vec<u8>> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &self.files {
            archive.start_file(self.full_name(name), SimpleFileOptions::default())?;
            archive.write_all(content)?;
        }
        Ok(archive.finish()?.into_inner())
    }

    /// Its checksum, as in `go.sum`.
    pub fn sum(&self) -> String {
        let lines = self.files.iter().map(|(name, content)| {
            let digest = hex::encode(Sha256::digest(content));
            format!("{digest}  {}\n", self.full_name(name))
        });
        let lines: String = lines.collect();
        format!("h1:{}", STANDARD.encode(Sha256::digest(lines)))
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}@{}/{name}", self.path, self.version)
    }
}
