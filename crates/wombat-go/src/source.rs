//! The files of a main module in the folder of its build.

use std::{fs, path::Path};

use wombat_model::BuildSpec;

use super::{error::BuildError, graph_store::GraphFiles, main_file::main_file};

pub(super) fn write_source(
    folder: &Path,
    spec: &BuildSpec,
    graph: &GraphFiles,
) -> Result<(), BuildError> {
    write_file(folder, "main.go", &main_file(spec, None))?;
    write_file(folder, "go.mod", &graph.go_mod)?;
    write_file(folder, "go.sum", &graph.go_sum)
}

pub(super) fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), BuildError> {
    fs::write(folder.join(name), text).map_err(|error| BuildError::local("write a file", &error))
}

pub(super) fn read_file(folder: &Path, name: &str) -> Result<String, BuildError> {
    fs::read_to_string(folder.join(name)).map_err(|error| BuildError::local("read a file", &error))
}
