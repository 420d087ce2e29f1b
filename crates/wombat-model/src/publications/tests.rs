use time::macros::datetime;

use super::*;
use crate::{
    BuildSpec, ClaimId, Failure, FailureClass, Holder, ModulePath, Package, Retry, Target, Timings,
};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

fn waiting() -> Build {
    let module: ModulePath = "example.com/m".parse().unwrap();
    let package = Package {
        module: module.clone(),
        base: false,
    };
    let spec = BuildSpec::new(
        Target::new("linux/amd64".parse().unwrap(), None).unwrap(),
        "1.26.8".parse().unwrap(),
        [("example.com/m/p".parse().unwrap(), package)].into(),
        [(module.clone(), "v1.2.3".parse().unwrap())].into(),
        module,
    );
    Build::new(spec.unwrap(), 7, NOW)
}

fn artifact(claim: &str, byte: u8) -> Artifact {
    Artifact {
        name: ArtifactName::new(&waiting().key(), &claim.parse().unwrap()),
        size: 3,
        sha256: Sha256::from_bytes([byte; 32]),
        builder: "fox".parse().unwrap(),
        sandbox: None,
    }
}

fn binary(claim: &str, byte: u8) -> PublishedBinary {
    artifact(claim, byte).into()
}

fn claimed(build: Build, claim: &str) -> Build {
    let claim: ClaimId = claim.parse().unwrap();
    let builder = "fox".parse().unwrap();
    build.claim(Holder { builder, claim }).unwrap()
}

fn done(build: Build, claim: &str, byte: u8) -> Build {
    let build = claimed(build, claim);
    build
        .succeed(artifact(claim, byte), Timings::new())
        .unwrap()
}

fn failed() -> Build {
    let failure = Failure::new(FailureClass::Infra, "words");
    claimed(waiting(), "c1").fail(failure).unwrap()
}

fn rebuilding(claim: &str, byte: u8) -> Build {
    let again = done(waiting(), claim, byte).request_again(Retry::Forced, 8);
    again.unwrap()
}

fn result(binary: Option<PublishedBinary>) -> GrantResult {
    GrantResult {
        binary,
        finished: None,
    }
}

/// The newest grant is number 2, for the record of revision 10, after a result of `c1`.
fn granted(result: Option<GrantResult>) -> BuildPublications {
    BuildPublications {
        newest: Some(NewestGrant {
            number: 2,
            grant: Grant {
                after: 10,
                previous: Some(binary("c1", 1)),
                closed: false,
            },
            granted: NOW,
            result,
        }),
    }
}

#[test]
fn without_a_grant_nothing_is_open_or_served() {
    let none = BuildPublications::default();
    for build in [
        waiting(),
        claimed(waiting(), "c1"),
        done(waiting(), "c1", 1),
        rebuilding("c1", 1),
    ] {
        assert_eq!(none.agreement(&build, 11), Agreement::Differs, "{build:?}");
    }
    let expired = done(waiting(), "c1", 1).expire().unwrap();
    for build in [failed(), expired, waiting().cancel().unwrap()] {
        assert_eq!(none.agreement(&build, 11), Agreement::Agrees, "{build:?}");
    }
}

#[test]
fn the_first_success_under_a_grant_is_its_result() {
    let open = granted(None);
    let success = done(waiting(), "c2", 2);
    let first = Agreement::First(binary("c2", 2));
    assert_eq!(open.agreement(&success, 11), first);
    // The record of before the grant is what it was.
    assert_eq!(open.agreement(&success, 10), Agreement::Differs);
    let before = done(waiting(), "c1", 1);
    assert_eq!(open.agreement(&before, 10), Agreement::Agrees);
    assert_eq!(open.binary(), Some(&binary("c1", 1)));

    let closed = granted(Some(result(Some(binary("c2", 2)))));
    assert_eq!(closed.agreement(&success, 11), Agreement::Agrees);
    for other in [done(waiting(), "c3", 2), done(waiting(), "c2", 3), before] {
        assert_eq!(closed.agreement(&other, 12), Agreement::Differs);
    }
    let expired = success.expire().unwrap();
    for unpublished in [waiting(), failed(), expired] {
        assert_eq!(closed.agreement(&unpublished, 12), Agreement::Differs);
    }
}

#[test]
fn an_end_without_a_binary_closes_its_grant() {
    assert_eq!(granted(None).agreement(&failed(), 11), Agreement::Ended);
    assert_eq!(granted(None).agreement(&failed(), 10), Agreement::Agrees);
    let ended = granted(Some(result(None)));
    assert_eq!(ended.binary(), None);
    assert_eq!(ended.agreement(&failed(), 11), Agreement::Agrees);
    let late = done(waiting(), "c2", 2);
    assert_eq!(ended.agreement(&late, 12), Agreement::Differs);
}

#[test]
fn what_is_kept_during_a_rebuild_is_the_newest_result() {
    let open = granted(None);
    assert_eq!(open.agreement(&rebuilding("c1", 1), 11), Agreement::Agrees);
    assert_eq!(open.agreement(&rebuilding("c1", 9), 11), Agreement::Differs);
    // A rebuild that fails gives the binary that was kept.
    let kept = claimed(rebuilding("c1", 1), "c2");
    let kept = kept.fail(Failure::new(FailureClass::Infra, "words"));
    assert_eq!(
        open.agreement(&kept.unwrap(), 12),
        Agreement::First(binary("c1", 1))
    );
}

#[test]
fn a_removed_build_has_a_closed_grant() {
    let mut removed = granted(None);
    if let Some(newest) = &mut removed.newest {
        newest.grant.closed = true;
    }
    assert!(!removed.is_open() && !removed.awaits(10));
    let success = done(waiting(), "c1", 1);
    assert_eq!(removed.agreement(&success, 11), Agreement::Differs);
    let expired = success.expire().unwrap();
    assert_eq!(removed.agreement(&expired, 11), Agreement::Agrees);
    let (number, next) = removed.next(12);
    assert_eq!((number, next.previous), (3, None));
}

#[test]
fn a_record_is_put_back_to_the_result_or_fails() {
    let forged = done(waiting(), "c9", 9);
    let back = forged.clone().put_back(Some(artifact("c1", 1)), false);
    assert_eq!(back.artifact(), Some(&artifact("c1", 1)));
    assert_eq!(back.holder().unwrap().claim.as_str(), "c1");
    let gone = forged.clone().put_back(Some(artifact("c1", 1)), true);
    assert_eq!(gone.artifact(), None);
    let failed = forged.put_back(None, false);
    assert_eq!(failed.failure().unwrap().class, FailureClass::Tampered);
    assert!(failed.clone().request_again(Retry::Passing, 8).is_some());
    let invented = waiting().put_back(None, false);
    assert!(invented.status().is_terminal(), "{invented:?}");
}
