//! Who sends a request: a tool, a person with a browser, or a browser that loads an address for a page.
//!
//! Browsers describe each request in `Sec-Fetch` headers, which pages can't change, but only over HTTPS and to this
//! machine. Elsewhere other headers have to do.

use http::{HeaderMap, header};

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// A client that isn't a browser: curl, `go`, Docker and others.
    Tool,
    /// A person who opens the address in a browser.
    Reader,
    /// A script of the gateway's own website.
    OwnScript,
    /// A browser that loads the address as a part of some page, or before a person follows a link to it.
    Embedding,
}

impl Visitor {
    /// The sender of a request with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if is_early(headers) {
            return Self::Embedding;
        }
        let text = |name: &str| Some(headers.get(name)?.to_str().unwrap_or("?"));
        let (site, mode) = (text("sec-fetch-site"), text("sec-fetch-mode"));
        match (site, mode, text("sec-fetch-dest")) {
            // `fetch` of Node.js, which is no browser, sends a mode alone.
            (None, None | Some("cors"), None) => Self::by_other_headers(headers),
            (_, Some("navigate"), None | Some("document")) => Self::Reader,
            (Some("same-origin"), Some("cors" | "same-origin"), None | Some("empty")) => {
                Self::OwnScript
            }
            _ => Self::Embedding,
        }
    }

    /// The same for a request that doesn't describe itself.
    fn by_other_headers(headers: &HeaderMap) -> Self {
        let text = |name| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default()
        };
        let agent = text(header::USER_AGENT);
        // The HTTP client of Java accepts pages, and never shows one.
        if text(header::ACCEPT).contains("text/html") && !agent.starts_with("Java/") {
            Self::Reader
        } else if agent.starts_with("Mozilla/") && headers.contains_key(header::ACCEPT_LANGUAGE) {
            // An image or a script of a page. Tools that call themselves Mozilla, such as PowerShell, name no language.
            Self::Embedding
        } else {
            Self::Tool
        }
    }
}

/// Whether a browser loads the address before a person asks for it.
fn is_early(headers: &HeaderMap) -> bool {
    let purposes = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
    purposes.iter().any(|name| {
        headers.get_all(*name).iter().any(|value| {
            let value = value.as_bytes().to_ascii_lowercase();
            let value = String::from_utf8_lossy(&value);
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|purpose| value.contains(purpose))
        })
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// Headers, `name: value` each, between `|`.
    fn visitor(headers: &str) -> Visitor {
        let lines = headers.split('|').filter(|line| !line.trim().is_empty());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            let name: HeaderName = name.trim().parse().unwrap();
            (name, HeaderValue::from_str(value.trim()).unwrap())
        });
        Visitor::of(&headers.collect())
    }

    const FIREFOX: &str =
        "user-agent: Mozilla/5.0 (X11; rv:140.0) Firefox/140.0 | accept-language: en";

    #[test]
    fn tools_are_tools() {
        for tool in [
            "",
            "user-agent: curl/8.14.1 | accept: */*",
            "user-agent: Wget/1.25.0 | accept: */* | accept-encoding: identity",
            "user-agent: Go-http-client/1.1 | accept-encoding: gzip",
            "user-agent: Docker-Client/28.0 (linux)",
            "user-agent: buildkit/v0.20",
            "user-agent: python-requests/2.32 | accept: */*",
            "user-agent: node | accept: */* | accept-language: * | sec-fetch-mode: cors",
            "user-agent: actions/http-client",
            "user-agent: Java/17.0.1 | accept: text/html, image/gif, image/jpeg, *; q=.2",
            "user-agent: Mozilla/5.0 (Windows NT 10.0; en-US) WindowsPowerShell/5.1",
            "accept: application/json",
        ] {
            assert_eq!(visitor(tool), Visitor::Tool, "{tool}");
        }
    }

    #[test]
    fn people_open_addresses() {
        for site in ["none", "same-origin", "same-site", "cross-site"] {
            let described = format!(
                "sec-fetch-site: {site} | sec-fetch-mode: navigate | sec-fetch-dest: document"
            );
            assert_eq!(visitor(&described), Visitor::Reader, "{described}");
        }
        let accepts = "accept: text/html,application/xhtml+xml,*/*;q=0.8";
        // Over plain HTTP to another machine, and a browser in a terminal.
        assert_eq!(visitor(&format!("{accepts} | {FIREFOX}")), Visitor::Reader);
        let lynx = format!("{accepts} | user-agent: Lynx/2.9");
        assert_eq!(visitor(&lynx), Visitor::Reader);
    }

    #[test]
    fn what_a_page_loads_is_told_apart() {
        for destination in [
            "image",
            "iframe",
            "frame",
            "script",
            "style",
            "font",
            "audio",
            "video",
            "object",
            "embed",
            "worker",
            "manifest",
            "empty",
            "track",
            "unheard-of",
        ] {
            for (site, mode) in [
                ("cross-site", "no-cors"),
                ("cross-site", "navigate"),
                ("same-site", "cors"),
                ("same-origin", "no-cors"),
            ] {
                let described = format!(
                    "sec-fetch-site: {site} | sec-fetch-mode: {mode} | sec-fetch-dest: {destination} | accept: text/html"
                );
                assert_eq!(visitor(&described), Visitor::Embedding, "{described}");
            }
        }
        for described in [
            "sec-fetch-site: cross-site | sec-fetch-mode: no-cors",
            "sec-fetch-mode: no-cors",
            "sec-fetch-dest: image",
            "sec-fetch-site: cross-site",
            "sec-fetch-mode: navigate | sec-fetch-dest: document | sec-purpose: prefetch;prerender",
            "accept: text/html | purpose: prefetch",
            "accept: text/html | X-Moz: prefetch",
            "accept: text/html | X-Purpose: preview",
        ] {
            assert_eq!(visitor(described), Visitor::Embedding, "{described}");
        }
        // Over plain HTTP to another machine.
        for accepts in [
            "*/*",
            "image/avif,image/webp,*/*;q=0.8",
            "text/css,*/*;q=0.1",
        ] {
            let described = format!("accept: {accepts} | {FIREFOX}");
            assert_eq!(visitor(&described), Visitor::Embedding, "{described}");
        }
    }

    #[test]
    fn scripts_of_the_own_website_may_call() {
        let described =
            "sec-fetch-site: same-origin | sec-fetch-mode: cors | sec-fetch-dest: empty";
        assert_eq!(visitor(described), Visitor::OwnScript);
        let elsewhere = described.replace("same-origin", "same-site");
        assert_eq!(visitor(&elsewhere), Visitor::Embedding);
    }
}
