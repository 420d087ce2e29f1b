//! Who may do what: tokens with roles, and no writes from other websites.

mod tokens;

use std::{fmt, str::FromStr, sync::Arc};

use http::{HeaderMap, header};
use tracing::info;
use wombat_model::{ProblemCode, RefusalStatus};

use crate::{ApiError, caller::Caller};
pub use tokens::{ParseTokenError, Secret, TokenEntry, TokenFile, TokenFileError};

/// What a token allows. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Read, and ask for builds.
    Reader,
    /// Cancel builds, force rebuilds, read the blocklist.
    Operator,
    /// Remove builds, change the blocklist, import releases into the catalog.
    Admin,
}

impl Role {
    /// All, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Operator, Self::Admin];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or(())
    }
}

/// Whom the gateway lets do more than read.
#[derive(Clone, Debug)]
pub enum Control {
    /// Whoever reaches us may do everything: only our own machine does.
    Anyone,
    /// Whoever has a token, what its role allows; without a file of tokens, nobody.
    Tokens(Option<Arc<TokenFile>>),
}

impl Control {
    /// Whether a token is asked for.
    pub(crate) fn needs_token(&self) -> bool {
        match self {
            Self::Anyone => false,
            Self::Tokens(_) => true,
        }
    }

    /// Refuses who may not. `what` is what they want, for the log.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        needed: Role,
        what: &'static str,
    ) -> Result<(), ApiError> {
        let tokens = match self {
            Self::Anyone => return Ok(()),
            Self::Tokens(tokens) => tokens,
        };
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let forbidden = |message: String| {
            ApiError::refused(RefusalStatus::Forbidden, ProblemCode::Forbidden, message)
        };
        let Some(tokens) = tokens else {
            return Err(forbidden(
                "Nobody may do this here: the operator hasn't named a file of tokens (`--tokens`, `wombat token new`).".to_owned(),
            ));
        };
        let Some(given) = given else {
            return Err(ApiError::refused(
                RefusalStatus::Unauthorized,
                ProblemCode::Unauthorized,
                format!("This needs a token with the role `{needed}`: `Authorization: Bearer …`."),
            ));
        };
        match tokens.find(given) {
            None => Err(forbidden("This token isn't known.".to_owned())),
            Some((name, role)) if role < needed => {
                info!(token = name, %role, what, "refused");
                Err(forbidden(format!(
                    "This needs the role `{needed}`; this token's is `{role}`."
                )))
            }
            Some((name, role)) => {
                info!(token = name, %role, what, "allowed");
                Ok(())
            }
        }
    }

    /// Refuses writes that another website makes a browser send.
    pub(crate) fn check_origin(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        let same = match (text("sec-fetch-site"), text("origin")) {
            // Only browsers send it, and no page can change it.
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => caller.is_own_origin(origin),
            (None, None) => true,
        };
        if !same {
            return Err(ApiError::refused(
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "Another website may read here, but not write.",
            ));
        }
        match self {
            // A name of somebody else's that leads to our loopback address would make his page one of ours.
            Self::Anyone if !caller.names_this_machine() => Err(ApiError::refused(
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "Without a token, writes are taken at `localhost` and loopback addresses alone.",
            )),
            Self::Anyone | Self::Tokens(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: Option<&str>) -> HeaderMap {
        authorization
            .map(|value| (header::AUTHORIZATION, value.parse().unwrap()))
            .into_iter()
            .collect()
    }

    fn status(control: &Control, authorization: Option<&str>, needed: Role) -> u16 {
        match control.check(&headers(authorization), needed, "test") {
            Ok(()) => 200,
            Err(ApiError::Refused(refusal)) => refusal.status.code(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_token_opens_what_its_role_may() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let secrets = Role::ALL.map(|role| (role, Secret::generate()));
        let lines = secrets.each_ref().map(|(role, secret)| {
            let entry = TokenEntry::new(role.name(), *role, secret).unwrap();
            format!("{entry}\n")
        });
        std::fs::write(file.path(), lines.concat()).unwrap();
        let control = Control::Tokens(Some(Arc::new(TokenFile::open(file.path()).unwrap())));
        for needed in Role::ALL {
            for (role, secret) in &secrets {
                let expected = if *role >= needed { 200 } else { 403 };
                let bearer = format!("bearer {}", secret.reveal());
                assert_eq!(status(&control, Some(&bearer), needed), expected);
            }
            assert_eq!(status(&control, None, needed), 401);
            assert_eq!(status(&control, Some("Basic x"), needed), 401);
            assert_eq!(status(&control, Some("Bearer wrong"), needed), 403);
            assert_eq!(status(&control, Some("Bearer "), needed), 403);
            assert_eq!(
                status(&Control::Tokens(None), Some("Bearer x"), needed),
                403
            );
            assert_eq!(status(&Control::Anyone, None, needed), 200);
        }
    }
}
