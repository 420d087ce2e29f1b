//! The first line that a limit prints.

#[expect(clippy::print_stdout, reason = "its parent process reads where it is")]
pub(super) fn announce(place: &str) {
    println!("{place}");
}
