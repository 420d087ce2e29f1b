//! What `go` may access in each stage.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use wombat_child::Confinement;

use super::{blocking::blocking, compile_cache::CompileCache, go::Go, stage::Stage};

/// Folders of a Go installation. A distribution may keep some of them elsewhere, behind links.
const GOROOT_FOLDERS: [&str; 4] = ["bin", "lib", "pkg", "src"];

impl Go<'_> {
    /// The value of `GOPROXY`.
    pub(super) fn proxy(&self, stage: Stage) -> String {
        match stage {
            Stage::Fetch => self.relay.url(),
            Stage::Compile => "off".to_owned(),
        }
    }

    pub(super) async fn confinement(&self, stage: Stage) -> Confinement {
        let settings = self.settings;
        let program = &self.toolchain.program;
        let own = settings
            .sandbox
            .confine(program)
            .run(&settings.helper)
            // Other Go releases are there, and start each other.
            .run(settings.module_cache.join("golang.org"))
            .write(self.work_dir);
        let (goroot, program) = (settings.goroot.clone(), program.clone());
        let (installations, own) = blocking(move || {
            let installations = [goroot, root_of(&program)].map(|root| installation(&root));
            let own = if is_script(&program) {
                own.system_programs()
            } else {
                own
            };
            (installations, own)
        })
        .await;
        let confinement = installations
            .into_iter()
            .flatten()
            .fold(own, Confinement::run);
        let confinement = match self.cache {
            CompileCache::Folder(folder) => confinement.write(folder),
            CompileCache::Helped(session) => confinement
                .read(session.shared_folder())
                .write(session.folder()),
        };
        match stage {
            Stage::Fetch => confinement
                .write(&settings.module_cache)
                .write(&settings.gopath)
                .connect(self.relay.port()),
            Stage::Compile => confinement.read(&settings.module_cache),
        }
    }
}

/// Whether this `go` is a script around another one. Go itself needs none of the system's programs.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn is_script(program: &Path) -> bool {
    let mut start = [0; 2];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"#!"
}

/// The installation of a `go` program, which is in its `bin` folder.
fn root_of(program: &Path) -> PathBuf {
    let program = program
        .canonicalize()
        .unwrap_or_else(|_| program.to_owned());
    let root = program.parent().and_then(Path::parent);
    root.unwrap_or(&program).to_owned()
}

fn installation(root: &Path) -> Vec<PathBuf> {
    let folders = GOROOT_FOLDERS
        .into_iter()
        .filter_map(|folder| root.join(folder).canonicalize().ok());
    // The folder itself contains only these, and a few files with the release's version.
    let files = ["VERSION", "go.env"].map(|file| root.join(file));
    folders.chain(files).collect()
}
