//! The files of a main module in the folder of its build.

use std::path::Path;

use wombat_model::BuildSpec;

use super::{
    error::BuildError, graph_store::GraphFiles, main_file::main_file, release_date::ReleaseDate,
};

pub(super) async fn write_source(
    folder: &Path,
    spec: &BuildSpec,
    graph: &GraphFiles,
    date: ReleaseDate,
) -> Result<(), BuildError> {
    write_file(folder, "main.go", &main_file(spec, None, date)).await?;
    write_file(folder, "go.mod", &graph.go_mod).await?;
    write_file(folder, "go.sum", &graph.go_sum).await
}

pub(super) async fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), BuildError> {
    let written = tokio::fs::write(folder.join(name), text).await;
    written.map_err(|error| BuildError::local("write a file", &error))
}

pub(super) async fn read_file(folder: &Path, name: &str) -> Result<String, BuildError> {
    let text = tokio::fs::read_to_string(folder.join(name)).await;
    text.map_err(|error| BuildError::local("read a file", &error))
}
