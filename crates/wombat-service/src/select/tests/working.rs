//! Pipelines that run in real binaries: nothing is wrong with them.

use std::path::Path;

use super::*;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "nothing else runs on this thread"
)]
fn pipelines_that_run_have_no_mistakes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wombat-testkit/pipelines");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let answer = answer(&text);
        assert_eq!(lines(&answer.mistakes), [""; 0], "{}", path.display());
        count += 1;
    }
    assert!(count > 30, "{count}");
}
