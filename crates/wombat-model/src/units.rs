//! Durations and sizes as people write them on a command line.

use std::time::Duration;

use bytesize::ByteSize;

/// Reads `500ms`, `30s`, `15m`, `1h` or `7d`, or several of these; a bare number counts seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let read = match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // `M` would be months, which hides a slip for minutes.
        Err(_) if text.contains('M') => None,
        Err(_) => humantime::parse_duration(text).ok(),
    };
    read.ok_or_else(|| format!("`{text}` isn't a duration; write it as 30s, 15m, 1h or 7d"))
}

/// Reads a duration of at least one second: the server keeps leases in whole seconds.
pub fn whole_seconds(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        short if short < Duration::from_secs(1) => {
            Err(format!("`{text}` is too short; one second is the least"))
        }
        duration => Ok(duration),
    }
}

/// Reads `10GiB`, `512MiB` or `4KiB`, also without the `iB`; a bare number counts bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` isn't a size; write it as 512MiB or 10GiB");
    let lower = text.trim().to_ascii_lowercase();
    // A single letter has always meant a power of two here; elsewhere it means a power of ten.
    let full = if lower.ends_with(['k', 'm', 'g', 't']) {
        format!("{lower}ib")
    } else {
        lower
    };
    let bytes = full.parse::<ByteSize>().map_err(|_| wrong())?.as_u64();
    // What is larger isn't counted by file systems, nor by NATS.
    if bytes < i64::MAX.unsigned_abs() {
        Ok(bytes)
    } else {
        Err(wrong())
    }
}

/// Reads a size of at least one mebibyte.
pub fn limit(text: &str) -> Result<u64, String> {
    match size(text)? {
        small if small < MIB => Err(format!("`{text}` is too small; 1MiB is the least")),
        size => Ok(size),
    }
}

/// Bytes of a mebibyte.
pub const MIB: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("7d"), Ok(Duration::from_hours(24 * 7)));
        for ninety_minutes in ["1h 30m", "1.5h"] {
            assert_eq!(duration(ninety_minutes), Ok(Duration::from_mins(90)));
        }
        for (text, bytes) in [
            ("2GiB", 2 << 30),
            ("512MiB", 512 << 20),
            ("4 k", 4096),
            ("512M", 512 << 20),
            ("100", 100),
            ("100B", 100),
            ("2MB", 2_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "s", "-1", "10x", "15M", "99999999999999999999"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "M", "-1", "1x", "18446744073709551615G"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
        assert!(whole_seconds("900ms").is_err() && whole_seconds("1s").is_ok());
        assert!(limit("1023KiB").is_err() && limit("1MiB").is_ok());
    }
}
