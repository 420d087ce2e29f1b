//! Records of builds that were changed without permission, for operators.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{BuildKey, BuilderId};

/// Most records that [`TamperedRecords`] names.
const MOST_NAMED: usize = 20;

/// Records that were changed without permission, over all time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TamperedRecords {
    /// How many changes were found.
    pub count: u64,
    /// The newest, the newest first.
    pub newest: Vec<TamperedRecord>,
}

/// A record that was changed without permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TamperedRecord {
    /// The build.
    pub id: BuildKey,
    /// The builder that the record named, whose key may be stolen.
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

    /// What an operator has to know and do, if one was found after `since`.
    pub fn words(&self, since: OffsetDateTime) -> Option<String> {
        let found = self.newest.iter().filter(|record| record.found >= since);
        let found: Vec<&TamperedRecord> = found.collect();
        let last = found.first()?;
        let builder = match &last.builder {
            Some(builder) => format!(", in the name of builder `{builder}`"),
            None => String::new(),
        };
        let number = match found.len() {
            1 => "The record of 1 build was".to_owned(),
            MOST_NAMED => format!("The records of {MOST_NAMED} or more builds were"),
            number => format!("The records of {number} builds were"),
        };
        Some(format!(
            "{number} changed without permission in the last days, last that of `{}`{builder}; other binaries aren't served under these builds. A builder's key may be stolen: replace the keys of builders (docs/NATS.md).",
            last.id
        ))
    }
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
    }
}
