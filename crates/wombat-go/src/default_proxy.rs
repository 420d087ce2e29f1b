//! The module proxy of a builder that can't ask `go env`.

use wombat_goproxy::Upstream;

use super::go_fetch_error::GoFetchError;

/// What `go env GOPROXY` says by default, if this program was built for distribution: `tools/dist` asks Go itself.
const BUILT_IN: Option<&str> = option_env!("WOMBAT_DEFAULT_GOPROXY");

/// The proxy of an option, else of the variable GOPROXY, else the built-in one.
pub(super) fn without_go(option: Option<&str>, offline: bool) -> Result<Upstream, GoFetchError> {
    let variable = std::env::var("GOPROXY").ok();
    among([option, variable.as_deref(), BUILT_IN], offline)
}

fn among(settings: [Option<&str>; 3], offline: bool) -> Result<Upstream, GoFetchError> {
    if offline {
        return Err(GoFetchError::Offline);
    }
    let mut named = settings.into_iter().flatten();
    let setting = named.find(|setting| !setting.is_empty());
    match Upstream::from_setting(setting.ok_or(GoFetchError::NoProxy)?)? {
        Upstream::Off => Err(GoFetchError::Offline),
        proxy @ (Upstream::Http(_) | Upstream::Folder(_)) => Ok(proxy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_named_counts() {
        let (a, b) = ("https://a.example,direct", "https://b.example");
        let http = |url: &str| Ok(Upstream::Http(url.parse().unwrap()));
        assert_eq!(
            among([Some(a), Some(b), None], false),
            http("https://a.example")
        );
        assert_eq!(
            among([None, Some(""), Some(b)], false),
            http("https://b.example")
        );
        assert_eq!(among([None; 3], false), Err(GoFetchError::NoProxy));
        assert_eq!(among([Some(a); 3], true), Err(GoFetchError::Offline));
        assert_eq!(
            among([Some("off"), Some(a), None], false),
            Err(GoFetchError::Offline)
        );
        let direct = among([Some("direct"), Some(a), None], false).unwrap_err();
        let words = direct.to_string();
        assert!(
            words.contains("`direct`") && words.contains("--goproxy"),
            "{words}"
        );
    }
}
