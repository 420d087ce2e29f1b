//! Values that expire. The server removes them without a message, so whoever follows them asks the leader at their end.

use std::{collections::BTreeMap, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{message::StreamMessage, stream::Stream},
};
use time::OffsetDateTime;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{Revision, StoreError, message::StreamedMessage, open, record::is_deletion};

/// Header with the lifetime of a message.
const TTL_HEADER: &str = "Nats-TTL";
/// Pauses between questions about a value that is still there after its end.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// Lifetime that is assumed where the header can't be read: the server's minimum.
const SHORTEST: Duration = Duration::from_secs(1);
/// Questions at the same time.
const AT_ONCE: usize = 64;

/// The values that were seen, and when each ends.
#[derive(Debug)]
pub(crate) struct Expiring {
    stream: Stream,
    /// By subject.
    ends: BTreeMap<String, End>,
    asking: JoinSet<Answer>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    revision: Revision,
    /// When to ask.
    at: Instant,
    /// When it has ended by any clock: a lifetime after it was delivered.
    latest: Instant,
    pause: Duration,
    is_asked: bool,
}

struct Answer {
    subject: String,
    revision: Revision,
    last: Result<Option<StreamMessage>, StoreError>,
}

/// A value that the leader doesn't have any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expired {
    pub(crate) subject: String,
    /// The revision of the value.
    pub(crate) revision: Revision,
}

impl Expiring {
    pub(crate) fn of(stream: &Stream) -> Self {
        Self {
            stream: stream.clone(),
            ends: BTreeMap::new(),
            asking: JoinSet::new(),
        }
    }

    /// Notes a message that was delivered. `server_time` is given for one that may have been stored long ago.
    pub(crate) fn note(&mut self, message: &StreamedMessage, server_time: Option<OffsetDateTime>) {
        let end = lifetime(&message.headers)
            .filter(|_| !is_deletion(&message.headers))
            .and_then(|lifetime| End::of(message, lifetime, server_time));
        match end {
            Some(end) => {
                self.ends.insert(message.subject.clone(), end);
            }
            None => {
                self.ends.remove(&message.subject);
            }
        }
    }

    /// The stream was replaced.
    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.asking = JoinSet::new();
    }

    /// The next value that has expired. Safe to drop between polls.
    pub(crate) async fn next(&mut self) -> Expired {
        loop {
            let waiting = self.ends.values().filter(|end| !end.is_asked);
            let due = waiting
                .map(|end| end.at)
                .min()
                .filter(|_| self.asking.len() < AT_ONCE);
            tokio::select! {
                Some(answer) = self.asking.join_next(), if !self.asking.is_empty() => {
                    let answer = answer.ok();
                    if let Some(expired) = answer.and_then(|answer| self.answered(answer)) {
                        return expired;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.ask(),
                else => std::future::pending::<()>().await,
            }
        }
    }

    /// Asks the leader about the values that are due.
    fn ask(&mut self) {
        let now = Instant::now();
        let room = AT_ONCE.saturating_sub(self.asking.len());
        let due = self
            .ends
            .iter_mut()
            .filter(|(_, end)| !end.is_asked && end.at <= now);
        for (subject, end) in due.take(room) {
            end.is_asked = true;
            let (stream, subject, revision) = (self.stream.clone(), subject.clone(), end.revision);
            self.asking.spawn(async move {
                let last = open::last(&stream, &subject).await;
                Answer {
                    subject,
                    revision,
                    last,
                }
            });
        }
    }

    fn answered(&mut self, answer: Answer) -> Option<Expired> {
        let Answer {
            subject,
            revision,
            last,
        } = answer;
        // A newer value may have been delivered meanwhile.
        let end = self
            .ends
            .get_mut(&subject)
            .filter(|end| end.revision == revision)?;
        match last {
            Ok(None) => {
                self.ends.remove(&subject);
                Some(Expired { subject, revision })
            }
            // The newer one will be delivered.
            Ok(Some(message)) if message.sequence != revision.get() => {
                self.ends.remove(&subject);
                None
            }
            Ok(Some(_)) | Err(_) => {
                end.ask_again(Instant::now());
                None
            }
        }
    }
}

impl End {
    /// `None`: it doesn't end within any time that matters.
    fn of(
        message: &StreamedMessage,
        lifetime: Duration,
        server_time: Option<OffsetDateTime>,
    ) -> Option<Self> {
        let now = Instant::now();
        let latest = message.received.checked_add(lifetime)?;
        // An estimate: the clocks of two servers may differ.
        let left = |time: OffsetDateTime| {
            let end = message.time.checked_add(lifetime.try_into().ok()?)?;
            Some(Duration::try_from(end - time).unwrap_or_default())
        };
        let at = server_time.map_or(Some(latest), |time| now.checked_add(left(time)?))?;
        Some(Self {
            revision: message.sequence,
            at: at.min(latest),
            latest,
            pause: FIRST_PAUSE,
            is_asked: false,
        })
    }

    fn ask_again(&mut self, now: Instant) {
        self.is_asked = false;
        if now < self.latest {
            self.at = self.latest;
        } else {
            self.at = now + self.pause;
            self.pause = (self.pause * 2).min(LAST_PAUSE);
        }
    }
}

/// How long the server keeps a message; `None`: no limit of its own.
fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(TTL_HEADER)?.as_str();
    if text == "never" {
        return None;
    }
    let seconds = text.parse().map(Duration::from_secs).ok();
    seconds.or_else(|| go_duration(text)).or(Some(SHORTEST))
}

/// Reads a duration as Go writes it, such as `1m30s`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut all = Duration::ZERO;
    while !rest.is_empty() {
        let unit = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(unit);
        let end = after.find(|letter: char| letter.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        all = all.checked_add(part)?;
        rest = after;
    }
    (!text.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(ttl: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TTL_HEADER, ttl);
        headers
    }

    #[test]
    fn lifetimes_are_read_as_the_server_reads_them() {
        for (text, expected) in [
            ("30", Some(30_000)),
            ("1s", Some(1_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("1h0m0.5s", Some(3_600_500)),
            ("never", None),
            ("soon", Some(1_000)),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(lifetime(&headers(text)), expected, "{text}");
        }
        assert_eq!(lifetime(&HeaderMap::new()), None);
    }

    fn message(ttl: &str, time: OffsetDateTime) -> StreamedMessage {
        StreamedMessage {
            subject: "$KV.builders.fox".to_owned(),
            sequence: Revision::new(7),
            headers: headers(ttl),
            payload: bytes::Bytes::new(),
            time,
            received: Instant::now(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_wrong_clock_makes_the_question_late_and_none_makes_it_frequent() {
        let stored = OffsetDateTime::UNIX_EPOCH + Duration::from_hours(1000);
        let lifetime = Duration::from_secs(30);
        let start = Instant::now();
        for (server_time, seconds) in [
            (None, 30),
            (Some(stored + Duration::from_secs(10)), 20),
            (Some(stored + Duration::from_hours(1)), 0),
            (Some(stored - Duration::from_hours(1)), 30),
        ] {
            let mut end = End::of(&message("30", stored), lifetime, server_time).unwrap();
            assert_eq!(
                end.at,
                start + Duration::from_secs(seconds),
                "{server_time:?}"
            );
            end.ask_again(start + Duration::from_secs(seconds));
            assert!(end.at >= start + lifetime, "{server_time:?}");
        }
        let endless = message("9999999999", OffsetDateTime::UNIX_EPOCH);
        let ages = Duration::from_secs(u64::MAX);
        assert!(End::of(&endless, ages, None).is_none());
    }
}
