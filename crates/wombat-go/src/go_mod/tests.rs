use super::*;

const JSON: &str = r#"{
        "Module": {"Path": "example.com/m/v2"}, "Go": "1.26.5", "Toolchain": "go1.26.7",
        "Godebug": [{"Key": "http2client", "Value": "0"}],
        "Require": [
            {"Path": "example.com/b", "Version": "v1.2.0"},
            {"Path": "example.com/A", "Version": "v0.0.0-20240101000000-abcdef123456", "Indirect": true},
            {"Path": "gopkg.in/y.v3", "Version": "v3.0.1+incompatible"}],
        "Replace": [
            {"Old": {"Path": "example.com/b"}, "New": {"Path": "example.com/fork", "Version": "v1.2.1"}},
            {"Old": {"Path": "example.com/A", "Version": "v1.0.0"}, "New": {"Path": "example.com/A", "Version": "v1.0.1"}}],
        "Exclude": [{"Path": "example.com/b", "Version": "v1.1.0"}],
        "Retract": [{"Low": "v1.0.0", "High": "v1.0.0"}], "Tool": [{"Path": "example.com/t"}]
    }"#;

#[test]
fn writes_what_decides_the_build_and_nothing_else() {
    let file = GoMod::from_json(JSON.as_bytes()).unwrap().to_file();
    assert_eq!(
        file,
        "module wombat/binary\n\ngo 1.26.5\n\ngodebug (\n\thttp2client=0\n)\n\n\
         require (\n\texample.com/b v1.2.0\n\tgopkg.in/y.v3 v3.0.1+incompatible\n)\n\n\
         require (\n\texample.com/A v0.0.0-20240101000000-abcdef123456 // indirect\n)\n\n\
         replace (\n\texample.com/b => example.com/fork v1.2.1\n\texample.com/A v1.0.0 => example.com/A v1.0.1\n)\n\n\
         exclude (\n\texample.com/b v1.1.0\n)\n"
    );
}

#[test]
fn the_newer_version_wins() {
    let parse = |json: &str| GoMod::from_json(json.as_bytes()).unwrap();
    let mut mine = parse(
        r#"{"Go": "1.26.5", "Require": [{"Path": "a.b/c", "Version": "v1.9.0"}, {"Path": "a.b/d", "Version": "v1.2.0"}]}"#,
    );
    mine.raise_to(&parse(
        r#"{"Go": "1.26.10", "Require": [{"Path": "a.b/c", "Version": "v1.10.0"}, {"Path": "a.b/d", "Version": "v1.1.0"}, {"Path": "a.b/e", "Version": "v0.1.0"}]}"#,
    ));
    let found: Vec<String> = mine
        .requires
        .iter()
        .map(|(path, require)| format!("{path} {}", require.version))
        .collect();
    assert_eq!(found, ["a.b/c v1.10.0", "a.b/d v1.2.0", "a.b/e v0.1.0"]);
    assert_eq!(mine.go, "1.26.10");
}

#[test]
fn refuses_folders_and_what_could_break_out_of_a_line() {
    let folder =
        r#"{"Go": "1.26", "Replace": [{"Old": {"Path": "a.b/c"}, "New": {"Path": "../c"}}]}"#;
    assert_eq!(
        GoMod::from_json(folder.as_bytes()),
        Err(GoModError::ReplacedByFolder("a.b/c".into()))
    );
    assert_eq!(
        GoMod::of_dependency(folder.as_bytes()).unwrap().replaces,
        []
    );
    for bad in [
        r#"{"Go": "1.26\nreplace"}"#,
        r#"{"Go": "1.26", "Godebug": [{"Key": "a", "Value": "b\nc"}]}"#,
        r#"{"Go": "1.26", "Require": [{"Path": "a.b/c d", "Version": "v1.0.0"}]}"#,
        r#"{"Go": "1.26", "Require": [{"Path": "a.b/c", "Version": "latest"}]}"#,
    ] {
        assert!(
            matches!(
                GoMod::from_json(bad.as_bytes()),
                Err(GoModError::Malformed(..))
            ),
            "{bad}"
        );
    }
}
