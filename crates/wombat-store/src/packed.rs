//! Large values as compressed JSON. The frame has a checksum of its content.

use std::io::{Read as _, Write as _};

use serde::{Serialize, de::DeserializeOwned, ser::Error as _};

/// zstd level: values are small, and written seldom.
const EFFORT: i32 = 9;
/// Largest content that is read, in bytes: a message must not fill the memory.
const LARGEST: u64 = 32 << 20;

pub(crate) fn write(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_vec(value)?;
    let packed = || -> std::io::Result<Vec<u8>> {
        let mut encoder = zstd::Encoder::new(Vec::new(), EFFORT)?;
        encoder.include_checksum(true)?;
        encoder.write_all(&text)?;
        encoder.finish()
    };
    packed().map_err(serde_json::Error::custom)
}

pub(crate) fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    let mut text = Vec::new();
    let decoder = zstd::Decoder::new(payload).map_err(|error| error.to_string())?;
    let mut decoder = decoder.take(LARGEST);
    let unpacked = decoder.read_to_end(&mut text);
    unpacked.map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let value = vec!["some text"; 100];
        let whole = write(&value).unwrap();
        assert!(whole.len() < 100, "{}", whole.len());
        assert_eq!(read::<Vec<String>>(&whole).unwrap(), value);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            let read = read::<Vec<String>>(&damaged);
            assert!(read.is_err() || read.unwrap() == value, "byte {at}");
        }
        assert!(read::<Vec<String>>(&whole[..whole.len() / 2]).is_err());
        assert!(read::<Vec<String>>(b"").is_err());
        assert!(read::<Vec<String>>(b"[]").is_err());
    }
}
