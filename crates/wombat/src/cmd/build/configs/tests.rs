use super::*;

/// A folder with these files.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("# {file}\n")).unwrap();
    }
    folder
}

/// The names that were read, below the folder.
fn read(folder: &Path, named: &[&str]) -> anyhow::Result<(Vec<String>, usize)> {
    let paths: Vec<PathBuf> = named.iter().map(|it| folder.join(it)).collect();
    let configs = Configs::read(&paths, std::io::empty())?;
    let begin = format!("{}/", name_of(folder));
    let read = configs.files.keys().map(|name| name.replace(&begin, ""));
    Ok((read.collect(), configs.left_out.len()))
}

#[test]
fn files_folders_and_patterns_are_read() {
    let folder = folder(&[
        "a.yaml",
        "b.yml",
        "README.md",
        ".hidden.yaml",
        ".git/c.yaml",
        "lib/d.blobl",
        "lib/deep/e.JSON",
        "lib/deep/run.sh",
    ]);
    for (named, names, left_out) in [
        (vec!["a.yaml"], vec!["a.yaml"], 0),
        (
            vec!["README.md", "a.yaml", "a.yaml"],
            vec!["README.md", "a.yaml"],
            0,
        ),
        (
            vec![""],
            vec!["a.yaml", "b.yml", "lib/d.blobl", "lib/deep/e.JSON"],
            4,
        ),
        (vec!["lib"], vec!["lib/d.blobl", "lib/deep/e.JSON"], 1),
        (vec!["lib/..."], vec!["lib/d.blobl", "lib/deep/e.JSON"], 1),
        (vec!["*.yaml"], vec![".hidden.yaml", "a.yaml"], 0),
        (vec!["[ab].{yaml,yml}"], vec!["a.yaml", "b.yml"], 0),
        (vec!["**/e.*", "?.yml"], vec!["b.yml", "lib/deep/e.JSON"], 0),
        (vec!["lib/*"], vec!["lib/d.blobl"], 0),
    ] {
        let read = read(folder.path(), &named).unwrap();
        assert_eq!(
            read,
            (names.iter().map(ToString::to_string).collect(), left_out),
            "{named:?}"
        );
    }
    for (named, expected) in [
        ("missing.yaml", "reading"),
        ("*.toml", "no file matches"),
        ("[", "unclosed character class"),
        ("lib/deep/../../.git/...", ""),
    ] {
        match read(folder.path(), &[named]) {
            Ok(_) => assert_eq!(expected, "", "{named}"),
            Err(error) => assert!(
                format!("{error:#}").contains(expected),
                "{named}: {error:#}"
            ),
        }
    }
}

#[test]
fn standard_input_is_read_once() {
    let configs = Configs::read(&["-".into(), "-".into()], "input: {}".as_bytes()).unwrap();
    assert_eq!(configs.files["-"], "input: {}");
    assert_eq!(configs.files.len(), 1);
}

#[test]
fn limits_are_named_with_their_number() {
    let large = "x".repeat(MAX_PIPELINE_TEXT + 1);
    let error = Configs::read(&["-".into()], large.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("262144"), "{error}");
    let names: Vec<String> = (0..=MAX_FILES).map(|it| format!("{it}.yaml")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let folder = folder(&names);
    let error = Configs::read(&[folder.path().to_owned()], std::io::empty()).unwrap_err();
    assert!(error.to_string().contains("at most 256"), "{error}");
}

#[test]
fn files_in_other_encodings_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipeline.yaml");
    for (bytes, expected) in [
        (b"\xff\xfea\0".as_slice(), "UTF-16"),
        (b"\xe9".as_slice(), "isn't UTF-8"),
    ] {
        fs::write(&file, bytes).unwrap();
        let read = Configs::read(std::slice::from_ref(&file), std::io::empty());
        let error = format!("{:#}", read.unwrap_err());
        assert!(
            error.contains(expected) && error.contains("pipeline.yaml"),
            "{error}"
        );
    }
}

#[test]
fn names_are_paths_as_they_were_given() {
    for (path, name) in [
        ("a.yaml", "a.yaml"),
        ("./conf/a.yaml", "conf/a.yaml"),
        ("../a.yaml", "../a.yaml"),
        ("/etc/a.yaml", "/etc/a.yaml"),
    ] {
        assert_eq!(name_of(Path::new(path)), name);
    }
}
