//! Suggestions for misspelled names.

use strsim::osa_distance;

/// Most suggestions.
const MAX_OFFERED: usize = 3;

/// Longest name that is compared with others, in bytes.
const MAX_COMPARED: usize = 128;

/// The names closest to `given`, best first: few letters apart, or one within the other.
pub(crate) fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if given.len() > MAX_COMPARED {
        return Vec::new();
    }
    let given = given.to_lowercase();
    let limit = (given.chars().count() / 3).clamp(1, 4);
    let mut close: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = osa_distance(&given, &lower);
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
            assert_eq!(osa_distance(left, right), expected, "{left} {right}");
            assert_eq!(osa_distance(right, left), expected, "{right} {left}");
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
