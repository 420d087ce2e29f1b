//! The service against a real nats-server.
#![expect(clippy::disallowed_methods, reason = "tests may block")]

#[cfg(test)]
mod ahead;
mod blocklist;
#[cfg(test)]
mod distribution;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod go_releases;
#[cfg(test)]
mod health;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod index;
#[cfg(test)]
mod index_guard;
#[cfg(test)]
mod janitor;
#[cfg(test)]
mod known_names;
#[cfg(test)]
mod lacking;
#[cfg(test)]
mod links;
#[cfg(test)]
mod list;
#[cfg(test)]
mod micro;
#[cfg(test)]
mod publications;
mod purge;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod reindex;
#[cfg(test)]
mod releases;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod requirements;
#[cfg(test)]
mod response_cache;
mod room;
#[cfg(test)]
mod support;
#[cfg(test)]
mod uncatalogued;
