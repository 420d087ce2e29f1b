//! The files of a main module in the folder of its build.

use std::{fs, io, path::Path};

use wombat_model::BuildSpec;

use super::{
    blocking::blocking,
    error::BuildError,
    graph_store::GraphFiles,
    main_file::main_file,
    release_date::ReleaseDate,
    size_limit::{FileError, GO_MOD, GO_SUM},
};

pub(super) async fn write_source(
    folder: &Path,
    spec: &BuildSpec,
    graph: &GraphFiles,
    date: ReleaseDate,
) -> Result<(), BuildError> {
    let files = [
        ("main.go", main_file(spec, None, date)),
        ("go.mod", graph.go_mod.clone()),
        ("go.sum", graph.go_sum.clone()),
    ];
    let folder = folder.to_owned();
    let written = blocking(move || write_files(&folder, &files)).await;
    written.map_err(|error| BuildError::local("write a file", &error))
}

/// One thread writes all, since every change of threads costs the build time.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn write_files(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    let mut files = files.iter();
    files.try_for_each(|(name, text)| fs::write(folder.join(name), text))
}

pub(super) async fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), BuildError> {
    let written = tokio::fs::write(folder.join(name), text).await;
    written.map_err(|error| BuildError::local("write a file", &error))
}

/// The `go.mod` or `go.sum` of a main module, which `go` may have completed.
pub(super) async fn read_file(folder: &Path, name: &str) -> Result<String, BuildError> {
    let limit = if name == "go.mod" { GO_MOD } else { GO_SUM };
    let text = limit.read_text_of(&folder.join(name)).await;
    text.map_err(|error| match error {
        FileError::Io(error) => BuildError::local("read a file", &error),
        FileError::TooLarge(error) => error.of("all modules of the build together").into(),
    })
}
