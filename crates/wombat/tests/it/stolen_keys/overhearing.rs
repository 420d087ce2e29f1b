//! Requests and answers of others.

use wombat_store::roles::NatsRole;

use super::{thief::Thief, verdict::Verdict};

/// What services receive.
const OF_SERVICES: [&str; 8] = [
    "build.*",
    "build.request",
    "build.>",
    "catalog.*",
    "catalog.block",
    "$SRV.>",
    "$SRV.PING",
    ">",
];
/// What builders receive.
const OF_BUILDERS: [&str; 5] = [
    "builder.ahead",
    "builder.requirements",
    "builder.lint.>",
    "builder.lint.linux.amd64",
    "builder.>",
];

/// Receives the requests to services, which it could answer.
pub(super) async fn of_services(thief: &Thief) -> anyhow::Result<Verdict> {
    received(thief, &OF_SERVICES).await
}

/// Receives the requests to builders.
pub(super) async fn of_builders(thief: &Thief) -> anyhow::Result<Verdict> {
    received(thief, &OF_BUILDERS).await
}

/// Receives the answers to other roles, and sends some in their place.
pub(super) async fn of_other_roles(thief: &Thief) -> anyhow::Result<Verdict> {
    let others = NatsRole::ALL.iter().filter(|role| **role != thief.role);
    let prefixes = others.map(|role| role.inbox_prefix());
    // Everyone else's prefix begins like the readers'.
    let mut subjects: Vec<String> = prefixes.map(|prefix| format!("{prefix}.>")).collect();
    subjects.extend(["_R_.>", "$JS.>", "$KV.>", "$O.>", "*.>"].map(str::to_owned));
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    received(thief, &subjects).await
}

/// Receives the answers to all users of its own role.
pub(super) async fn of_own_role(thief: &Thief) -> anyhow::Result<Verdict> {
    let all = format!("{}.>", thief.role.inbox_prefix());
    received(thief, &[&all]).await
}

/// Subscribes to each, alone and in the queue group of those who answer.
async fn received(thief: &Thief, subjects: &[&str]) -> anyhow::Result<Verdict> {
    let mut worst = Verdict::Refused;
    for subject in subjects {
        for queue in [None, Some("q")] {
            if let Some(mut heard) = thief.subscribe(subject, queue).await? {
                eprintln!("{}: receives {subject} in {queue:?}", thief.role);
                heard.unsubscribe().await?;
                worst = Verdict::Possible;
            }
        }
    }
    Ok(worst)
}
