//! Which client may do what: tokens with roles, and no writes from pages of other websites.

mod role;
mod tokens;

use std::sync::Arc;

use http::{HeaderMap, header};
use tokio::task::spawn_blocking;
use tracing::{error, info};
use wombat_model::{ProblemCode, Refusal, RefusalStatus};

use crate::{ApiError, caller::Caller};
pub use role::Role;
pub use tokens::{ParseTokenError, Secret, TokenEntry, TokenFile, TokenFileError};

/// Which clients may do more than read.
#[derive(Clone, Debug)]
pub enum AccessControl {
    /// Every client may do everything: for gateways that only their own machine can reach.
    Anyone,
    /// A client may do what the role of its token allows. `None`: there is no token file, so no client may.
    Tokens(Option<Arc<TokenFile>>),
}

impl AccessControl {
    /// Whether calls that do more than read need a token.
    pub(crate) fn needs_token(&self) -> bool {
        match self {
            Self::Anyone => false,
            Self::Tokens(_) => true,
        }
    }

    /// Refuses a request whose token lacks the role. `what` names the call in the log.
    pub(crate) async fn check(
        &self,
        headers: &HeaderMap,
        needed: Role,
        what: &'static str,
    ) -> Result<(), ApiError> {
        let tokens = match self {
            Self::Anyone => return Ok(()),
            Self::Tokens(tokens) => tokens,
        };
        let given = bearer(headers);
        let forbidden = |message: String| {
            ApiError::refused(RefusalStatus::Forbidden, ProblemCode::Forbidden, message)
        };
        let Some(tokens) = tokens else {
            return Err(forbidden(
                "This call needs a token, and this gateway has no token file: its operator makes one with `wombat token new` and names it with `--tokens`.".to_owned(),
            ));
        };
        let Some(given) = given else {
            return Err(ApiError::refused(
                RefusalStatus::Unauthorized,
                ProblemCode::Unauthorized,
                format!(
                    "This call needs a token with the role `{needed}`: `Authorization: Bearer …`."
                ),
            ));
        };
        match found(tokens, given).await? {
            None => Err(forbidden(
                "This token isn't in the gateway's token file.".to_owned(),
            )),
            Some((name, role)) if role < needed => {
                info!(token = name, %role, what, "refused");
                Err(forbidden(format!(
                    "This call needs the role `{needed}`; your token has `{role}`."
                )))
            }
            Some((name, role)) => {
                info!(token = name, %role, what, "allowed");
                Ok(())
            }
        }
    }

    /// Whether a request has an operator's token. Where no token is needed, no client is told from others by one.
    pub(crate) async fn is_operator(&self, headers: &HeaderMap) -> bool {
        let (Self::Tokens(Some(tokens)), Some(given)) = (self, bearer(headers)) else {
            return false;
        };
        let found = found(tokens, given).await;
        matches!(found, Ok(Some((_, role))) if role >= Role::Operator)
    }

    /// Refuses writes that another website makes a browser send.
    pub(crate) fn check_origin(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        let same = match (text("sec-fetch-site"), text("origin")) {
            // Browsers set this header, and pages can't change it.
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => caller.is_own_origin(origin),
            (None, None) => true,
        };
        if !same {
            return Err(ApiError::refused(
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "Pages of other websites can't write here.",
            ));
        }
        match self {
            // DNS rebinding: a page of a foreign domain that resolves to our loopback address would be same-origin.
            Self::Anyone if !caller.names_this_machine() => Err(ApiError::refused(
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "This gateway takes writes without a token, and only at `localhost` or a loopback address: use one of these in the URL.",
            )),
            Self::Anyone | Self::Tokens(_) => Ok(()),
        }
    }
}

/// The token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The name and the role of a token, if the file has it.
async fn found(tokens: &Arc<TokenFile>, given: &str) -> Result<Option<(String, Role)>, ApiError> {
    let (tokens, given) = (Arc::clone(tokens), given.to_owned());
    let found = spawn_blocking(move || tokens.find(&given)).await;
    found.map_err(|failure| {
        error!(%failure, "the thread of a token check failed");
        ApiError::from(Refusal::internal())
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use super::*;

    fn headers(authorization: Option<&str>) -> HeaderMap {
        authorization
            .map(|value| (header::AUTHORIZATION, value.parse().unwrap()))
            .into_iter()
            .collect()
    }

    async fn status(control: &AccessControl, authorization: Option<&str>, needed: Role) -> u16 {
        match control.check(&headers(authorization), needed, "test").await {
            Ok(()) => 200,
            Err(ApiError::Refused(refusal)) => refusal.status.code(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_token_opens_what_its_role_may() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let with_secret = |role: &Role| (*role, Secret::generate());
        let secrets: Vec<_> = Role::ALL.iter().map(with_secret).collect();
        let line = |(role, secret): &(Role, Secret)| {
            let entry = TokenEntry::new(role.name(), *role, secret).unwrap();
            format!("{entry}\n")
        };
        let lines: Vec<String> = secrets.iter().map(line).collect();
        std::fs::write(file.path(), lines.concat()).unwrap();
        let control = AccessControl::Tokens(Some(Arc::new(TokenFile::open(file.path()).unwrap())));
        for &needed in Role::ALL {
            for (role, secret) in &secrets {
                let expected = if *role >= needed { 200 } else { 403 };
                let bearer = format!("bearer {}", secret.reveal());
                assert_eq!(status(&control, Some(&bearer), needed).await, expected);
            }
            assert_eq!(status(&control, None, needed).await, 401);
            assert_eq!(status(&control, Some("Basic x"), needed).await, 401);
            assert_eq!(status(&control, Some("Bearer wrong"), needed).await, 403);
            assert_eq!(status(&control, Some("Bearer "), needed).await, 403);
            assert_eq!(
                status(&AccessControl::Tokens(None), Some("Bearer x"), needed).await,
                403
            );
            assert_eq!(status(&AccessControl::Anyone, None, needed).await, 200);
        }
    }
}
