//! Unit tests of quotas.

use futures::FutureExt as _;
use wombat_testkit::a_spec;

use super::*;

fn build(package: &str) -> BuildKey {
    a_spec().package(package).build().key()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_quota_is_used_up_and_comes_back() {
    let quotas = Quotas::new(Some(2));
    let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
    let start = Instant::now();
    assert!(quotas.charge_at(one, start).is_ok());
    assert!(quotas.charge_at(one, start).is_ok());
    let wait = quotas.charge_at(one, start).unwrap_err();
    assert_eq!(wait, REFILL / 2);
    assert!(quotas.charge_at(other, start).is_ok(), "each has its own");
    assert!(quotas.charge_at(one, start + wait).is_ok());
    assert!(quotas.charge_at(one, start + wait).is_err());
    quotas.give_back(one);
    assert!(quotas.charge_at(one, start + wait).is_ok());
}

#[test]
fn a_request_that_is_dropped_midway_costs_nothing() {
    let quotas = Quotas::new(Some(1));
    let client = address("192.0.2.1");
    let request = async {
        let taken = quotas.take(client, &build("a")).unwrap();
        assert!(
            quotas.take(client, &build("a")).is_err(),
            "it counts meanwhile"
        );
        // As if the store didn't answer.
        std::future::pending::<()>().await;
        taken.keep();
    };
    assert_eq!(request.now_or_never(), None);
    quotas.take(client, &build("a")).unwrap().keep();
    assert!(
        quotas.take(client, &build("a")).is_err(),
        "what is kept stays charged"
    );
}

#[test]
fn neighbours_in_a_network_are_one_client() {
    let quotas = Quotas::new(Some(1));
    let start = Instant::now();
    assert!(quotas.charge_at(address("2001:db8::1"), start).is_ok());
    assert!(quotas.charge_at(address("2001:db8::2"), start).is_err());
    assert!(quotas.charge_at(address("2001:db8:0:1::1"), start).is_ok());
    assert!(quotas.charge_at(address("192.0.2.1"), start).is_ok());
    let mapped = address("::ffff:192.0.2.1");
    assert!(quotas.charge_at(mapped, start).is_err());
}

#[test]
fn only_an_operator_limits_this_machine() {
    let local = address("127.0.0.1");
    let key = build("a");
    let taken = |quotas: Quotas| {
        let is_taken = |_: &u32| quotas.take(local, &key).map(Taken::keep).is_ok();
        (0..200).filter(is_taken).count()
    };
    assert_eq!(taken(Quotas::new(None)), 200);
    assert_eq!(taken(Quotas::new(Some(0))), 200);
    assert_eq!(taken(Quotas::new(Some(5))), 5);
}

#[test]
fn a_build_ahead_is_paid_once_and_only_when_it_is_begun() {
    let quotas = Quotas::new(Some(3));
    let client = address("192.0.2.1");
    let [a, b, c] = ["a", "b", "c"].map(build);
    drop(quotas.take_ahead(client, &a).unwrap());
    quotas.take_ahead(client, &a).unwrap().keep_ahead(a.clone());
    quotas.take_ahead(client, &a).unwrap().keep_ahead(a.clone());
    quotas.take_ahead(client, &b).unwrap().keep_ahead(b.clone());
    quotas.take_ahead(client, &a).unwrap().keep_ahead(a.clone());
    assert!(quotas.take_ahead(client, &c).is_err(), "all three are used");
    assert!(quotas.take(client, &c).is_err());
    drop(quotas.take(client, &b).expect("it is paid"));
    quotas.take(client, &b).expect("it still is").keep();
    assert!(quotas.take(client, &b).is_err(), "it was paid for once");
    quotas.take(client, &a).expect("it is paid").keep();
    assert!(quotas.take(client, &a).is_err());
}

#[test]
fn only_a_few_builds_ahead_are_remembered() {
    let quotas = Quotas::new(Some(4));
    let client = address("192.0.2.1");
    for package in ["a", "b", "c", "d"] {
        let key = build(package);
        quotas.take_ahead(client, &key).unwrap().keep_ahead(key);
    }
    assert!(quotas.take(client, &build("a")).is_err());
    for package in ["b", "c", "d"] {
        quotas.take(client, &build(package)).unwrap().keep();
    }
}
