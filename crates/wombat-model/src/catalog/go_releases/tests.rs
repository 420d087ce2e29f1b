//! Which Go releases are offered, and in which order.

use super::*;

const AMD64: &str = "linux/amd64";

fn sum(digit: char) -> ModuleSum {
    let digits: String = std::iter::repeat_n(digit, 43).collect();
    format!("h1:{digits}=").parse().unwrap()
}

fn version(text: &str) -> GoVersion {
    text.parse().unwrap()
}

fn list(versions: &[&str]) -> GoReleases {
    let mut list = GoReleases::default();
    for text in versions {
        list.add(version(text), AMD64.parse().unwrap(), sum('a'));
    }
    list
}

fn release(known: &[&str], lowest: Option<&str>) -> Release {
    let mut release: Release = serde_json::from_value(serde_json::json!({
        "module": "a.b/c", "version": "v1.0.0", "title": "C", "goVersions": known,
        "requires": {}, "componentRoot": "", "packages": [],
    }))
    .unwrap();
    release.lowest_go = lowest.map(version);
    release
}

fn texts(versions: &[GoVersion]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

#[test]
fn the_newest_patch_of_the_known_line_is_the_default() {
    let list = list(&["1.26.4", "1.26.8", "1.26.11", "1.27.0", "1.27.4"]);
    let connect = release(&["1.26.8", "1.26.5"], None);
    assert_eq!(
        texts(&list.offered(&[&connect])),
        ["1.26.11", "1.27.4", "1.27.0", "1.26.8", "1.26.5"],
        "1.26.5 stays valid without being in the list, and 1.26.4 is too old"
    );
    let newer = release(&["1.27.0", "1.26.8"], None);
    assert_eq!(list.offered(&[&newer])[0], version("1.27.4"));
    assert_eq!(list.offered(&[&newer, &connect])[0], version("1.26.11"));
}

#[test]
fn a_releases_own_go_mod_says_which_is_the_lowest() {
    let list = list(&["1.26.4", "1.26.8", "1.27.4"]);
    let imported = release(&["1.26.8"], Some("1.26.2"));
    assert_eq!(
        texts(&list.offered(&[&imported])),
        ["1.26.8", "1.27.4", "1.26.4"]
    );
}

#[test]
fn lines_that_none_knows_are_offered_from_the_lowest() {
    let list = list(&["1.26.8", "1.27.4", "1.28.1", "1.28.0"]);
    let older = release(&["1.26.8"], None);
    let newer = release(&["1.28.0"], Some("1.27.0"));
    assert_eq!(
        texts(&list.offered(&[&older, &newer])),
        ["1.27.4", "1.28.1", "1.28.0"]
    );
    let far = release(&["1.29.0"], None);
    assert!(list.offered(&[&older, &far]).is_empty());
    assert!(list.offered(&[&release(&[], None)]).is_empty());
    assert!(list.offered(&[]).is_empty());
}

#[test]
fn without_a_list_what_is_known_is_offered() {
    let connect = release(&["1.26.8", "1.26.5"], None);
    assert_eq!(
        texts(&GoReleases::default().offered(&[&connect])),
        ["1.26.8", "1.26.5"]
    );
}

#[test]
fn the_newest_of_each_line_comes_first() {
    let list = list(&["1.26.8", "1.26.11", "1.27.4", "1.27.0", "1.26.0"]);
    let all = list.all().into_iter().map(|release| release.version);
    assert_eq!(
        texts(&all.collect::<Vec<_>>()),
        ["1.27.4", "1.26.11", "1.27.0", "1.26.8", "1.26.0"]
    );
}

#[test]
fn a_platform_gets_the_newest_that_it_can_fetch() {
    let mut list = list(&["1.26.8"]);
    let arm64: Platform = "linux/arm64".parse().unwrap();
    list.add(version("1.26.11"), arm64, sum('b'));
    let newest = |platform| list.newest_of(version("1.26.0").line(), platform);
    assert_eq!(newest(arm64), Some((version("1.26.11"), &sum('b'))));
    let amd64 = AMD64.parse().unwrap();
    assert_eq!(newest(amd64), Some((version("1.26.8"), &sum('a'))));
    assert_eq!(list.newest_of(version("1.27.0").line(), amd64), None);
}

#[test]
fn a_known_checksum_is_never_replaced() {
    let mut known = list(&["1.26.8"]);
    let mut other = GoReleases::default();
    let (amd64, arm64) = (AMD64.parse().unwrap(), "linux/arm64".parse().unwrap());
    other.add(version("1.26.8"), amd64, sum('b'));
    other.add(version("1.26.8"), arm64, sum('c'));
    let time = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    known.add_all(&other.checked_at(time));
    assert_eq!(known.sum(version("1.26.8"), amd64), Some(&sum('a')));
    assert_eq!(known.sum(version("1.26.8"), arm64), Some(&sum('c')));
    assert_eq!(known.checked(), Some(time));
    assert!(!known.has_releases_of(&list(&["1.26.8"])));
}

#[test]
fn it_is_stored_as_a_list_and_read_back() {
    let time = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let list = list(&["1.26.8", "1.27.4"]).checked_at(time);
    let json = serde_json::to_value(&list).unwrap();
    assert_eq!(json["releases"][0]["version"], "1.27.4");
    assert_eq!(json["checked"], "2023-11-14T22:13:20Z");
    assert_eq!(serde_json::from_value::<GoReleases>(json).unwrap(), list);
    let twice = r#"{"releases":[{"version":"1.26.8","sums":{}},{"version":"1.26.8","sums":{}}]}"#;
    assert!(serde_json::from_str::<GoReleases>(twice).is_err());
}
