//! Who may do what: the operator's token, and no writes from other websites.

use std::{convert::Infallible, fmt, str::FromStr};

use http::{HeaderMap, header};
use subtle::ConstantTimeEq;
use wombat_model::{ProblemCode, RefusalStatus};

use crate::{ApiError, caller::Caller};

/// A secret. It isn't shown, and comparing with it takes as long whatever is compared.
#[derive(Clone)]
pub struct Token(String);

impl FromStr for Token {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    fn is(&self, given: &str) -> bool {
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(given.as_bytes()))
    }
}

/// Who may cancel builds and force rebuilds.
#[derive(Clone, Debug)]
pub enum Control {
    /// Whoever reaches us: only our own machine does.
    Anyone,
    /// Who knows the token; without a token, nobody.
    Token(Option<Token>),
}

impl Control {
    /// Whether a token is asked for.
    pub(crate) fn needs_token(&self) -> bool {
        match self {
            Self::Anyone => false,
            Self::Token(_) => true,
        }
    }

    /// Refuses who may not.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let token = match self {
            Self::Anyone => return Ok(()),
            Self::Token(token) => token,
        };
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let (status, code, message) = match (token, given) {
            (Some(token), Some(given)) if token.is(given) => return Ok(()),
            (Some(_), Some(_)) => (
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "This isn't the token.",
            ),
            (Some(_), None) => (
                RefusalStatus::Unauthorized,
                ProblemCode::Unauthorized,
                "Cancelling and forced rebuilds need the operator's token: `Authorization: Bearer …`.",
            ),
            (None, _) => (
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "Nobody may do this here: the operator hasn't set `WOMBAT_TOKEN`.",
            ),
        };
        Err(ApiError::refused(status, code, message))
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
            Self::Anyone | Self::Token(_) => Ok(()),
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

    fn status(control: &Control, authorization: Option<&str>) -> u16 {
        match control.check(&headers(authorization)) {
            Ok(()) => 200,
            Err(ApiError::Refused(refusal)) => refusal.status.code(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_token_opens() {
        let token = Control::Token(Some("right".parse().unwrap()));
        assert_eq!(status(&token, None), 401);
        assert_eq!(status(&token, Some("Basic right")), 401);
        assert_eq!(status(&token, Some("Bearer wrong")), 403);
        assert_eq!(status(&token, Some("bearer right")), 200);
        let unset = Control::Token(None);
        assert_eq!(status(&unset, None), 403);
        assert_eq!(status(&unset, Some("Bearer ")), 403);
        let empty = Control::Token(Some("".parse().unwrap()));
        assert_eq!(status(&empty, Some("Bearer ")), 403);
        assert_eq!(status(&Control::Anyone, None), 200);
        assert_eq!(format!("{:?}", Token("right".into())), "Token(…)");
    }
}
