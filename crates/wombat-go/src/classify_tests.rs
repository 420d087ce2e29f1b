//! Real messages of `go`, and their classes.

use super::*;

/// Real messages of Go 1.26.8, the host replaced.
const MESSAGES: &[(&str, FailureClass, &str)] = &[
    (
        "unzip /m/cache/download/example.com/m/@v/v1.0.0.zip: total uncompressed size of module contents too large (max size is 524288000 bytes)",
        FailureClass::Input,
        "The archive of example.com/m v1.0.0 can't be unpacked: total uncompressed size",
    ),
    (
        "unzip /m/cache/download/example.com/m/@v/v1.0.0.zip: example.com/m@v1.0.0/LICENSE: LICENSE file too large (max size is 16777216 bytes)",
        FailureClass::Input,
        "can't be unpacked: example.com/m@v1.0.0/LICENSE: LICENSE file too large",
    ),
    (
        "unzip /m/cache/download/example.com/m/@v/v1.0.0.zip: example.com/m@v1.0.0/p/P.go: case-insensitive file name collision: \"p/p.go\" and \"p/P.go\"\nexample.com/m@v1.0.0/../evil: malformed file path \"../evil\": invalid path element \"..\"",
        FailureClass::Input,
        "case-insensitive file name collision: \"p/p.go\" and \"p/P.go\" example.com/m@v1.0.0/../evil: malformed",
    ),
    (
        "unzip /m/cache/download/example.com/m/@v/v1.0.0.zip: write /m/example.com/m@v1.0.0/file: no space left on device",
        FailureClass::Infra,
        "disk is full",
    ),
    (
        "example.com/m@v1.0.0: reading https://proxy.example/example.com/m/@v/v1.0.0.info: 404 Not Found",
        FailureClass::Input,
        "doesn't have example.com/m v1.0.0",
    ),
    (
        "example.com/m@v1.0.0: reading https://proxy.example/example.com/m/@v/v1.0.0.zip: 410 Gone",
        FailureClass::Input,
        "doesn't have example.com/m v1.0.0",
    ),
    (
        "github.com/redpanda-data/connect/v4@v4.106.0: reading https://proxy.example/github.com/redpanda-data/connect/v4/@v/v4.106.0.info: 403 Forbidden\n\tserver response: This module version is not available.",
        FailureClass::Input,
        "refuses github.com/redpanda-data/connect/v4 v4.106.0. It says: This module version is not available.",
    ),
    (
        "example.com/m@v1.0.0: reading https://proxy.example/example.com/m/@v/v1.0.0.info: 429 Too Many Requests",
        FailureClass::Infra,
        "proxy",
    ),
    (
        "example.com/m@v1.0.0: reading https://proxy.example/example.com/m/@v/v1.0.0.info: 500 Internal Server Error",
        FailureClass::Infra,
        "proxy",
    ),
    (
        "main.go:2:8: example.com/m@v1.0.0: reading https://proxy.example/example.com/m/@v/v1.0.0.zip: 503 Service Unavailable",
        FailureClass::Infra,
        "proxy",
    ),
    (
        "example.com/m@v1.0.0: read \"https://proxy.example/example.com/m/@v/v1.0.0.zip\": unexpected EOF",
        FailureClass::Infra,
        "proxy",
    ),
    ("zip: not a valid zip file", FailureClass::Infra, "proxy"),
    (
        "example.com/m@v1.0.0: Get \"http://127.0.0.1:1/example.com/m/@v/v1.0.0.zip\": dial tcp 127.0.0.1:1: connect: connection refused",
        FailureClass::Infra,
        "proxy",
    ),
    (
        "example.com/m@v1.0.0: Get \"http://proxy.example/example.com/m/@v/v1.0.0.zip\": dial tcp: lookup proxy.example on 10.0.0.53:53: no such host",
        FailureClass::Infra,
        "proxy",
    ),
    (
        "github.com/wombatwisdom/wombat@v1.0.6: verifying go.mod: github.com/wombatwisdom/wombat@v1.0.6/go.mod: reading https://proxy.example/sumdb/sums.example/lookup/github.com/wombatwisdom/wombat@v1.0.6: 404 Not Found",
        FailureClass::Input,
        "checksum database doesn't know github.com/wombatwisdom/wombat v1.0.6",
    ),
    (
        "verifying example.com/m@v1.0.0: checksum mismatch\n\tdownloaded: h1:a=\n\tgo.sum:     h1:b=\n\nSECURITY ERROR\nThis download does NOT match an earlier download recorded in go.sum.",
        FailureClass::Input,
        "Security: example.com/m v1.0.0",
    ),
    (
        "module example.com/m@v1.0.0 requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)",
        FailureClass::Input,
        "newer Go",
    ),
    (
        "module github.com/a/b@latest found (v1.0.0), but does not contain package github.com/a/b/x",
        FailureClass::Input,
        "can't be imported",
    ),
    (
        "no required module provides package example.com/m/x; to add it:\n\tgo get example.com/m/x",
        FailureClass::Input,
        "can't be imported",
    ),
    (
        "example.com/m@v1.0.0: parsing go.mod:\n\tmodule declares its path as: example.com/other\n\t        but was required as: example.com/m",
        FailureClass::Input,
        "can't be imported",
    ),
    (
        "build constraints exclude all Go files in /m/example.com/m@v1.0.0/x",
        FailureClass::Input,
        "no file for this target",
    ),
    (
        "go: download go1.99.0 for linux/amd64: toolchain not available\nreading https://proxy.example/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip: 404 Not Found",
        FailureClass::Input,
        "Go release",
    ),
    (
        "go: writing stat cache: write /c/x: no space left on device",
        FailureClass::Infra,
        "disk is full",
    ),
    (
        "go build x: /usr/local/go/pkg/tool/linux_amd64/compile: signal: killed",
        FailureClass::Resource,
        "memory",
    ),
    (
        "bad/b.go:2:9: syntax error: unexpected {, expected )",
        FailureClass::Compile,
        "doesn't compile",
    ),
    (
        "main.go:5:2: no required module provides package example.com/certificate/x509; to add it:\n\tgo get example.com/certificate/x509",
        FailureClass::Input,
        "can't be imported",
    ),
    (
        "main.go:5:2: module example.com/certificate@v1.0.0 found, but does not contain package example.com/certificate/tls",
        FailureClass::Input,
        "can't be imported",
    ),
    (
        "main.go:5:2: package certificate is not in std (/usr/local/go/src/certificate)",
        FailureClass::Input,
        "can't be imported",
    ),
    (
        "example.com/m@v1.0.0: reading https://proxy.example/example.com/m/@v/v1.0.0.info: 404 Not Found\n\tserver response: not found: upstream gave 500 Internal Server Error, bad certificate",
        FailureClass::Input,
        "doesn't have example.com/m v1.0.0",
    ),
    (
        "example.com/m@v1.0.0: reading https://proxy.example/example.com/m/@v/v1.0.0.info: 404 Not Found\n\tserver response:\n\tnot found: exit status 128:\n\tfatal: dial tcp: i/o timeout",
        FailureClass::Input,
        "doesn't have example.com/m v1.0.0",
    ),
    (
        "example.com/m@v1.0.0: Get \"https://proxy.example/example.com/m/@v/v1.0.0.info\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        FailureClass::Infra,
        "proxy",
    ),
    (
        "example.com/m@v1.0.0: Get \"https://proxy.example/example.com/m/@v/v1.0.0.zip\": dial tcp 10.0.0.1:443: i/o timeout",
        FailureClass::Infra,
        "proxy",
    ),
    (
        "go: something that nobody has seen before",
        FailureClass::Internal,
        "something that nobody",
    ),
];

#[test]
fn knows_whose_fault_it_is() {
    for (text, class, words) in MESSAGES {
        let failure = fetching(text);
        assert_eq!(failure.class, *class, "{text}\n{failure:?}");
        assert!(
            failure.message.contains(words),
            "{text}\n{}",
            failure.message
        );
    }
}

/// The first rule that matches a message decides.
#[test]
fn rules_have_an_order() {
    let fitting = [
        ("write x: no space left on device", "disk is full"),
        ("verifying: checksum mismatch", "Security"),
        ("dial: connection refused", "module proxy failed"),
        ("unknown revision v1", "doesn't have"),
        ("cannot find package x", "can't be imported"),
    ];
    for (at, (first, words)) in fitting.iter().enumerate() {
        for (other, _) in &fitting[at..] {
            let message = fetching(&format!("{other}\n{first}")).message;
            assert!(message.contains(words), "{other}, {first}: {message}");
        }
    }
}

#[test]
fn says_nothing_of_the_proxys_address() {
    for (text, ..) in MESSAGES {
        let message = fetching(text).message;
        assert!(
            !message.contains("://") && !message.contains("https"),
            "{message}"
        );
    }
    assert_eq!(
        excerpt("Get \"https://user:secret@proxy.example/a/b\": EOF"),
        "Get \"proxy:/a/b\": EOF"
    );
}
