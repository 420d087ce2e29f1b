//! The sources of modules and checksums, from Go's settings.

use std::path::PathBuf;

use reqwest::Url;

/// The setting doesn't name a module proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the module proxy must be one http, https or file URL, and `{0}` isn't; set --goproxy (WOMBAT_GOPROXY)"
)]
pub struct InvalidUpstream(pub(crate) String);

/// Where modules come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A proxy.
    Http(Url),
    /// A folder with a proxy's layout.
    Folder(PathBuf),
    /// None: only modules that were fetched earlier can be used.
    Off,
}

impl Upstream {
    /// Parses `GOPROXY`, of which only the first entry is used. With `,direct` a client could make the builder connect
    /// to any host, and `,off` would hide the proxy's errors.
    pub fn from_setting(setting: &str) -> Result<Self, InvalidUpstream> {
        let first = setting.split([',', '|']).next().unwrap_or_default().trim();
        if first == "off" {
            return Ok(Self::Off);
        }
        let invalid = || InvalidUpstream(setting.to_owned());
        let url: Url = first.parse().map_err(|_| invalid())?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self::Http(url)),
            "file" => url.to_file_path().map(Self::Folder).map_err(|()| invalid()),
            _ => Err(invalid()),
        }
    }
}

/// The checksum database in `GOSUMDB`: a name, an optional key, and an address if it differs from the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChecksumDatabase {
    pub(super) name: String,
    pub(super) address: Url,
}

impl ChecksumDatabase {
    pub(super) fn from_setting(setting: &str) -> Option<Self> {
        let mut words = setting.split_whitespace();
        let name = words.next().filter(|name| *name != "off")?;
        let name = name
            .split_once('+')
            .map_or(name, |(name, _)| name)
            .to_owned();
        let address = words
            .next()
            .map_or_else(|| format!("https://{name}"), str::to_owned);
        Some(Self {
            address: address.parse().ok()?,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_proxy_is_used() {
        let read = |setting: &str| Upstream::from_setting(setting);
        let http = |url: &str| Ok(Upstream::Http(url.parse().unwrap()));
        assert_eq!(read("https://a.example,direct"), http("https://a.example"));
        assert_eq!(
            read("http://b.example/go|https://c.example"),
            http("http://b.example/go")
        );
        assert_eq!(read("off"), Ok(Upstream::Off));
        assert_eq!(read("file:///m"), Ok(Upstream::Folder("/m".into())));
        for bad in [
            "direct",
            "",
            ",https://a.example",
            "a.example",
            "ftp://a.example",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_checksum_database_is_named_as_go_does() {
        let named = |setting: &str| ChecksumDatabase::from_setting(setting);
        assert_eq!(named("off"), None);
        let plain = named("sums.example").unwrap();
        assert_eq!(plain.address.as_str(), "https://sums.example/");
        let own = named("sums.example+abc+key https://elsewhere.example").unwrap();
        assert_eq!(own.name, "sums.example");
        assert_eq!(own.address.as_str(), "https://elsewhere.example/");
    }
}
