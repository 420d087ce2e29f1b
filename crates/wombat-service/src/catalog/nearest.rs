//! Suggestions for misspelled names.

/// Most suggestions.
const MAX_OFFERED: usize = 3;

/// The names closest to `given`, best first: few letters apart, or one within the other.
pub(crate) fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let given = given.to_lowercase();
    let limit = (given.chars().count() / 3).clamp(1, 4);
    let mut close: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = distance(&given, &lower);
            let within = given.len() > 2 && (lower.contains(&given) || given.contains(&lower));
            (distance <= limit || within).then_some((distance, name))
        })
        .collect();
    close.sort_unstable();
    close.dedup();
    close
        .into_iter()
        .map(|(_, name)| name)
        .take(MAX_OFFERED)
        .collect()
}

/// `; did you mean …?`, or the end of the sentence.
pub(crate) fn or_nearest(names: &[&str]) -> String {
    if names.is_empty() {
        return ".".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = [
        vec![0; right.len() + 1],
        (0..=right.len()).collect(),
        vec![0; right.len() + 1],
    ];
    for (i, l) in left.iter().enumerate() {
        let [before, last, row] = &mut rows;
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(l != r);
            row[j + 1] = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_typing_mistakes() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("nats", "nats", 0),
            ("nats", "ants", 1),
            ("kafak", "kafka", 1),
            ("redis", "reds", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn offers_the_closest_first_and_nothing_far_off() {
        let names = ["kafka", "kafka_franz", "nats", "redis"];
        assert_eq!(nearest("kafak", names), ["kafka"]);
        assert_eq!(nearest("kafka_fran", names), ["kafka_franz", "kafka"]);
        assert!(nearest("zzzzzz", names).is_empty());
        assert_eq!(or_nearest(&["a", "b"]), "; did you mean `a` or `b`?");
        assert_eq!(or_nearest(&[]), ".");
    }
}
