use wombat_model::{Holder, Template};
use wombat_testkit::a_spec;

use super::*;

fn build(name: &str, seconds: i64) -> Build {
    let requested = OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap();
    Build::new(a_spec().package(name).build(), 0, requested)
}

fn at(value: Build, revision: u64) -> Versioned<Build> {
    Versioned {
        value,
        revision: Revision::new(revision),
    }
}

fn builders(count: usize) -> Vec<BuilderId> {
    (0..count)
        .map(|n| format!("b{n}").parse().unwrap())
        .collect()
}

/// All of them, with all templates.
fn claiming(builders: &[BuilderId]) -> Vec<ClaimingBuilder> {
    let with_all = |builder: &BuilderId| ClaimingBuilder {
        builder: builder.clone(),
        templates: Template::KNOWN.to_vec(),
    };
    builders.iter().map(with_all).collect()
}

fn tried(choice: Choice) -> Option<BuildKey> {
    match choice {
        Choice::Try(record, _) => Some(record.value.key()),
        Choice::Wait(_) | Choice::Nothing => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_builder_takes_the_oldest_at_once() {
    let mut board = Board::default();
    let me = &builders(1)[0];
    let now = Instant::now();
    for (revision, (name, seconds)) in [("late", 9), ("early", 1)].into_iter().enumerate() {
        let build = build(name, seconds);
        board.update(
            build.key(),
            at(build, revision as u64 + 1),
            Origin::Catalog,
            now,
        );
    }
    let first = tried(board.choose(me, &[], Lane::All, |_| false, now)).unwrap();
    assert_eq!(first, build("early", 1).key());
    let second = tried(board.choose(me, &[], Lane::All, |key| *key == first, now)).unwrap();
    assert_eq!(second, build("late", 9).key());
}

#[tokio::test(start_paused = true)]
async fn one_of_eight_tries_first_and_the_last_takes_over_in_the_end() {
    let alive = builders(8);
    let now = Instant::now();
    let new = build("nats", 0);
    let choices = |at_time: Instant| -> Vec<bool> {
        alive
            .iter()
            .map(|me| {
                let mut board = Board::default();
                board.update(new.key(), at(new.clone(), 1), Origin::Catalog, now);
                tried(board.choose(me, &claiming(&alive), Lane::All, |_| false, at_time)).is_some()
            })
            .collect()
    };
    assert_eq!(choices(now).iter().filter(|tries| **tries).count(), 1);
    assert!(choices(now + TURN * 7).iter().all(|tries| *tries));
}

#[tokio::test(start_paused = true)]
async fn shares_are_even_when_builds_come_one_by_one() {
    let alive = builders(8);
    let mut boards: Vec<Board> = alive.iter().map(|_| Board::default()).collect();
    let mut shares = vec![0; alive.len()];
    let now = Instant::now();
    for number in 0..200_u64 {
        let new = build(&format!("p{number}"), 0);
        for board in &mut boards {
            board.update(
                new.key(),
                at(new.clone(), 2 * number + 1),
                Origin::Catalog,
                now,
            );
        }
        let first: Vec<usize> = (0..alive.len())
            .filter(|index| {
                tried(boards[*index].choose(
                    &alive[*index],
                    &claiming(&alive),
                    Lane::All,
                    |_| false,
                    now,
                ))
                .is_some()
            })
            .collect();
        let [winner] = first[..] else {
            panic!("{first:?} would all try")
        };
        shares[winner] += 1;
        let holder = Holder {
            builder: alive[winner].clone(),
            claim: "c".parse().unwrap(),
        };
        let held = new.claim(holder).unwrap();
        for board in &mut boards {
            board.update(
                held.key(),
                at(held.clone(), 2 * number + 2),
                Origin::Catalog,
                now,
            );
            board.forget(&held.key());
        }
    }
    assert!(
        shares.iter().all(|share| (20..=30).contains(share)),
        "{shares:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn many_waiting_builds_are_not_all_tried_in_the_same_order() {
    let alive = builders(8);
    let now = Instant::now();
    let mut firsts: Vec<BuildKey> = alive
        .iter()
        .map(|me| {
            let mut board = Board::default();
            for number in 0..64 {
                let new = build(&format!("p{number}"), number);
                board.update(
                    new.key(),
                    at(new, u64::try_from(number).unwrap() + 1),
                    Origin::Catalog,
                    now,
                );
            }
            tried(board.choose(me, &claiming(&alive), Lane::All, |_| false, now + TURN * 8))
                .unwrap()
        })
        .collect();
    firsts.sort();
    firsts.dedup();
    assert!(firsts.len() >= 5, "{} different", firsts.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_old_or_lost_is_not_tried() {
    let mut board = Board::default();
    let me = &builders(1)[0];
    let now = Instant::now();
    let new = build("nats", 0);
    let held = new
        .clone()
        .claim(Holder {
            builder: me.clone(),
            claim: "c".parse().unwrap(),
        })
        .unwrap();
    board.update(new.key(), at(held, 2), Origin::Catalog, now);
    board.update(new.key(), at(new.clone(), 1), Origin::Catalog, now);
    assert_eq!(
        board.choose(me, &[], Lane::All, |_| false, now),
        Choice::Nothing
    );
    board.update(new.key(), at(new.clone(), 3), Origin::Catalog, now);
    board.postpone(&new.key(), now + TURN);
    assert_eq!(
        board.choose(me, &[], Lane::All, |_| false, now),
        Choice::Wait(now + TURN)
    );
    board.over(&new.key(), Revision::new(2));
    assert!(tried(board.choose(me, &[], Lane::All, |_| false, now + TURN)).is_some());
    board.over(&new.key(), Revision::new(3));
    assert_eq!(
        board.choose(me, &[], Lane::All, |_| false, now + TURN),
        Choice::Nothing
    );
}

/// A build of another template.
fn of_template(name: &str, seconds: i64, template: u32) -> Build {
    let build = build(name, seconds);
    let spec = build.spec().clone().with_template(template.into());
    Build::new(spec.unwrap(), 0, build.requested())
}

#[tokio::test(start_paused = true)]
async fn a_build_of_an_unknown_template_is_left_alone() {
    let mut board = Board::default();
    let me = &builders(1)[0];
    let now = Instant::now();
    // More than the window: they must not hide the known one behind them.
    for number in 0..8_u32 {
        let later = of_template(&format!("later{number}"), i64::from(number), 3);
        board.update(
            later.key(),
            at(later, u64::from(number) + 1),
            Origin::Catalog,
            now,
        );
    }
    assert_eq!(
        board.choose(me, &[], Lane::All, |_| false, now),
        Choice::Nothing
    );
    for (revision, template) in [(11, 1), (12, 2)] {
        let known = of_template("known", 20, template);
        board.update(
            known.key(),
            at(known.clone(), revision),
            Origin::Catalog,
            now,
        );
        let chosen = tried(board.choose(me, &[], Lane::All, |_| false, now));
        assert_eq!(chosen, Some(known.key()), "template {template}");
        board.forget(&known.key());
    }
}

#[tokio::test(start_paused = true)]
async fn builders_without_the_template_have_no_turn() {
    let alive = builders(8);
    let mut mixed = claiming(&alive);
    for old in &mut mixed[1..] {
        old.templates = vec![Template::FIRST];
    }
    let now = Instant::now();
    let me = &alive[0];
    for number in 0..8 {
        let mut board = Board::default();
        let second = of_template(&format!("p{number}"), 0, 2);
        board.update(second.key(), at(second, 1), Origin::Catalog, now);
        let choice = board.choose(me, &mixed, Lane::All, |_| false, now);
        assert!(
            matches!(choice, Choice::Try(_, Duration::ZERO)),
            "{choice:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn builds_of_the_catalog_come_first_or_alone_where_that_is_asked() {
    let mut board = Board::default();
    let me = &builders(1)[0];
    let now = Instant::now();
    // More than the window: they must not hide the one of the catalog behind them.
    for number in 0..8_u32 {
        let other = build(&format!("other{number}"), i64::from(number));
        let record = at(other.clone(), u64::from(number) + 1);
        board.update(other.key(), record, Origin::Elsewhere, now);
    }
    let oldest = build("other0", 0).key();
    let chosen = |board: &mut Board, lane| tried(board.choose(me, &[], lane, |_| false, now));
    assert_eq!(chosen(&mut board, Lane::All), Some(oldest.clone()));
    assert_eq!(chosen(&mut board, Lane::CatalogFirst), Some(oldest.clone()));
    assert_eq!(chosen(&mut board, Lane::CatalogOnly), None);
    let ours = build("ours", 20);
    board.update(ours.key(), at(ours.clone(), 20), Origin::Catalog, now);
    assert_eq!(chosen(&mut board, Lane::All), Some(oldest.clone()));
    assert_eq!(chosen(&mut board, Lane::CatalogFirst), Some(ours.key()));
    assert_eq!(chosen(&mut board, Lane::CatalogOnly), Some(ours.key()));
    let taken = |key: &BuildKey| *key == ours.key();
    let next = tried(board.choose(me, &[], Lane::CatalogFirst, taken, now));
    assert_eq!(next, Some(oldest));
}
