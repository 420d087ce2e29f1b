//! The build that the address of a direct download names.

use http::Uri;
use wombat_model::request::RequestBody;

use crate::{ApiError, params::Params};

/// The build that an address names, and how often its client was redirected there.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) body: RequestBody,
    pub(super) round: u32,
}

impl Wanted {
    pub(super) fn of((goos, goarch): (String, String), uri: &Uri) -> Result<Self, ApiError> {
        let mut params = Params::of(uri);
        let round = params.number("round").unwrap_or_default();
        let body = RequestBody {
            goos,
            goarch,
            go_version: params.text("goVersion"),
            variant: params.text("variant"),
            base: params.text("base"),
            name: params.text("name"),
            version: params.text("version"),
            template: params.number("template"),
            components: listed(params.text("components")),
            packages: listed(params.text("packages")),
            ..RequestBody::default()
        };
        params.finish()?;
        Ok(Self { body, round })
    }
}

/// Names between commas.
fn listed(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let names = text.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The same address, in another round.
pub(super) fn again(uri: &Uri, round: u32) -> String {
    let query = uri.query().unwrap_or_default();
    let kept = query
        .split('&')
        .filter(|part| !part.starts_with("round=") && !part.is_empty());
    let mut parts: Vec<&str> = kept.collect();
    let round = format!("round={round}");
    parts.push(&round);
    format!("{}?{}", uri.path(), parts.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_commas() {
        assert_eq!(listed(Some("nats, redis,,".into())), ["nats", "redis"]);
        assert!(listed(None).is_empty());
    }

    #[test]
    fn a_round_follows_another() {
        let uri: Uri = "/dl/linux/amd64?components=nats&round=3&base=pure"
            .parse()
            .unwrap();
        assert_eq!(
            again(&uri, 4),
            "/dl/linux/amd64?components=nats&base=pure&round=4"
        );
        assert_eq!(again(&"/dl/a/b".parse().unwrap(), 1), "/dl/a/b?round=1");
    }
}
