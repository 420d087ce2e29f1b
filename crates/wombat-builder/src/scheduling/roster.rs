//! Which builders are alive, and since when the others are missing.
//!
//! Keys of `builders` expire by the server's clock. After downtime of a server, all of them expire before any builder
//! can renew, and this builder may have been disconnected itself: so a missing builder is dead only if it has been
//! missing for half a lease without interruption while this one was connected, and not within one lease after the
//! connection.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tokio::time::Instant;
use wombat_model::{BuilderId, Presence, Template};

/// A builder that claims builds.
#[derive(Clone, Debug)]
pub(super) struct ClaimingBuilder {
    pub(super) builder: BuilderId,
    /// The templates of the builds that it claims.
    pub(super) templates: Vec<Template>,
}

/// The known builders.
#[derive(Debug, Default)]
pub(super) struct Roster {
    present: BTreeMap<BuilderId, Presence>,
    missing: HashMap<BuilderId, Instant>,
    ready: bool,
    connected: Option<Instant>,
}

impl Roster {
    pub(super) fn renewed(&mut self, presence: Presence) {
        self.missing.remove(&presence.builder);
        self.present.insert(presence.builder.clone(), presence);
    }

    pub(super) fn gone(&mut self, builder: &BuilderId) {
        self.present.remove(builder);
    }

    /// All existing builders are known.
    pub(super) fn ready(&mut self) {
        self.ready = true;
    }

    /// The bucket was replaced.
    pub(super) fn reset(&mut self) {
        *self = Self {
            connected: self.connected,
            ..Self::default()
        };
    }

    /// Sets since when this builder is connected; `None` while it isn't.
    pub(super) fn connected(&mut self, since: Option<Instant>) {
        if self.connected != since {
            self.missing.clear();
        }
        self.connected = since;
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready && self.connected.is_some()
    }

    /// Builders that claim builds.
    pub(super) fn claiming(&self) -> Vec<ClaimingBuilder> {
        self.present
            .values()
            .filter(|presence| !presence.draining)
            .map(|presence| ClaimingBuilder {
                builder: presence.builder.clone(),
                templates: presence.templates.clone(),
            })
            .collect()
    }

    /// Whether the builder is dead. Must be called repeatedly: the first call only starts the clock.
    pub(super) fn is_dead(&mut self, builder: &BuilderId, lease: Duration, now: Instant) -> bool {
        let Some(connected) = self.connected.filter(|_| self.ready) else {
            return false;
        };
        if self.present.contains_key(builder) {
            return false;
        }
        let missing = *self.missing.entry(builder.clone()).or_insert(now);
        now >= missing + lease / 2 && now >= connected + lease
    }

    /// Removes missing builders without builds.
    pub(super) fn retain_missing(&mut self, has_builds: impl Fn(&BuilderId) -> bool) {
        self.missing.retain(|builder, _| has_builds(builder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    fn presence(builder: &str) -> Presence {
        Presence {
            builder: builder.parse().unwrap(),
            host: "h".into(),
            version: "0".into(),
            workers: 1,
            catalog_workers: 0,
            active: Vec::new(),
            go: None,
            draining: false,
            problem: None,
            sandbox: wombat_model::SandboxLevel::None,
            templates: Template::KNOWN.to_vec(),
            lease_ms: 10_000,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dead_is_missing_for_half_a_lease_on_end() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let other: BuilderId = "other".parse().unwrap();
        let mut roster = Roster::default();
        assert!(
            !roster.is_dead(&other, LEASE, at(100)),
            "nothing is known yet"
        );
        roster.connected(Some(start));
        roster.ready();
        roster.renewed(presence("other"));
        assert!(!roster.is_dead(&other, LEASE, at(100)));
        roster.gone(&other);
        assert!(!roster.is_dead(&other, LEASE, at(101)));
        assert!(!roster.is_dead(&other, LEASE, at(105)));
        assert!(roster.is_dead(&other, LEASE, at(106)));
        roster.renewed(presence("other"));
        assert!(!roster.is_dead(&other, LEASE, at(107)));
        roster.gone(&other);
        assert!(
            !roster.is_dead(&other, LEASE, at(108)),
            "the clock starts anew"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_dead_right_after_a_reconnect() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let other: BuilderId = "other".parse().unwrap();
        let mut roster = Roster::default();
        roster.connected(Some(start));
        roster.ready();
        assert!(!roster.is_dead(&other, LEASE, at(50)));
        roster.connected(None);
        assert!(!roster.is_dead(&other, LEASE, at(56)));
        roster.connected(Some(at(60)));
        assert!(!roster.is_dead(&other, LEASE, at(61)));
        assert!(!roster.is_dead(&other, LEASE, at(69)));
        assert!(roster.is_dead(&other, LEASE, at(70)));
    }
}
