//! The token file: a line for each token, with its name, its role and the SHA-256 of its secret. Secrets aren't stored.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::SystemTime,
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tracing::{info, warn};

use super::role::Role;

/// Prefix of every secret, by which people and secret scanners recognize one.
const PREFIX: &str = "wbt_";
/// Longest name of a token, in bytes.
const MAX_NAME: usize = 64;
/// Most tokens in a file.
const MAX_TOKENS: usize = 1000;

/// A new secret, shown once.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Makes one: 244 random bits.
    pub fn generate() -> Self {
        let random =
            [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|half| half.simple().to_string());
        Self(format!("{PREFIX}{}", random.concat()))
    }

    /// The text that goes into `Authorization: Bearer …`.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A line of the token file: a token's name, its role and the digest of its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    name: String,
    role: Role,
    digest: [u8; 32],
}

/// A line of the token file can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write `NAME ROLE SHA-256`, as `wombat token new` prints it: {0}")]
pub struct ParseTokenError(&'static str);

impl TokenEntry {
    /// The entry of a secret.
    pub fn new(name: &str, role: Role, secret: &Secret) -> Result<Self, ParseTokenError> {
        Ok(Self {
            name: checked_name(name)?,
            role,
            digest: Sha256::digest(secret.reveal()).into(),
        })
    }
}

fn checked_name(name: &str) -> Result<String, ParseTokenError> {
    let fits = (1..=MAX_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
    if fits {
        Ok(name.to_owned())
    } else {
        Err(ParseTokenError(
            "a name has up to 64 letters, digits and `-`, `_`, `.`, `@`",
        ))
    }
}

impl FromStr for TokenEntry {
    type Err = ParseTokenError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, role, digest] = words[..] else {
            return Err(ParseTokenError("a line has exactly three words"));
        };
        let role = role
            .parse()
            .map_err(|_| ParseTokenError("a role is `reader`, `operator` or `admin`"))?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digest, &mut bytes)
            .map_err(|_| ParseTokenError("the SHA-256 has 64 hexadecimal digits"))?;
        Ok(Self {
            name: checked_name(name)?,
            role,
            digest: bytes,
        })
    }
}

impl fmt::Display for TokenEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.name,
            self.role,
            hex::encode(self.digest)
        )
    }
}

/// All tokens of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tokens(Vec<TokenEntry>);

/// The token file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It can't be read.
    #[error("can't read the token file {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// One of its lines can't be understood.
    #[error("line {line} of {path}: {error}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: ParseTokenError,
    },
}

impl Tokens {
    fn read(path: &Path) -> Result<Self, TokenFileError> {
        let text = fs::read_to_string(path).map_err(|error| TokenFileError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let mut all: Vec<TokenEntry> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = |error| TokenFileError::Malformed {
                path: path.to_owned(),
                line: number + 1,
                error,
            };
            let entry: TokenEntry = line.parse().map_err(malformed)?;
            if all.iter().any(|other| other.name == entry.name) {
                return Err(malformed(ParseTokenError("another token has this name")));
            }
            if all.len() == MAX_TOKENS {
                return Err(malformed(ParseTokenError(
                    "a token file has at most 1000 tokens",
                )));
            }
            all.push(entry);
        }
        Ok(Self(all))
    }

    /// The token with this secret. Compares with all of them, so that the time it takes tells nothing.
    fn find(&self, secret: &str) -> Option<&TokenEntry> {
        let digest: [u8; 32] = Sha256::digest(secret).into();
        self.0.iter().fold(None, |found, entry| {
            let same = bool::from(entry.digest.ct_eq(&digest));
            if same { Some(entry) } else { found }
        })
    }
}

/// The token file. It is read again whenever it changes, so that a token that is removed from it stops working at once.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    known: Mutex<(Option<TokenFileStamp>, Tokens)>,
}

/// Time of the last change and length: another stamp means that the file changed.
type TokenFileStamp = (SystemTime, u64);

impl TokenFile {
    /// Reads the file. Blocks.
    pub fn open(path: &Path) -> Result<Self, TokenFileError> {
        let stamp = stamp(path);
        let tokens = Tokens::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            known: Mutex::new((stamp, tokens)),
        })
    }

    /// Name and role of the token with this secret. Blocks.
    pub(super) fn find(&self, secret: &str) -> Option<(String, Role)> {
        let mut known = self.known.lock();
        let now = stamp(&self.path);
        if now != known.0 {
            match Tokens::read(&self.path) {
                Ok(tokens) => {
                    info!(path = %self.path.display(), tokens = tokens.0.len(), "reloaded the tokens");
                    *known = (now, tokens);
                }
                // An editor may be in the middle of writing it. The tokens before stay valid until it can be read.
                Err(error) => warn!(%error, "can't reload the token file; old tokens stay valid"),
            }
        }
        let entry = known.1.find(secret)?;
        Some((entry.name.clone(), entry.role))
    }
}

fn stamp(path: &Path) -> Option<TokenFileStamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_secret_until_its_line_goes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (ours, other) = (Secret::generate(), Secret::generate());
        let entry = TokenEntry::new("ci", Role::Operator, &ours).unwrap();
        assert_eq!(entry.to_string().parse(), Ok(entry.clone()));
        fs::write(file.path(), format!("# for machines\n\n{entry}\n")).unwrap();
        let tokens = TokenFile::open(file.path()).unwrap();
        let found = tokens.find(ours.reveal());
        assert_eq!(found, Some(("ci".to_owned(), Role::Operator)));
        assert_eq!(tokens.find(other.reveal()), None);
        assert_eq!(tokens.find(""), None);
        fs::write(file.path(), "# none\n").unwrap();
        assert_eq!(tokens.find(ours.reveal()), None);
        // Half a line neither adds a token nor removes one.
        fs::write(file.path(), format!("{entry}\n")).unwrap();
        assert!(tokens.find(ours.reveal()).is_some());
        fs::write(file.path(), &entry.to_string()[..20]).unwrap();
        assert!(tokens.find(ours.reveal()).is_some());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let digest = "ab".repeat(32);
        for (text, words) in [
            ("x", "line 1 of "),
            ("# c\nci owner 00", "a role is"),
            ("ci admin 00", "64 hexadecimal digits"),
            (&format!("a/b admin {digest}"), "a name has"),
            (
                &format!("a admin {digest}\na reader {digest}"),
                "another token has this name",
            ),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), text).unwrap();
            let error = TokenFile::open(file.path()).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret::generate();
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_eq!(secret.reveal().len(), PREFIX.len() + 64);
        let entry = TokenEntry::new("a", Role::Admin, &secret).unwrap();
        assert!(!entry.to_string().contains(secret.reveal()));
    }
}
