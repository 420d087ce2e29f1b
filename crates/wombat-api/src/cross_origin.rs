//! Whether pages of other websites may read here.
//!
//! A gateway that only some people reach tells what they build, such as the names of private modules. Their browsers
//! reach it as well, whichever page they show, so pages of other websites may read a gateway that everyone reaches alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use wombat_model::{ProblemCode, RefusalStatus};

use crate::{ApiError, access::AccessControl};

/// Headers that let pages of other websites read.
const READABLE: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "Content-Disposition, Content-Range, ETag, Location, Repr-Digest, Retry-After, X-Request-Id",
    ),
];

/// The address of this machine at which a connection arrived; the server puts it into every request. Of a gateway that
/// listens on all addresses, some are public and others aren't.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArrivedAt(pub(crate) IpAddr);

/// Whether pages of other websites may read the answers to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherSites {
    MayRead,
    MayNot,
}

impl OtherSites {
    /// They may where everyone may: at a public address, unless the gateway takes everything without a token.
    pub(crate) fn of(control: &AccessControl, request: &Request) -> Self {
        let arrived: Option<&ArrivedAt> = request.extensions().get();
        if control.needs_token() && arrived.is_some_and(|ArrivedAt(address)| is_public(*address)) {
            Self::MayRead
        } else {
            Self::MayNot
        }
    }

    /// Sets the headers of a response to this method.
    pub(crate) fn describe(self, headers: &mut HeaderMap, method: &Method) {
        let readable = self == Self::MayRead && matches!(*method, Method::GET | Method::HEAD);
        if readable {
            for (name, value) in READABLE {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        // What pages of other websites may read, they may also embed.
        let resources = if readable {
            "cross-origin"
        } else {
            "same-origin"
        };
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static(resources),
        );
    }

    /// The answer to a CORS preflight: pages of other websites may read with these headers, and never write.
    pub(crate) fn preflight(self, request: &Request) -> Option<Response> {
        let is_preflight = request.method() == Method::OPTIONS
            && request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "If-Match, If-None-Match, If-Range, Last-Event-ID, Prefer, Range, X-Request-Id",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ];
        Some(match self {
            Self::MayRead => (StatusCode::NO_CONTENT, headers).into_response(),
            Self::MayNot => ApiError::refused(
                RefusalStatus::Forbidden,
                ProblemCode::Forbidden,
                "Pages of other websites can't read here: this gateway listens on an address that isn't public, or takes everything without a token.",
            )
            .into_response(),
        })
    }
}

/// Whether everyone may reach this address.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !is_local_v4(address),
        IpAddr::V6(address) => !is_local_v6(address),
    }
}

/// Also shared addresses (RFC 6598), which overlay networks use.
fn is_local_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && second & 0xc0 == 64;
    let is_special = address.is_unspecified() || address.is_broadcast();
    is_shared
        || is_special
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(method: Method, arrived: Option<&str>) -> Request {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        let preflight = HeaderValue::from_static("GET");
        let headers = request.headers_mut();
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, preflight);
        if let Some(address) = arrived {
            let arrived = ArrivedAt(address.parse().unwrap());
            request.extensions_mut().insert(arrived);
        }
        request
    }

    fn at(control: &AccessControl, address: &str) -> OtherSites {
        OtherSites::of(control, &request(Method::GET, Some(address)))
    }

    #[test]
    fn other_websites_read_public_addresses_alone() {
        let control = AccessControl::Tokens(None);
        for public in ["192.0.2.1", "100.63.0.1", "172.32.0.1", "2001:db8::1"] {
            assert_eq!(at(&control, public), OtherSites::MayRead, "{public}");
            let open = at(&AccessControl::Anyone, public);
            assert_eq!(open, OtherSites::MayNot, "everything without a token");
        }
        for local in [
            "127.0.0.1",
            "127.8.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.9",
            "169.254.7.7",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::ffff:192.168.1.9",
            "fd12::1",
            "fc00::1",
            "fe80::1",
        ] {
            assert_eq!(at(&control, local), OtherSites::MayNot, "{local}");
        }
        let unknown = OtherSites::of(&control, &request(Method::GET, None));
        assert_eq!(unknown, OtherSites::MayNot, "an unknown address");
    }

    #[test]
    fn only_reads_have_the_headers() {
        let described = |sites: OtherSites, method| {
            let mut headers = HeaderMap::new();
            sites.describe(&mut headers, &method);
            let has_origin = headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            let policy = headers["cross-origin-resource-policy"].to_str().unwrap();
            (has_origin, policy.to_owned())
        };
        for method in [Method::GET, Method::HEAD] {
            let (has_origin, policy) = described(OtherSites::MayRead, method.clone());
            assert!(has_origin && policy == "cross-origin", "{method}");
            let (has_origin, policy) = described(OtherSites::MayNot, method.clone());
            assert!(!has_origin && policy == "same-origin", "{method}");
        }
        let (has_origin, policy) = described(OtherSites::MayRead, Method::POST);
        assert!(!has_origin && policy == "same-origin");
    }

    #[test]
    fn a_preflight_is_answered_where_others_may_read() {
        let question = request(Method::OPTIONS, None);
        let answer = OtherSites::MayRead.preflight(&question).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(
            answer.headers()["access-control-allow-methods"],
            "GET, HEAD"
        );
        let answer = OtherSites::MayNot.preflight(&question).unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let read = request(Method::GET, None);
        assert!(OtherSites::MayRead.preflight(&read).is_none());
    }
}
