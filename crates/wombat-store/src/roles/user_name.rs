//! Names of users as tokens of subjects: a builder's presence and the chunks of its uploads stand under its own name,
//! and the server refuses it those of others.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// Longest name: a builder's id has room for it and for a random part.
const LONGEST: usize = 40;
/// Characters of a public key that make a name: 80 bits.
const OF_KEY: usize = 16;
/// The first part of the keys of locks, which stand beside those of builders.
pub(crate) const LOCK: &str = "lock";

/// The name of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// The text can't be a user's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be 1 to {LONGEST} letters, digits, `-` or `_`, and not `{LOCK}`")]
pub struct InvalidUserName(String);

impl FromStr for UserName {
    type Err = InvalidUserName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=LONGEST).contains(&text.len()) && text.chars().all(fits) && text != LOCK;
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUserName(text.to_owned()))
        }
    }
}

impl UserName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Derives the name from a user's public key, whose first letter only says that it is a user's.
    pub fn of_key(public: &str) -> Self {
        let own = public.chars().skip(1).filter(|it| fits(*it)).take(OF_KEY);
        Self::made(&own.collect::<String>().to_lowercase())
    }

    /// The name in a user's JWT, which a signing key's templates put into subjects. A name that can't be a token of a
    /// subject is replaced by that of its key. `None`: this isn't a JWT.
    pub(crate) fn of_jwt(jwt: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Claims {
            #[serde(default)]
            name: String,
            sub: String,
        }
        let claims = URL_SAFE_NO_PAD.decode(jwt.trim().split('.').nth(1)?).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let named = claims.name.parse();
        Some(named.unwrap_or_else(|_| Self::of_key(&claims.sub)))
    }

    /// The name of a host, for users without keys.
    pub(crate) fn of_host(host: &str) -> Self {
        let own = host.chars().filter(|it| fits(*it));
        Self::made(&own.take(LONGEST).collect::<String>())
    }

    fn made(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self("builder".to_owned()))
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fits(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_name_is_one_token_and_no_lock() {
        assert!("fox-2_A".parse::<UserName>().is_ok());
        for bad in ["", "lock", "a.b", "*", ">", "a b", "ä", &"x".repeat(41)] {
            let error = bad.parse::<UserName>().unwrap_err().to_string();
            assert!(error.contains("must be 1 to 40"), "{error}");
        }
    }

    #[test]
    fn names_come_from_keys_jwts_and_hosts() {
        let key = "UBGMBQYRRUWMLKJ2QTAEP4NT7SC2TFWMJLMVHWNFJPZ5H3XZLRNWNHQL";
        let of_key = UserName::of_key(key);
        assert_eq!(of_key.as_str(), "bgmbqyrruwmlkj2q");
        let named =
            |name: &str| UserName::of_jwt(&jwt(&format!(r#"{{"name":"{name}","sub":"{key}"}}"#)));
        assert_eq!(named("b1").unwrap().as_str(), "b1");
        assert_eq!(named("my builder").unwrap(), of_key);
        assert_eq!(named("lock").unwrap(), of_key);
        assert_eq!(UserName::of_jwt("nonsense"), None);
        assert_eq!(UserName::of_host("fox.local").as_str(), "foxlocal");
        assert_eq!(UserName::of_host("…").as_str(), "builder");
        assert_eq!(UserName::of_host("lock").as_str(), "builder");
    }
}
