//! The website, embedded into the binary. Paths that aren't a file's get its index, whose router shows the page.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::{EmbeddedFile, RustEmbed};
use wombat_model::Sha256;

use crate::{ApiError, range::matches_none};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../ui/dist"]
#[allow_missing = true]
struct Website;

const INDEX: &str = "index.html";
/// Folder of files whose names contain a hash of their content.
const HASHED: &str = "assets/";
const NOT_BUILT: &str = "This is Wombat Builder. Its website isn't part of this binary: build it first \
     (`npm ci && npm run build` in `ui/`), then the binary.\nThe REST API is at /api.\n";

/// Serves every path without a route.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    answer::<Website>(&method, &uri, &headers)
}

fn answer<Site: RustEmbed>(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if matches!(first, "api" | "artifacts") {
        return ApiError::Bare(StatusCode::NOT_FOUND).into_response();
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = ApiError::Bare(StatusCode::METHOD_NOT_ALLOWED).into_response();
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let file_like = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'))
        && !is_page(path);
    match Site::get(path) {
        Some(file) if !path.is_empty() => send(path, &file, headers),
        Some(_) | None if file_like => ApiError::Bare(StatusCode::NOT_FOUND).into_response(),
        Some(_) | None => match Site::get(INDEX) {
            Some(index) => send(INDEX, &index, headers),
            None => (
                [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
                NOT_BUILT,
            )
                .into_response(),
        },
    }
}

/// Paths of build pages end with an id, which has dots as file names have.
fn is_page(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.parse::<wombat_model::BuildKey>().is_ok())
}

fn send(path: &str, file: &EmbeddedFile, request: &HeaderMap) -> Response {
    let digest = Sha256::from_bytes(file.metadata.sha256_hash());
    // Weak: the body may be compressed.
    let tag = format!("W/\"{digest}\"");
    let caching = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let headers = [
        (header::CONTENT_TYPE, kind.as_ref()),
        (header::ETAG, &tag),
        (header::CACHE_CONTROL, caching),
    ];
    if matches_none(request, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.to_vec()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(RustEmbed)]
    #[folder = "$CARGO_MANIFEST_DIR/tests/website"]
    struct Small;

    fn get(path: &str, known: Option<&str>) -> Response {
        let headers = known
            .map(|tag| (header::IF_NONE_MATCH, tag.parse().unwrap()))
            .into_iter()
            .collect();
        answer::<Small>(&Method::GET, &path.parse().unwrap(), &headers)
    }

    fn text<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers()[name].to_str().unwrap()
    }

    #[test]
    fn files_are_kept_as_long_as_they_may_be() {
        let script = get("/assets/app-1a2b3c4d.js", None);
        assert_eq!(script.status(), StatusCode::OK);
        assert_eq!(text(&script, "content-type"), "text/javascript");
        assert!(text(&script, "cache-control").ends_with("immutable"));
        for page in ["/", "/index.html", "/builds/some"] {
            let page = get(page, None);
            assert_eq!(text(&page, "content-type"), "text/html");
            assert_eq!(text(&page, "cache-control"), "no-cache");
            let again = get("/", Some(text(&page, "etag")));
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
        for missing in [
            "/assets/gone-1a2b3c4d.js",
            "/robots.txt",
            "/api",
            "/artifacts/x",
        ] {
            assert_eq!(
                get(missing, None).status(),
                StatusCode::NOT_FOUND,
                "{missing}"
            );
        }
    }
}
