use std::{fs, os::unix::fs::PermissionsExt as _};

use wombat_store::roles::NatsRole;

use super::*;

fn written(folder: &Path, more: MoreUsers<'_>) -> Written {
    write(folder, Path::new("/data"), more).unwrap()
}

fn roles_in(folder: &Path) -> String {
    fs::read_to_string(folder.join(SERVER_FOLDER).join(ROLES)).unwrap()
}

fn is_made(written: &Written, path: &Path) -> bool {
    written.files.contains(&(path.to_owned(), Outcome::Made))
}

#[test]
fn the_operators_file_stays_and_the_roles_are_rewritten() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("deep/nats");
    let first = written(&folder, MoreUsers::default());
    assert_eq!(first.files.len(), 2 + NatsRole::WITH_USERS.len());
    assert!(first.files.iter().all(|(_, o)| *o == Outcome::Made));
    assert_eq!(first.before, Before::Nothing);
    let own = folder.join(SERVER_FOLDER);
    let roles = roles_in(&folder);
    fs::write(own.join(SERVER), "mine").unwrap();
    fs::write(own.join(ROLES), "spoilt").unwrap();

    let second = written(&folder, MoreUsers::default());
    let made = second.files.iter().filter(|(_, o)| *o == Outcome::Made);
    assert_eq!(made.count(), 1);
    // It exports nothing, as in version 0.1.0.
    assert_eq!(second.before, Before::OneAccount);
    assert_eq!(fs::read_to_string(own.join(SERVER)).unwrap(), "mine");
    assert_eq!(roles_in(&folder), roles);
    let third = written(&folder, MoreUsers::default());
    assert_eq!(third.before, Before::Accounts);
}

#[test]
fn secrets_are_their_owners_alone_and_in_no_other_file() {
    let place = tempfile::tempdir().unwrap();
    let fox = ["fox".parse().unwrap()];
    let more = MoreUsers {
        builders: &fox,
        readers: &fox,
    };
    let written = written(place.path(), more);
    let roles = roles_in(place.path());
    let seeds = &written.files[2..];
    assert_eq!(seeds.len(), NatsRole::WITH_USERS.len() + 2);
    for (seed, _) in seeds {
        let bits = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((bits(seed), bits(seed.parent().unwrap())), (0o600, 0o700));
        let seed = fs::read_to_string(seed).unwrap();
        assert!(!roles.contains(seed.trim()));
    }
}

#[test]
fn users_that_were_added_stay_until_their_folder_is_removed() {
    let place = tempfile::tempdir().unwrap();
    let [fox, owl] = ["fox", "owl"].map(|name| [name.parse().unwrap()]);
    let only = |builders| MoreUsers {
        builders,
        readers: &[],
    };
    written(place.path(), only(&fox));
    let seed = place.path().join("builder-fox/user.nk");
    let before = fs::read_to_string(&seed).unwrap();
    let second = written(place.path(), only(&owl));
    assert!(is_made(&second, &place.path().join("builder-owl/user.nk")));
    assert_eq!(fs::read_to_string(&seed).unwrap(), before);
    let both = roles_in(place.path());
    assert!(both.contains("# builder fox") && both.contains("# builder owl"));
    fs::remove_dir_all(seed.parent().unwrap()).unwrap();
    // Neither is a user.
    fs::create_dir(place.path().join("builder-empty")).unwrap();
    fs::create_dir(place.path().join("builder-a.b")).unwrap();
    written(place.path(), MoreUsers::default());
    let left = roles_in(place.path());
    assert!(!left.contains("fox") && left.contains("# builder owl"));
    assert_eq!(left.matches("# builder").count(), 2, "{left}");
}

#[test]
fn files_that_a_crash_emptied_are_made_again() {
    let place = tempfile::tempdir().unwrap();
    written(place.path(), MoreUsers::default());
    let seed = seed_file(place.path(), NatsRole::Builder);
    let server = place.path().join(SERVER_FOLDER).join(SERVER);
    fs::write(&seed, "").unwrap();
    fs::write(&server, [0; 1000]).unwrap();
    let again = written(place.path(), MoreUsers::default());
    assert!(
        is_made(&again, &seed) && is_made(&again, &server),
        "{again:?}"
    );
    assert!(fs::read_to_string(&seed).unwrap().starts_with("SU"));
    assert!(fs::read_to_string(&server).unwrap().contains("jetstream"));
}

#[test]
fn a_spoilt_secret_is_named_and_nothing_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    written(place.path(), MoreUsers::default());
    let roles = roles_in(place.path());
    fs::write(seed_file(place.path(), NatsRole::Builder), "SUnonsense").unwrap();
    let error = write(place.path(), Path::new("/data"), MoreUsers::default()).unwrap_err();
    assert!(format!("{error:#}").contains("builder/user.nk can't be used"));
    assert_eq!(roles_in(place.path()), roles);
}
