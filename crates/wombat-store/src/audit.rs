//! Compares the settings of buckets and streams with the required ones.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType},
};

use crate::{
    Connection, ProvisionOptions, Room, StoreError,
    error::server_code,
    objects::UNFINISHED,
    patience::{ELECTION_PATIENCE, patiently},
    streams::{WantedStream, wanted_streams},
};

/// Share of its limit from which a bucket counts as nearly full, in percent.
const NEARLY_FULL: u64 = 90;

/// Something about the buckets that isn't as required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The bucket or stream.
    pub bucket: &'static str,
    /// What is wrong, and how to fix it, in one sentence.
    pub words: String,
    /// What follows from it.
    pub weight: Weight,
}

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something works less well.
    Note,
    /// Something doesn't work.
    Fault,
    /// The same, and `wombat setup` can't change it.
    Fixed,
}

/// A setting: its name, and its value as text.
type Setting = (&'static str, fn(&Config) -> String);

/// Servers before 2.15 may be unable to change it.
const MOST_CONSUMERS: &str = "most consumers (max_consumers)";

/// Settings that `wombat setup` restores.
const MENDED: [Setting; 12] = [
    ("history (max_msgs_per_subject)", |config| {
        count(config.max_messages_per_subject)
    }),
    ("most messages (max_msgs)", |config| {
        count(config.max_messages)
    }),
    ("age (max_age)", |config| age(config.max_age)),
    ("largest message (max_msg_size)", |config| {
        count(config.max_message_size.into())
    }),
    (
        "discard policy when full (discard)",
        |config| match config.discard {
            DiscardPolicy::Old => "old".to_owned(),
            DiscardPolicy::New => "new".to_owned(),
        },
    ),
    ("one value per key (discard_new_per_subject)", |config| {
        config.discard_new_per_subject.to_string()
    }),
    ("rollup headers (allow_rollup_hdrs)", |config| {
        config.allow_rollup.to_string()
    }),
    ("reads from replicas (allow_direct)", |config| {
        config.allow_direct.to_string()
    }),
    ("expiry of single messages (allow_msg_ttl)", |config| {
        config.allow_message_ttl.to_string()
    }),
    (
        "lifetime of delete markers (subject_delete_marker_ttl)",
        |config| age(config.subject_delete_marker_ttl.unwrap_or_default()),
    ),
    (
        "lifetime of idle consumers (consumer_limits.inactive_threshold)",
        |config| {
            let limits = config.consumer_limits.as_ref();
            age(limits
                .map(|limits| limits.inactive_threshold)
                .unwrap_or_default())
        },
    ),
    (MOST_CONSUMERS, |config| count(config.max_consumers.into())),
];

/// Settings that the server can't change for an existing stream.
const FIXED: [Setting; 6] = [
    ("subjects", |config| {
        let mut subjects = config.subjects.clone();
        subjects.sort();
        subjects.join(", ")
    }),
    ("storage", |config| {
        match config.storage {
            StorageType::File => "file",
            StorageType::Memory => "memory",
        }
        .to_owned()
    }),
    ("retention", |config| {
        match config.retention {
            RetentionPolicy::Limits => "limits",
            RetentionPolicy::Interest => "interest",
            RetentionPolicy::WorkQueue => "workqueue",
        }
        .to_owned()
    }),
    ("acknowledgement of writes (no_ack)", |config| {
        if config.no_ack { "off" } else { "on" }.to_owned()
    }),
    ("purging (deny_purge)", |config| {
        forbidden(config.deny_purge)
    }),
    ("writing (sealed)", |config| forbidden(config.sealed)),
];

fn forbidden(is_forbidden: bool) -> String {
    if is_forbidden { "forbidden" } else { "allowed" }.to_owned()
}

/// Checks every bucket: its settings, its copies, its size. Changes nothing.
pub async fn audit(connection: &Connection) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let mut copies = Vec::new();
    for wanted in wanted_streams(&ProvisionOptions::default()) {
        let info = patiently(connection, ELECTION_PATIENCE, async || {
            let found = connection.jetstream().get_stream(&wanted.config.name).await;
            match found {
                Ok(stream) => Ok(Some(stream.cached_info().clone())),
                Err(error)
                    if server_code(&error) == Some(jetstream::ErrorCode::STREAM_NOT_FOUND) =>
                {
                    Ok(None)
                }
                Err(error) => Err(StoreError::of(&error)),
            }
        });
        let Some(info) = info.await? else {
            findings.push(Finding {
                bucket: wanted.shown,
                words: "doesn't exist; `wombat setup` creates it".to_owned(),
                weight: Weight::Fault,
            });
            continue;
        };
        copies.push(info.config.num_replicas);
        let differences = differences(&wanted, &info.config);
        let found = differences.into_iter().chain(room(wanted.shown, &info));
        findings.extend(found.map(|(words, weight)| Finding {
            bucket: wanted.shown,
            words,
            weight,
        }));
    }
    findings.extend(uneven(&copies));
    Ok(findings)
}

fn differences(wanted: &WantedStream, found: &Config) -> Vec<(String, Weight)> {
    let differs = |settings: &[Setting], to_be: &Config, weight: Weight| -> Vec<(String, Weight)> {
        let remedy = if weight == Weight::Fixed {
            "the server can't change it: back up the content, delete the stream, run `wombat setup`"
        } else {
            "`wombat setup` changes it"
        };
        settings
            .iter()
            .filter_map(|(name, value)| {
                let (is, must) = (value(found), value(to_be));
                let words = || format!("{name} is {is}, but it must be {must}; {remedy}");
                let weight = if *name == MOST_CONSUMERS {
                    Weight::Note
                } else {
                    weight
                };
                (is != must).then(|| (words(), weight))
            })
            .collect()
    };
    let mut all = differs(&MENDED, &wanted.mended(found, None), Weight::Fault);
    all.extend(differs(&FIXED, &wanted.config, Weight::Fixed));
    if found.metadata.contains_key(UNFINISHED) {
        let words = "its upgrade isn't finished; `wombat setup` continues it";
        all.push((words.to_owned(), Weight::Fault));
    }
    all
}

/// A full store is a fault; a nearly full one is a warning.
fn room(bucket: &'static str, info: &Info) -> Option<(String, Weight)> {
    let limit = u64::try_from(info.config.max_bytes)
        .ok()
        .filter(|it| *it > 0)?;
    let room = Room {
        bucket,
        used: info.state.bytes,
        limit: Some(limit),
    };
    if let Some(words) = room.words() {
        return Some((words, Weight::Fault));
    }
    // The server discards the oldest messages by itself.
    let makes_room = matches!(info.config.discard, DiscardPolicy::Old);
    let percent = room.percent();
    (percent >= NEARLY_FULL && !makes_room).then(|| {
        let words = format!(
            "{percent} % of its {} MiB are used; raise the limit with `wombat setup` (see --help, Storage)",
            limit >> 20
        );
        (words, Weight::Note)
    })
}

/// Buckets are as safe as the one with the fewest copies, and an even number of copies is no safer than one less.
fn uneven(copies: &[usize]) -> Option<Finding> {
    let (least, most) = (copies.iter().min()?, copies.iter().max()?);
    let words = if least != most {
        format!("{least} to {most} per bucket; `wombat setup --replicas {most}` makes them equal")
    } else if least % 2 == 0 {
        format!(
            "{least} survive the loss of no more servers than {} would; run `wombat setup --replicas {}`",
            least - 1,
            if *least > 3 { 5 } else { 3 }
        )
    } else {
        return None;
    };
    Some(Finding {
        bucket: "copies",
        words,
        weight: Weight::Note,
    })
}

/// Limits of zero and below mean unlimited.
fn count(limit: i64) -> String {
    if limit > 0 {
        limit.to_string()
    } else {
        "unlimited".to_owned()
    }
}

fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match (seconds % 3600, seconds) {
        (_, 0) => "none".to_owned(),
        (0, _) => format!("{} h", seconds / 3600),
        (_, _) => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_setup_makes_has_no_difference() {
        for wanted in wanted_streams(&ProvisionOptions::default()) {
            assert_eq!(differences(&wanted, &wanted.config), [], "{}", wanted.shown);
        }
    }

    #[test]
    fn what_setup_cant_change_says_what_is_and_what_must_be() {
        for wanted in wanted_streams(&ProvisionOptions::default()) {
            let found = Config {
                sealed: true,
                deny_purge: true,
                no_ack: true,
                ..wanted.config.clone()
            };
            let all = differences(&wanted, &found);
            let fixed = all.iter().filter(|(_, weight)| *weight == Weight::Fixed);
            let words: Vec<&str> = fixed
                .filter_map(|(words, _)| words.split(';').next())
                .collect();
            let expected = [
                "acknowledgement of writes (no_ack) is off, but it must be on",
                "purging (deny_purge) is forbidden, but it must be allowed",
                "writing (sealed) is forbidden, but it must be allowed",
            ];
            assert_eq!(words, expected, "{}", wanted.shown);
        }
    }

    #[test]
    fn copies_are_alike_and_odd() {
        assert_eq!(uneven(&[3, 3, 3]), None);
        assert_eq!(uneven(&[1; 7]), None);
        assert!(uneven(&[3, 1, 3]).unwrap().words.contains("--replicas 3"));
        assert!(uneven(&[2, 2]).unwrap().words.contains("--replicas 3"));
        assert!(uneven(&[4, 4]).unwrap().words.contains("--replicas 5"));
    }
}
