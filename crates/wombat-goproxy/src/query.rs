//! The paths of Go's module proxy protocol; all others are refused.

use percent_encoding::percent_decode_str;

/// Longest path that is accepted, in bytes.
const LONGEST: usize = 1024;

/// Size limit of a `.mod` in bytes. That of Redpanda Connect, one of the largest, has 30 KB.
pub const LARGEST_MOD: u64 = 1 << 20;
/// Size limit of an `.info` in bytes. Usual ones have 200.
pub const LARGEST_INFO: u64 = 64 << 10;

/// Whether an answer may be cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caching {
    /// It never changes.
    Forever,
    /// It may be different the next time.
    Never,
}

/// A query that `go` may send to a module proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Relative to the proxy's address, without a leading slash, decoded.
    path: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A module's archive.
    Zip,
    /// Another file of one version.
    OfVersion,
    /// Which versions exist, or which is the newest.
    Listing,
    /// A proof, or a lookup, from a checksum database.
    Proof,
    /// The newest signed state of a checksum database.
    Signed,
    /// Whether the proxy answers for a checksum database.
    Supported,
}

impl Query {
    /// Parses the path of a request. `None` if the protocol has no such path.
    pub(super) fn parse(encoded: &str) -> Option<Self> {
        if encoded.len() > 3 * LONGEST {
            return None;
        }
        let path = percent_decode_str(encoded).decode_utf8().ok()?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!/@+".contains(&byte);
        if path.len() > LONGEST || !path.bytes().all(harmless) {
            return None;
        }
        if path
            .split('/')
            .any(|element| element.is_empty() || element.starts_with('.'))
        {
            return None;
        }
        Some(Self {
            kind: kind(path)?,
            path: path.to_owned(),
        })
    }

    /// Asks whether the proxy answers for a checksum database.
    pub(super) fn supported(database: &str) -> Self {
        Self {
            path: format!("sumdb/{database}/supported"),
            kind: Kind::Supported,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn caching(&self) -> Caching {
        match self.kind {
            Kind::Zip | Kind::OfVersion | Kind::Proof => Caching::Forever,
            Kind::Listing | Kind::Signed | Kind::Supported => Caching::Never,
        }
    }

    pub(super) fn is_zip(&self) -> bool {
        self.kind == Kind::Zip
    }

    /// The checksum database that is queried, and the path below its address.
    pub(super) fn checksums(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("sumdb/")?.split_once('/')
    }

    pub(super) fn is_supported_question(&self) -> bool {
        self.kind == Kind::Supported
    }

    /// Size limit of an answer in bytes.
    pub(super) fn largest(&self) -> u64 {
        match self.kind {
            // As Go itself has it.
            Kind::Zip => 500 << 20,
            Kind::OfVersion
                if self
                    .path
                    .rsplit_once('.')
                    .is_some_and(|(_, end)| end == "mod") =>
            {
                LARGEST_MOD
            }
            Kind::OfVersion => LARGEST_INFO,
            // That of Go releases, one of the longest, has 200 KB.
            Kind::Listing => 4 << 20,
            Kind::Proof | Kind::Signed | Kind::Supported => 1 << 20,
        }
    }
}

fn kind(path: &str) -> Option<Kind> {
    if let Some(rest) = path.strip_prefix("sumdb/") {
        let (_, question) = rest.split_once('/')?;
        return match question {
            "supported" => Some(Kind::Supported),
            "latest" => Some(Kind::Signed),
            _ if question.starts_with("tile/") => Some(Kind::Proof),
            _ if question.starts_with("lookup/") && question.contains('@') => Some(Kind::Proof),
            _ => None,
        };
    }
    if let Some(module) = path.strip_suffix("/@latest") {
        return (!module.contains('@')).then_some(Kind::Listing);
    }
    let (module, file) = path.split_once("/@v/")?;
    if module.contains('@') || file.contains(['/', '@']) {
        return None;
    }
    if file == "list" {
        return Some(Kind::Listing);
    }
    let (version, extension) = file.rsplit_once('.')?;
    match (extension, is_exact(version)) {
        ("zip", true) => Some(Kind::Zip),
        ("mod" | "info", true) => Some(Kind::OfVersion),
        // A branch, or a part of a version.
        ("info", false) => Some(Kind::Listing),
        _ => None,
    }
}

fn is_exact(version: &str) -> bool {
    let mut parts = version.splitn(3, '.');
    let numeric = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    numeric(parts.next().and_then(|part| part.strip_prefix('v')))
        && numeric(parts.next())
        && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_go_asks_for() {
        use Caching::{Forever, Never};
        for (path, caching) in [
            ("/github.com/%21azure/sdk/@v/v1.2.3.zip", Forever),
            (
                "/golang.org/toolchain/@v/v0.0.1-go1.26.5.linux-amd64.zip",
                Forever,
            ),
            ("/example.com/m/v2/@v/v2.0.0+incompatible.mod", Forever),
            (
                "/example.com/m/@v/v0.0.0-20260102030405-abcdefabcdef.info",
                Forever,
            ),
            ("/example.com/m/@v/master.info", Never),
            ("/example.com/m/@v/list", Never),
            ("/example.com/m/@latest", Never),
            ("/sumdb/sums.example/supported", Never),
            ("/sumdb/sums.example/latest", Never),
            ("/sumdb/sums.example/lookup/example.com/m@v1.2.3", Forever),
            ("/sumdb/sums.example/tile/8/0/x012/345.p/67", Forever),
        ] {
            let query = Query::parse(path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!(query.caching(), caching, "{path}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for path in [
            "",
            "/",
            "/example.com",
            "/example.com/m?go-get=1",
            "/example.com/m/@v/v1.2.3.tar",
            "/example.com/m/@v/../../secret",
            "/example.com/m/@v/..%2f..%2fsecret.zip",
            "/example.com/m/@v/v1.2.3.zip/more",
            "/example.com/m/@v/v1.2.3/x.zip",
            "/../@v/v1.2.3.zip",
            "//evil.example/@v/v1.2.3.zip",
            "/example.com/m/.git/@v/v1.2.3.zip",
            "/example.com/m/@v/v1.2.3%00.zip",
            "/example.com/m/@v/v1.2.3%0d%0aX:.zip",
            "/example.com/m/@v/master.zip",
            "/http://evil.example/@v/v1.2.3.zip",
            "/sumdb/sums.example/anything",
            "/sumdb/supported",
        ] {
            assert_eq!(Query::parse(path), None, "{path}");
        }
        let long = format!("/example.com/{}/@v/v1.2.3.zip", "x/".repeat(1000));
        assert_eq!(Query::parse(&long), None);
    }
}
