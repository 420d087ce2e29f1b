//! The date that binaries print: when the release was made that gives the module graph.
//!
//! It is the time in the release's `.info`, which Go stores beside the module: that of its commit. It never comes from a
//! clock, so that every builder makes the same bytes, today and later.

use std::{fmt, path::Path};

use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use wombat_model::{BuildSpec, Failure, FailureClass, Template};

use super::{
    error::BuildError,
    go::Go,
    graph,
    module_cache::{CachedModule, ModuleCache},
    size_limit::{FileError, INFO, TooLarge},
};

/// When a release was made. `None`: its proxy doesn't say, or its template prints no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseDate(Option<OffsetDateTime>);

/// The part of a module's `.info` that is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModuleInfo {
    #[serde(default, with = "time::serde::rfc3339::option")]
    time: Option<OffsetDateTime>,
}

impl ReleaseDate {
    /// No date.
    pub const UNKNOWN: Self = Self(None);

    /// The date of the spec's release, from the module cache, or from the proxy if the cache lacks it.
    pub(super) async fn of(go: &Go<'_>, spec: &BuildSpec) -> Result<Self, BuildError> {
        if spec.template() < Template::SECOND {
            return Ok(Self::UNKNOWN);
        }
        let (module, version) = (spec.graph(), spec.graph_version());
        let cached = CachedModule::new(module, version);
        let file = ModuleCache(&go.settings.module_cache).file(&cached, "info");
        let read = async || {
            let read = Self::read(&file).await;
            read.map_err(|error| error.of(format_args!("{module} {version}")))
        };
        if let Some(date) = read().await? {
            return Ok(date);
        }
        // Go replaces a file that it can't read.
        graph::fetch_base(go, spec).await?;
        read().await?.ok_or_else(|| {
            let message = format!("The date of {module} {version} can't be read.");
            Failure::new(FailureClass::Infra, message).into()
        })
    }

    /// `None`: the file is missing or damaged. What a crash leaves of it is no JSON.
    async fn read(file: &Path) -> Result<Option<Self>, TooLarge> {
        match INFO.read_text_of(file).await {
            Ok(text) => Ok(Self::parse(text.as_bytes())),
            Err(FileError::Io(_)) => Ok(None),
            Err(FileError::TooLarge(error)) => Err(error),
        }
    }

    fn parse(info: &[u8]) -> Option<Self> {
        let ModuleInfo { time } = serde_json::from_slice(info).ok()?;
        // Go writes the year 1 for no time.
        Some(Self(time.filter(|time| time.year() > 1)))
    }
}

/// As Go writes a time: in UTC, to the second.
impl fmt::Display for ReleaseDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.and_then(|time| time.replace_nanosecond(0).ok());
        let text = whole.and_then(|time| time.to_offset(UtcOffset::UTC).format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("unknown"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn released(time: &str) -> ReleaseDate {
        ReleaseDate::parse(format!(r#"{{"Version":"v1.0.0","Time":"{time}"}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn the_date_is_that_of_the_release() {
        for (time, date) in [
            ("2026-08-13T17:29:42Z", "2026-08-13T17:29:42Z"),
            ("2026-08-13T19:29:42.123+02:00", "2026-08-13T17:29:42Z"),
            ("0001-01-01T00:00:00Z", "unknown"),
        ] {
            assert_eq!(released(time).to_string(), date);
        }
        let without = ReleaseDate::parse(br#"{"Version":"v1.0.0","Origin":{}}"#);
        assert_eq!(without, Some(ReleaseDate::UNKNOWN));
    }

    #[tokio::test]
    async fn a_file_that_a_crash_left_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("v1.0.0.info");
        assert_eq!(ReleaseDate::read(&file).await, Ok(None));
        let whole = r#"{"Version":"v1.0.0","Time":"2026-08-13T17:29:42Z"}"#;
        for damaged in ["", &whole[..30], "\0\0\0\0", r#"{"Time":"\")//"}"#] {
            tokio::fs::write(&file, damaged).await.unwrap();
            assert_eq!(ReleaseDate::read(&file).await, Ok(None), "{damaged:?}");
        }
        tokio::fs::write(&file, whole).await.unwrap();
        assert!(ReleaseDate::read(&file).await.unwrap().is_some());
        tokio::fs::write(&file, " ".repeat(70_000)).await.unwrap();
        assert!(ReleaseDate::read(&file).await.is_err());
    }
}
