use super::*;

const MB: u64 = 1_000_000;

fn candidate(covers: &[usize], licence: Licence, megabytes: u64, parts: &[usize]) -> Candidate {
    Candidate {
        covers: covers.to_vec(),
        licence,
        own: megabytes * MB,
        parts: parts.to_vec(),
    }
}

fn task<'a>(elements: usize, candidates: &'a [Candidate], parts: &'a [u64]) -> Task<'a> {
    Task {
        elements,
        candidates,
        parts,
        present: &[],
        licence: Licence::Apache,
    }
}

#[test]
fn licence_then_bytes_then_packages_then_order() {
    use Licence::{Apache, Community, Rcl};
    type Case = (
        &'static str,
        usize,
        Vec<Candidate>,
        Licence,
        Option<&'static [usize]>,
    );
    let cases: [Case; 9] = [
        ("nothing to cover", 0, vec![], Apache, Some(&[])),
        ("no candidate", 1, vec![], Apache, None),
        (
            "two small ones beat a large one",
            2,
            vec![
                candidate(&[0], Apache, 8, &[]),
                candidate(&[1], Apache, 2, &[]),
                candidate(&[0, 1], Apache, 57, &[]),
            ],
            Apache,
            Some(&[0, 1]),
        ),
        (
            "licence before size",
            1,
            vec![
                candidate(&[0], Community, 1, &[]),
                candidate(&[0], Apache, 30, &[]),
            ],
            Apache,
            Some(&[1]),
        ),
        (
            "a licence that is needed anyway costs nothing",
            1,
            vec![
                candidate(&[0], Rcl, 1, &[]),
                candidate(&[0], Apache, 30, &[]),
            ],
            Rcl,
            Some(&[0]),
        ),
        (
            "nor one that another component needs",
            2,
            vec![
                candidate(&[0], Rcl, 1, &[]),
                candidate(&[0], Apache, 30, &[]),
                candidate(&[1], Rcl, 9, &[]),
            ],
            Apache,
            Some(&[0, 2]),
        ),
        (
            "fewer packages of the same size",
            2,
            vec![
                candidate(&[0], Apache, 1, &[]),
                candidate(&[1], Apache, 1, &[]),
                candidate(&[0, 1], Apache, 2, &[]),
            ],
            Apache,
            Some(&[2]),
        ),
        (
            "the first of equal ones",
            1,
            vec![
                candidate(&[0], Apache, 1, &[]),
                candidate(&[0], Apache, 1, &[]),
            ],
            Apache,
            Some(&[0]),
        ),
        (
            "a shared part counts once",
            3,
            vec![
                candidate(&[0], Apache, 1, &[0]),
                candidate(&[1], Apache, 0, &[0]),
                candidate(&[1], Apache, 3, &[]),
                candidate(&[2], Apache, 1, &[]),
            ],
            Apache,
            Some(&[0, 1, 3]),
        ),
    ];
    for (name, elements, candidates, licence, expected) in cases {
        let task = Task {
            licence,
            ..task(elements, &candidates, &[10 * MB])
        };
        assert_eq!(task.solve().as_deref(), expected, "{name}");
    }
}

#[test]
fn a_part_that_is_there_anyway_costs_nothing() {
    let candidates = [
        candidate(&[0], Licence::Apache, 5, &[]),
        candidate(&[0], Licence::Apache, 1, &[0]),
    ];
    let parts = [10 * MB];
    let task = task(1, &candidates, &parts);
    assert_eq!(task.solve(), Some(vec![0]));
    let present = Task {
        present: &[0],
        ..task
    };
    assert_eq!(present.solve(), Some(vec![1]));
}

/// The same by trying every set.
fn by_force(task: &Task<'_>) -> Option<(Licence, u64, usize)> {
    let sets = 0..1_u32 << task.candidates.len();
    let covers = sets.filter_map(|set| {
        let taken = task.candidates.iter().enumerate();
        let taken: Vec<&Candidate> = taken
            .filter(|(index, _)| set & (1 << index) != 0)
            .map(|(_, candidate)| candidate)
            .collect();
        let is_covered = |element: usize| {
            taken
                .iter()
                .any(|candidate| candidate.covers.contains(&element))
        };
        (0..task.elements)
            .all(is_covered)
            .then(|| value(task, &taken))
    });
    covers.min()
}

fn value(task: &Task<'_>, taken: &[&Candidate]) -> (Licence, u64, usize) {
    let licences = taken.iter().map(|candidate| candidate.licence);
    let mut parts: Vec<usize> = taken.iter().flat_map(|it| it.parts.clone()).collect();
    parts.sort_unstable();
    parts.dedup();
    let shared: u64 = parts.iter().map(|part| task.parts[*part]).sum();
    (
        licences.chain([task.licence]).max().unwrap(),
        taken.iter().map(|candidate| candidate.own).sum::<u64>() + shared,
        taken.len(),
    )
}

/// A sequence of numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn some_of(&mut self, all: usize, percent: u64) -> Vec<usize> {
        (0..all).filter(|_| self.below(100) < percent).collect()
    }
}

#[test]
fn it_finds_what_trying_every_set_finds() {
    let mut numbers = Numbers(7);
    for round in 0..400 {
        let elements = 1 + usize::try_from(numbers.below(6)).unwrap();
        let parts: Vec<u64> = (0..4).map(|_| numbers.below(20)).collect();
        let candidates: Vec<Candidate> = (0..9)
            .map(|_| {
                let licence = [Licence::Apache, Licence::Community, Licence::Rcl]
                    [usize::try_from(numbers.below(3)).unwrap()];
                Candidate {
                    covers: numbers.some_of(elements, 35),
                    licence,
                    own: numbers.below(12),
                    parts: numbers.some_of(parts.len(), 40),
                }
            })
            .collect();
        let task = task(elements, &candidates, &parts);
        let found = task.solve().map(|chosen| {
            let taken: Vec<&Candidate> = chosen.iter().map(|it| &candidates[*it]).collect();
            value(&task, &taken)
        });
        // The value of the empty set is that of the task's own licence.
        assert_eq!(found, by_force(&task), "round {round}: {candidates:?}");
    }
}

#[test]
fn a_hard_one_ends() {
    let parts: Vec<u64> = (0..40).collect();
    let candidates: Vec<Candidate> = (0..90_usize)
        .map(|first| {
            let mut covers = vec![first, (first * 7 + 3) % 90, (first * 11 + 5) % 90];
            covers.sort_unstable();
            covers.dedup();
            let parts = vec![first % 40, (first * 3 + 1) % 40];
            candidate(&covers, Licence::Apache, 1 + first as u64 % 5, &parts)
        })
        .collect();
    let start = std::time::Instant::now();
    let found = task(90, &candidates, &parts).solve().unwrap();
    assert!(found.len() >= 30);
    assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());
}
