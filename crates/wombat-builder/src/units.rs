//! Durations and sizes as people write them on a command line.

use std::time::Duration;

/// Reads `500ms`, `30s`, `10m` or `2h`; a bare number counts seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => {
            return Err(format!(
                "`{text}` isn't a duration; write it as 30s, 10m or 2h"
            ));
        }
    };
    scaled(number, milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`{text}` isn't a duration"))
}

/// Reads a duration of at least one second: the server keeps leases in whole seconds.
pub(crate) fn lease(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        lease if lease < Duration::from_secs(1) => Err("a lease is at least one second".to_owned()),
        lease => Ok(lease),
    }
}

/// Reads `1GiB`, `500MiB` or `4KiB`; a bare number counts bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let bytes = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return Err(format!("`{text}` isn't a size; write it as 500MiB or 4GiB")),
    };
    scaled(number, bytes).ok_or_else(|| format!("`{text}` isn't a size"))
}

fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

fn scaled(number: &str, factor: u64) -> Option<u64> {
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("4 k"), Ok(4096));
        for bad in ["", "s", "-1", "1.5h", "10y", "99999999999999999999"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
        assert!(
            size("18446744073709551615G").is_err()
                && lease("900ms").is_err()
                && lease("1s").is_ok()
        );
    }
}
