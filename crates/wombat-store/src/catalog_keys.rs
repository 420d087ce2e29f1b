//! Keys of the `catalog` bucket that name a module and a version.

use wombat_model::{ImportPath, ModulePath, ModuleVersion};

/// The key of a release.
pub(crate) fn release_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("release", module, version)
}

/// The key of an import.
pub(crate) fn import_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("import", module, version)
}

/// The key of an import's request. Builders may not write such keys.
pub(crate) fn asked_import_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("asked", module, version)
}

/// The key of an import's plan.
pub(crate) fn import_plan_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("import-plan", module, version)
}

/// The key of one package of an import.
pub(crate) fn import_part_key(
    module: &ModulePath,
    version: &ModuleVersion,
    path: &ImportPath,
) -> String {
    let mut key = key_of("import-part", module, version) + ".";
    push_escaped(&mut key, path.as_str());
    key
}

/// The keys of all packages of an import.
pub(crate) fn import_part_keys(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("import-part", module, version) + ".>"
}

/// Keys of a bucket allow fewer characters than paths and versions: the others become `=` and two hex digits.
fn key_of(kind: &str, module: &ModulePath, version: &ModuleVersion) -> String {
    let mut key = format!("{kind}.");
    push_escaped(&mut key, &format!("{module}/{version}"));
    key
}

fn push_escaped(key: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_/".contains(&byte) {
            key.push(char::from(byte));
        } else {
            key.push('=');
            key.push_str(&hex::encode([byte]));
        }
    }
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
        let (module, version) = ("a.b/c".parse().unwrap(), "v1.0.0".parse().unwrap());
        let part = import_part_key(&module, &version, &"a.b/c/d".parse().unwrap());
        assert_eq!(part, "import-part.a=2eb/c/v1=2e0=2e0.a=2eb/c/d");
        let all = import_part_keys(&module, &version);
        assert_eq!(all, "import-part.a=2eb/c/v1=2e0=2e0.>");
    }
}
