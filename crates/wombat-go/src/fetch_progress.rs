//! How far the fetch of a Go release is.

use std::fmt;

use wombat_model::GoVersion;

/// Bytes of a megabyte, as downloads count them.
const MB: u64 = 1_000_000;

/// How far the fetch of a Go release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchProgress {
    /// The release.
    pub version: GoVersion,
    /// What is being done.
    pub step: FetchStep,
}

/// A step of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchStep {
    /// Another process fetches it into the same folder.
    Waiting,
    /// Its archive is being downloaded.
    Fetching {
        /// Bytes so far.
        done: u64,
        /// Bytes in all, if the proxy announced them.
        all: Option<u64>,
    },
    /// The archive is being verified and unpacked.
    Unpacking,
}

impl fmt::Display for FetchProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, step } = self;
        let megabytes = |bytes: u64| (bytes + MB / 2) / MB;
        match *step {
            FetchStep::Waiting => write!(f, "another process is fetching Go {version}"),
            FetchStep::Fetching { done: 0, all: None } => write!(f, "fetching Go {version}"),
            FetchStep::Fetching { done, all: None } => {
                write!(f, "fetching Go {version}, {} MB", megabytes(done))
            }
            FetchStep::Fetching {
                done,
                all: Some(all),
            } => {
                let (done, all) = (megabytes(done), megabytes(all));
                write!(f, "fetching Go {version}, {done} of {all} MB")
            }
            FetchStep::Unpacking => write!(f, "unpacking Go {version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_megabytes() {
        let at = |step| {
            let version = "1.26.11".parse().unwrap();
            FetchProgress { version, step }.to_string()
        };
        let (done, all) = (34_400_000, Some(69_700_000));
        assert_eq!(
            at(FetchStep::Fetching { done, all }),
            "fetching Go 1.26.11, 34 of 70 MB"
        );
        assert_eq!(
            at(FetchStep::Fetching { done, all: None }),
            "fetching Go 1.26.11, 34 MB"
        );
        let (done, all) = (0, None);
        assert_eq!(at(FetchStep::Fetching { done, all }), "fetching Go 1.26.11");
    }
}
