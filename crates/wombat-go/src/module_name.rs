//! Names of modules in texts that come from elsewhere.

/// The text is untrusted: it must not lead out of the cache.
pub(super) fn looks_right(path: &str, version: &str) -> bool {
    let of_path = |c: char| c.is_ascii_alphanumeric() || "-._~/!".contains(c);
    let of_version = |c: char| c.is_ascii_alphanumeric() || "-.+!".contains(c);
    let element = |element: &str| !element.is_empty() && !element.starts_with('.');
    path.contains('.')
        && path.split('/').all(element)
        && path.chars().all(of_path)
        && version.starts_with('v')
        && version.chars().all(of_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_the_cache_are_refused() {
        assert!(looks_right(
            "github.com/Azure/m_a~1/v2",
            "v2.0.0-rc.1+incompatible"
        ));
        assert!(looks_right("github.com/!azure/m", "v1.2.3"));
        for (path, version) in [
            ("../a.example/m", "v1.0.0"),
            ("a.example/../m", "v1.0.0"),
            ("/a.example/m", "v1.0.0"),
            ("a.example/m", "v1.0.0/../x"),
            ("a.example/m", "latest"),
        ] {
            assert!(!looks_right(path, version), "{path} {version}");
        }
    }
}
