//! Specs for tests that don't run their builds.

use std::collections::BTreeMap;

use wombat_model::{BuildSpec, GoVersion, Package, Target};

/// A spec of one package, to be varied.
#[derive(Clone, Debug)]
pub struct SpecBuilder {
    platform: String,
    go: String,
    package: String,
}

/// A spec for linux/amd64 with one package.
pub fn a_spec() -> SpecBuilder {
    SpecBuilder {
        platform: "linux/amd64".to_owned(),
        go: "1.26.8".to_owned(),
        package: "nats".to_owned(),
    }
}

impl SpecBuilder {
    /// For another platform, as `goos/goarch`.
    #[must_use]
    pub fn platform(mut self, platform: &str) -> Self {
        platform.clone_into(&mut self.platform);
        self
    }

    /// With another Go release.
    #[must_use]
    pub fn go(mut self, go: &str) -> Self {
        go.clone_into(&mut self.go);
        self
    }

    /// With another component folder: each gives another id.
    #[must_use]
    pub fn package(mut self, package: &str) -> Self {
        package.clone_into(&mut self.package);
        self
    }

    /// The spec.
    ///
    /// # Panics
    /// Where a part is malformed.
    pub fn build(self) -> BuildSpec {
        let module = "github.com/redpanda-data/connect/v4";
        let path = format!("{module}/public/components/{}", self.package);
        let module: wombat_model::ModulePath = module.parse().expect("a module path");
        let go: GoVersion = self.go.parse().expect("a Go release");
        BuildSpec::new(
            Target::new(self.platform.parse().expect("a platform"), None).expect("a target"),
            go,
            BTreeMap::from([(
                path.parse().expect("an import path"),
                Package {
                    module: module.clone(),
                    base: false,
                },
            )]),
            BTreeMap::from([(module.clone(), "v4.105.0".parse().expect("a version"))]),
            module,
        )
        .expect("a spec")
    }
}
