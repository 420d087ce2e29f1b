//! Signs of a stolen key, for operators: records of builds that were changed without permission, and binaries that aren't
//! what was requested.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{BuildKey, BuilderId};

/// Most records that [`TamperedRecords`] names.
const MOST_NAMED: usize = 20;

/// Builds with such a sign, over all time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TamperedRecords {
    /// How many signs were found.
    pub count: u64,
    /// The newest, the newest first.
    pub newest: Vec<TamperedRecord>,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TamperSign {
    /// A record was changed without permission.
    #[default]
    Record,
    /// A builder linked another binary than the spec names, and didn't use it.
    Binary,
}

/// A build with such a sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TamperedRecord {
    /// The build.
    pub id: BuildKey,
    /// What was found.
    #[serde(default)]
    pub sign: TamperSign,
    /// The builder that the record named: of a changed record, the one whose key may be stolen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<BuilderId>,
    /// Whether there was a result to put it back to; otherwise the build failed.
    pub restored: bool,
    /// When it was found.
    #[serde(with = "time::serde::rfc3339")]
    pub found: OffsetDateTime,
}

impl TamperedRecords {
    /// Adds one.
    pub fn add(&mut self, record: TamperedRecord) {
        self.count += 1;
        self.newest.insert(0, record);
        self.newest.truncate(MOST_NAMED);
    }

    /// What an operator has to know and do, if anything was found after `since`.
    pub fn words(&self, since: OffsetDateTime) -> Option<String> {
        let of = |sign: TamperSign| {
            let found = self.newest.iter();
            let found = found.filter(|it| it.found >= since && it.sign == sign);
            words_of(sign, &found.collect::<Vec<_>>())
        };
        let words = [of(TamperSign::Record), of(TamperSign::Binary)];
        let words: Vec<String> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// The sentences about one kind of sign, the newest first.
fn words_of(sign: TamperSign, found: &[&TamperedRecord]) -> Option<String> {
    let last = found.first()?;
    let number = match found.len() {
        1 => "1 build".to_owned(),
        MOST_NAMED => format!("{MOST_NAMED} or more builds"),
        number => format!("{number} builds"),
    };
    let id = &last.id;
    let builder = match &last.builder {
        Some(builder) => format!("`{builder}`"),
        None => "unknown".to_owned(),
    };
    Some(match sign {
        TamperSign::Record => format!(
            "Records of {number} were changed without permission in the last days, last that of `{id}` (builder: {builder}); other binaries aren't served under these builds. A builder's key may be stolen: replace the keys of builders (docs/NATS.md)."
        ),
        TamperSign::Binary => format!(
            "In {number}, the linked binary wasn't what was requested, last in `{id}` (builder: {builder}); it wasn't used. What that builder reads was tampered with: its module cache, its Go, or what other builders compiled. Its log has the difference; empty its caches, and replace the keys of builders (docs/NATS.md)."
        ),
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn key() -> BuildKey {
        let hash = "ab".repeat(32);
        format!("build.linux.amd64.1_26_8.{hash}").parse().unwrap()
    }

    #[test]
    fn an_alarm_names_the_last_and_ends_after_a_while() {
        let mut all = TamperedRecords::default();
        assert_eq!(all.words(NOW), None);
        for _ in 0..30 {
            all.add(TamperedRecord {
                id: key(),
                sign: TamperSign::Record,
                builder: Some("fox".parse().unwrap()),
                restored: true,
                found: NOW,
            });
        }
        assert_eq!((all.count, all.newest.len()), (30, MOST_NAMED));
        let words = all.words(NOW).unwrap();
        assert!(
            words.contains("`fox`") && words.contains("20 or more"),
            "{words}"
        );
        assert_eq!(all.words(NOW + time::Duration::SECOND), None);
        all.add(TamperedRecord {
            id: key(),
            sign: TamperSign::Binary,
            builder: None,
            restored: false,
            found: NOW,
        });
        let words = all.words(NOW).unwrap();
        assert!(
            words.contains("19 builds were changed") && words.contains("In 1 build, the linked"),
            "{words}"
        );
    }
}
