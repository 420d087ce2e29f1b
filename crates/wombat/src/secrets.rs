//! Secrets on the command line: every user of the machine can read them there.

use clap::{ArgMatches, parser::ValueSource};

use crate::output::note;

/// An argument that takes a secret, and what to use instead.
struct SecretArg {
    id: &'static str,
    flag: &'static str,
    instead: &'static str,
}

const ARGS: [SecretArg; 3] = [
    SecretArg {
        id: "token",
        flag: "--token",
        instead: "--token-file or WOMBAT_TOKEN",
    },
    SecretArg {
        id: "seed",
        flag: "--nats-user-seed",
        instead: "--nats-user-seed-file or NATS_USER_SEED",
    },
    SecretArg {
        id: "password",
        flag: "--nats-password",
        instead: "--nats-password-file or WOMBAT_NATS_PASSWORD",
    },
];
/// The address of NATS, which may contain a login.
const URL: &str = "url";

/// Warns of secrets that were given as arguments.
pub(crate) fn warn(matches: &ArgMatches) {
    for warning in warnings(matches) {
        note(&format!("warning: {warning}"));
    }
}

fn warnings(matches: &ArgMatches) -> Vec<String> {
    let mut all = Vec::new();
    let mut level = Some(matches);
    while let Some(matches) = level {
        let given = ARGS.iter().filter(|arg| is_typed(matches, arg.id));
        all.extend(given.map(|SecretArg { flag, instead, .. }| {
            format!("`ps` shows the value of {flag} to every user of this machine; use {instead}")
        }));
        if is_typed(matches, URL)
            && let Ok(Some(url)) = matches.try_get_one::<String>(URL)
            && url.contains('@')
        {
            all.push(
                "`ps` shows the login in --nats-url to every user of this machine; use NATS_URL, or \
                 --nats-user with --nats-password-file"
                    .to_owned(),
            );
        }
        level = matches.subcommand().map(|(_, inner)| inner);
    }
    all
}

fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    matches.try_contains_id(id).is_ok()
        && matches.value_source(id) == Some(ValueSource::CommandLine)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::Cli;

    fn of(words: &[&str]) -> Vec<String> {
        let words = [&["wombat"], words].concat();
        warnings(&Cli::command().get_matches_from(words))
    }

    #[test]
    fn a_typed_secret_is_warned_of() {
        for (words, flag) in [
            (&["list", "--token", "x"][..], "--token "),
            (&["api", "--nats-user-seed", "x"], "--nats-user-seed "),
            (&["up", "--nats-url", "nats://u:p@h"], "--nats-url "),
            (
                &["setup", "--nats-user", "u", "--nats-password", "x"],
                "--nats-password ",
            ),
        ] {
            let all = of(words);
            assert!(
                all.len() == 1 && all[0].contains(flag),
                "{words:?}: {all:?}"
            );
        }
        assert_eq!(of(&["list", "--token-file", "x"]), Vec::<String>::new());
        assert_eq!(of(&["api", "--nats-url", "nats://h"]), Vec::<String>::new());
    }
}
