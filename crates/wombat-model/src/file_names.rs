//! What the files of a distribution are called.

use crate::{BuildKey, Distribution, DistributionName, DistributionVersion, Goos};

/// The name of a program whose distribution has none.
const DEFAULT_NAME: &str = "wombat";

impl Distribution {
    /// The name under which a client stores the binary of this build.
    pub fn download_name(&self, key: &BuildKey) -> String {
        let (platform, hash) = (key.platform(), key.hash());
        let name = self
            .name
            .as_ref()
            .map_or(DEFAULT_NAME, DistributionName::as_str);
        let version = self
            .version
            .as_ref()
            .map_or(hash.short(), DistributionVersion::as_str);
        let (goos, goarch) = (platform.goos(), platform.goarch());
        format!("{name}-{version}-{goos}-{goarch}{}", ending(goos))
    }
}

/// The file name of a program of this name, for this system.
pub fn program_name(name: Option<&DistributionName>, goos: Goos) -> String {
    let name = name.map_or(DEFAULT_NAME, DistributionName::as_str);
    format!("{name}{}", ending(goos))
}

fn ending(goos: Goos) -> &'static str {
    match goos {
        Goos::Windows => ".exe",
        Goos::Linux | Goos::Darwin | Goos::Freebsd => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_by_the_distribution() {
        let key = |platform: &str| -> BuildKey {
            format!("build.{platform}.1_26_8.{}", "ab".repeat(32))
                .parse()
                .unwrap()
        };
        let name: DistributionName = "acme-connect".parse().unwrap();
        let own = Distribution {
            name: Some(name.clone()),
            version: Some("1.4.0".parse().unwrap()),
        };
        assert_eq!(
            own.download_name(&key("windows.amd64")),
            "acme-connect-1.4.0-windows-amd64.exe"
        );
        let named = Distribution {
            version: None,
            ..own
        };
        assert_eq!(
            named.download_name(&key("linux.arm64")),
            "acme-connect-abababababab-linux-arm64"
        );
        assert_eq!(
            Distribution::default().download_name(&key("linux.arm64")),
            "wombat-abababababab-linux-arm64"
        );
        assert_eq!(program_name(Some(&name), Goos::Windows), "acme-connect.exe");
        assert_eq!(program_name(None, Goos::Linux), "wombat");
    }
}
