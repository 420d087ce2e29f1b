//! Calls that give a binary.

use crate::openapi::{
    call::{Call, call},
    choices::{BASES, architectures, systems},
    media_types::{BINARY, HTML},
};

pub(super) fn downloads() -> Vec<Call> {
    let binary = |method, id, about| {
        call(
            method,
            "/artifacts/{goos}/{goarch}/{go}/{hash}",
            id,
            "builds",
            about,
        )
        .choice_part("goos", "Operating system.", systems())
        .choice_part("goarch", "Architecture.", architectures())
        .part("go", "Go release.")
        .part(
            "hash",
            "64 hex digits; with .sha256 behind them: the digest as text.",
        )
    };
    vec![
        direct(
            "get",
            "download",
            "Request a build, wait for it, and get redirected to the binary",
        )
        .answers(
            200,
            "Only for browsers: a page that shows the selection, and starts nothing before its button is pressed.",
            Some(HTML),
        )
        .answers(303, "It is built; Location is the binary.", None)
        .answers(
            307,
            "It is still being built; Location is this address again.",
            None,
        ),
        direct(
            "post",
            "startDownload",
            "Request a build, as the button of the page at this address does",
        )
        .answers(
            303,
            "It is requested; Location is this address, which waits for it.",
            None,
        ),
        binary("get", "getBinary", "Download a binary")
            .answers(200, "The binary; its digest is the ETag.", Some(BINARY))
            .answers(206, "The part that Range asks for.", Some(BINARY))
            .answers(304, "Unchanged: If-None-Match names it.", None),
        binary("head", "describeBinary", "Size and digest of a binary")
            .answers(200, "As for a download, without the bytes.", None)
            .answers(304, "Unchanged: If-None-Match names it.", None),
    ]
}

/// A call of the address that names a whole selection.
fn direct(method: &'static str, id: &'static str, about: &'static str) -> Call {
    call(method, "/dl/{goos}/{goarch}", id, "builds", about)
        .choice_part("goos", "Operating system.", systems())
        .choice_part("goarch", "Architecture.", architectures())
        .text("components", "Names between commas, such as nats,redis.")
        .text("packages", "Import paths between commas.")
        .text("goVersion", "A Go release in full.")
        .text("variant", "Level of the architecture.")
        .choice(
            "base",
            "Base packages that are added; standard if left out.",
            BASES,
        )
        .pattern(
            "name",
            "Own name of the distribution, such as acme-connect.",
            "^([a-z][a-z0-9._-]{0,63})?$",
        )
        .pattern(
            "version",
            "Own version of the distribution, such as 1.4.0.",
            "^[A-Za-z0-9._+-]{0,64}$",
        )
        .count(
            "template",
            "Version of the rules that make main.go; the newest if left out.",
            1,
            2,
        )
        .number(
            "round",
            "How often the client was redirected here before.",
            u32::MAX,
        )
}
