//! The part of an entry that names an object's chunks. Chunks are purged by it, so it mustn't match those of others.

/// Whether it names one group of chunks: plain tokens, and `*` only as the last one of at least three.
pub(super) fn is_one_group(nuid: &str) -> bool {
    let tokens: Vec<&str> = nuid.split('.').collect();
    let plain = |token: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !token.is_empty() && token.bytes().all(allowed)
    };
    match tokens.split_last() {
        Some((&"*", group)) => group.len() >= 2 && group.iter().all(plain),
        Some(_) | None => tokens.iter().all(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_names_the_chunks_of_all_objects() {
        for one in [
            "Ab9",
            "0198c0f7a6e9423d9b3b6a6f4d1c2e5f",
            "builder-1.x.*",
            "a.b",
        ] {
            assert!(is_one_group(one), "{one}");
        }
        for many in [
            "", ">", "*", "*.a", "a.*", "a.>", "*.*.*", "a.*.*", "a..b", "a b",
        ] {
            assert!(!is_one_group(many), "{many}");
        }
    }
}
