//! Pages that the gateway writes itself: they have no script and load nothing but an icon, so they also work where the
//! website doesn't.

use std::{
    fmt::{self, Write as _},
    sync::LazyLock,
};

use axum::response::{IntoResponse, Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};
use wombat_model::plain_text::{Form, plain};

use crate::ApiError;

/// In the colours of the website.
const STYLE: &str = "\
:root{color-scheme:light dark;--back:#faf7f2;--text:#1f1a16;--soft:#5d544c;--line:#d9d0c4;--main:#8a4b1f;--on-main:#fff}
@media(prefers-color-scheme:dark){:root{--back:#171412;--text:#f2ebe3;--soft:#b9aea3;--line:#463e37;--main:#e6a56f;--on-main:#1f1a16}}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:42rem;margin:0 auto;padding:2.5rem 1.25rem;overflow-wrap:anywhere}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 .5rem}
p,dl,ul,form{margin:0 0 1rem}ul{padding-left:1.25rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.375rem 1.25rem;border:solid var(--line);border-width:1px 0;padding:1rem 0}
dt{color:var(--soft)}dd{margin:0}dd ul{padding:0;margin:0;list-style:none}
code{font:.875em/1.5 ui-monospace,monospace}pre{overflow:auto;border:1px solid var(--line);border-radius:8px;padding:.75rem;margin:0 0 1rem}
a{color:var(--main)}
button{font:inherit;font-weight:600;color:var(--on-main);background:var(--main);border:0;border-radius:8px;padding:.625rem 1.25rem;cursor:pointer}
button:hover{text-decoration:underline}
:focus-visible{outline:3px solid var(--main);outline-offset:3px}
.soft{color:var(--soft)}
";

/// Lets the page have its own style and icon, and send its form here; nothing else, and no frame around it.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 and words")
});

/// A text, written so that it stays a text in HTML, also in quotes, and without characters that change how others are
/// shown.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in plain(&self.0.to_string(), Form::Lines).chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    status: StatusCode,
    html: String,
    headers: HeaderMap,
}

/// Marks a response whose body is a page, whatever its status.
#[derive(Clone, Copy)]
struct OwnPage;

/// Whether a response is a page, so that an error in it is told already.
pub(crate) fn is_own_page(response: &Response) -> bool {
    response.extensions().get::<OwnPage>().is_some()
}

impl Page {
    /// A page with this title and content. `content` is HTML; texts in it are [`Text`]. `icon` is the icon's address.
    pub(crate) fn new(status: StatusCode, title: &str, icon: &str, content: &str) -> Self {
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n<title>{title} · Wombat Builder</title>\n\
             <link rel=\"icon\" href=\"{icon}\" type=\"image/svg+xml\">\n<style>{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n{content}</main>\n</body>\n</html>\n",
            title = Text(title),
            icon = Text(icon),
        );
        Self {
            status,
            html,
            headers: HeaderMap::new(),
        }
    }

    /// A page about an error: its messages, and then `content`.
    pub(crate) fn of_error(error: ApiError, title: &str, icon: &str, content: &str) -> Self {
        let (status, problems, retry_after) = error.parts();
        let messages = problems
            .iter()
            .map(|problem| format!("<p>{}</p>\n", Text(&problem.message)));
        let told = messages.collect::<String>() + content;
        let mut page = Self::new(status, title, icon, &told);
        if let Some(seconds) = retry_after {
            let value = HeaderValue::from(seconds);
            page.headers.insert(header::RETRY_AFTER, value);
        }
        page
    }

    /// Has the browser open `url` after this many seconds.
    pub(crate) fn followed_by(mut self, url: &str, seconds: u64) -> Self {
        if let Ok(value) = HeaderValue::from_str(&format!("{seconds}; url={url}")) {
            self.headers.insert(header::REFRESH, value);
        }
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.html).into_response();
        response.extensions_mut().insert(OwnPage);
        let headers = response.headers_mut();
        headers.extend(self.headers);
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

#[cfg(test)]
mod tests {
    use wombat_model::Refusal;

    use super::*;

    #[test]
    fn texts_stay_texts() {
        let text = Text("<b a='1' c=\"2\">&\u{1b}[31m\u{202e}x").to_string();
        let expected = "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;x";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_error_keeps_its_status_and_its_pause() {
        let error = Refusal::unavailable("<Later>", 7).into();
        let response = Page::of_error(error, "Not now", "/i.svg", "").into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "7");
        assert!(is_own_page(&response));
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.contains("style-src 'sha256-"), "{policy}");
    }
}
