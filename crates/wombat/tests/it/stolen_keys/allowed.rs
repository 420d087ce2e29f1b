//! What may differ after a role's key was used: what the role is documented to write, what its requests lead to, and
//! what honest processes write meanwhile.

use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use wombat_store::roles::NatsRole;

use super::{
    scene::{IMPORTED, Scene},
    stored::{Change, Difference},
    thief::Thief,
};

/// Whether a change is one of these. `requested`: the builds that users or the thief requested meanwhile.
pub(super) fn may_differ(
    scene: &Scene,
    thief: &Thief,
    requested: &[String],
    change: &Change,
) -> bool {
    let subject = change.subject.as_str();
    let honest = &scene.honest;
    let is_added = change.how == Difference::Added;
    let of_honest = format!("$KV.builders.{honest}.");
    if subject.starts_with(&of_honest) && !subject.ends_with("forged")
        || subject.starts_with("$KV.builders.lock.")
        || requested.iter().any(|id| is_about(subject, id))
    {
        return true;
    }
    // A builder removes the hint of a build that it finished, and the marker of that expires.
    if subject.starts_with("$KV.builds.open.") && change.how == Difference::Removed {
        return true;
    }
    let is_built = subject.starts_with(&format!("$O.artifacts.C.{honest}."))
        || subject.starts_with("$KV.gocache.");
    if is_built && is_added && !requested.is_empty() {
        return true;
    }
    if change.is_of_written_once() {
        return false;
    }
    match thief.role {
        NatsRole::ReadOnly => false,
        NatsRole::Api => {
            let import = IMPORTED.replace('.', "=2e");
            let of_import = ["asked", "import"].map(|it| format!("$KV.catalog.{it}.{import}/"));
            subject == "$KV.catalog.blocklist" || of_import.iter().any(|it| subject.starts_with(it))
        }
        NatsRole::Builder | NatsRole::Service => {
            // The service's alarm, and logs of builds that were opened again.
            let follows = subject == "$KV.builds.tampered" || subject.starts_with("build.logs.");
            let mut own = thief.publishable().into_iter();
            follows || own.any(|it| matches(&it, subject))
        }
        NatsRole::Admin | NatsRole::Publisher => true,
    }
}

/// Whether a subject has the hash of this build, perhaps in the name of an object.
fn is_about(subject: &str, id: &str) -> bool {
    let hash = id.rsplit('.').next().unwrap_or(id);
    let object = subject.rsplit('.').next();
    let object = object.and_then(|name| BASE64_URL_SAFE.decode(name).ok());
    let object = object.and_then(|name| String::from_utf8(name).ok());
    subject.contains(hash) || object.is_some_and(|name| name.contains(hash))
}

/// Whether a subject matches a pattern.
pub(super) fn matches(pattern: &str, subject: &str) -> bool {
    let (mut pattern, mut subject) = (pattern.split('.'), subject.split('.'));
    loop {
        match (pattern.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            (Some(_) | None, Some(_)) | (Some(_), None) => return false,
        }
    }
}
