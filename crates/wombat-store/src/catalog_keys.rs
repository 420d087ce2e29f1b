//! Keys of the `catalog` bucket that name a module and a version.

use wombat_model::{ModulePath, ModuleVersion};

/// The key of a release.
pub(crate) fn release_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("release", module, version)
}

/// The key of an import.
pub(crate) fn import_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("import", module, version)
}

/// Keys of a bucket allow fewer characters than paths and versions: the others become `=` and two hex digits.
fn key_of(kind: &str, module: &ModulePath, version: &ModuleVersion) -> String {
    let mut key = format!("{kind}.");
    for byte in module
        .as_str()
        .bytes()
        .chain([b'/'])
        .chain(version.as_str().bytes())
    {
        if byte.is_ascii_alphanumeric() || b"-_/".contains(&byte) {
            key.push(char::from(byte));
        } else {
            key.push('=');
            key.push_str(&hex::encode([byte]));
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_valid_and_tell_releases_apart() {
        let key = key_of(
            "release",
            &"a.b/c~d".parse().unwrap(),
            &"v2.0.0+incompatible".parse().unwrap(),
        );
        assert_eq!(key, "release.a=2eb/c=7ed/v2=2e0=2e0=2bincompatible");
    }
}
