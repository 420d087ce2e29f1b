//! What a binary runs on: operating system, architecture, and the architecture's variant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// The text is not one of the supported names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {what}; choose one of {choices}")]
pub struct ParsePlatformError {
    given: String,
    what: &'static str,
    choices: String,
}

/// Declares a fieldless enum whose spelling is Go's, with `ALL`, `FromStr` and `Display`.
macro_rules! go_names {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
            strum::Display, strum::EnumString, strum::IntoStaticStr, VariantArray,
        )]
        #[schemars(inline)]
        #[strum(parse_err_ty = ParsePlatformError, parse_err_fn = Self::unknown)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] #[serde(rename = $text)] #[strum(serialize = $text)] $variant),+
        }

        impl $name {
            /// All of them, in the order in which they are offered.
            pub const ALL: &[Self] = Self::VARIANTS;

            /// Go's spelling.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            fn unknown(text: &str) -> ParsePlatformError {
                ParsePlatformError {
                    given: text.to_owned(),
                    what: $what,
                    choices: [$($text),+].join(", "),
                }
            }
        }
    };
}

go_names! {
    /// An operating system, spelled as `GOOS`.
    Goos, "a supported operating system (goos)", {
        Linux = "linux", Darwin = "darwin", Windows = "windows", Freebsd = "freebsd",
    }
}

go_names! {
    /// An architecture, spelled as `GOARCH`.
    Goarch, "a supported architecture (goarch)", {
        Amd64 = "amd64", Arm64 = "arm64", Arm = "arm", I386 = "386", Riscv64 = "riscv64", Ppc64le = "ppc64le", S390x = "s390x",
    }
}

go_names! {
    /// A level of an architecture, spelled as Go's `GOAMD64`, `GOARM`, … take it; `none` where Go has none.
    Variant, "a variant", {
        V1 = "v1", V2 = "v2", V3 = "v3", V4 = "v4", V6 = "v6", V7 = "v7",
        V8 = "v8.0", V9 = "v9.0", Sse2 = "sse2", Softfloat = "softfloat",
        Power8 = "power8", Power9 = "power9", Rva20 = "rva20u64", Rva22 = "rva22u64", None = "none",
    }
}

impl Goarch {
    /// Go's default first, then the other supported variants.
    pub const fn variants(self) -> &'static [Variant] {
        match self {
            Self::Amd64 => &[Variant::V1, Variant::V2, Variant::V3, Variant::V4],
            Self::Arm64 => &[Variant::V8, Variant::V9],
            Self::Arm => &[Variant::V7, Variant::V6],
            Self::I386 => &[Variant::Sse2, Variant::Softfloat],
            Self::Riscv64 => &[Variant::Rva20, Variant::Rva22],
            Self::Ppc64le => &[Variant::Power8, Variant::Power9],
            Self::S390x => &[Variant::None],
        }
    }

    /// The environment variable that sets the variant for `go`, if the architecture has one.
    pub const fn variant_variable(self) -> Option<&'static str> {
        match self {
            Self::Amd64 => Some("GOAMD64"),
            Self::Arm64 => Some("GOARM64"),
            Self::Arm => Some("GOARM"),
            Self::I386 => Some("GO386"),
            Self::Riscv64 => Some("GORISCV64"),
            Self::Ppc64le => Some("GOPPC64"),
            Self::S390x => None,
        }
    }
}

/// A supported pair of operating system and architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform {
    goos: Goos,
    goarch: Goarch,
}

/// `goos/goarch` of this machine, which need not be a supported platform.
pub fn this_machine() -> String {
    let goos = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let goarch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    format!("{goos}/{goarch}")
}

impl Platform {
    /// Every supported pair, in the order in which they are offered.
    pub const ALL: &[Self] = &[
        Self {
            goos: Goos::Linux,
            goarch: Goarch::Amd64,
        },
        Self {
            goos: Goos::Linux,
            goarch: Goarch::Arm64,
        },
        Self {
            goos: Goos::Linux,
            goarch: Goarch::Arm,
        },
        Self {
            goos: Goos::Linux,
            goarch: Goarch::I386,
        },
        Self {
            goos: Goos::Linux,
            goarch: Goarch::Riscv64,
        },
        Self {
            goos: Goos::Linux,
            goarch: Goarch::Ppc64le,
        },
        Self {
            goos: Goos::Linux,
            goarch: Goarch::S390x,
        },
        Self {
            goos: Goos::Darwin,
            goarch: Goarch::Amd64,
        },
        Self {
            goos: Goos::Darwin,
            goarch: Goarch::Arm64,
        },
        Self {
            goos: Goos::Windows,
            goarch: Goarch::Amd64,
        },
        Self {
            goos: Goos::Windows,
            goarch: Goarch::Arm64,
        },
        Self {
            goos: Goos::Freebsd,
            goarch: Goarch::Amd64,
        },
        Self {
            goos: Goos::Freebsd,
            goarch: Goarch::Arm64,
        },
    ];

    /// The pair, if it is supported.
    pub fn new(goos: Goos, goarch: Goarch) -> Result<Self, ParsePlatformError> {
        let pair = Self { goos, goarch };
        if Self::ALL.contains(&pair) {
            return Ok(pair);
        }
        let partners: Vec<&str> = Self::ALL
            .iter()
            .filter(|p| p.goos == goos)
            .map(|p| p.goarch.as_str())
            .collect();
        Err(ParsePlatformError {
            given: format!("{goos}/{goarch}"),
            what: "a supported platform",
            choices: format!("{goos}/{{{}}}", partners.join(",")),
        })
    }

    /// The operating system.
    pub const fn goos(self) -> Goos {
        self.goos
    }

    /// The architecture.
    pub const fn goarch(self) -> Goarch {
        self.goarch
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.goos, self.goarch)
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (goos, goarch) = text.split_once('/').ok_or_else(|| ParsePlatformError {
            given: text.to_owned(),
            what: "a platform",
            choices: Self::ALL
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        Self::new(goos.parse()?, goarch.parse()?)
    }
}

impl TryFrom<String> for Platform {
    type Error = ParsePlatformError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.to_string()
    }
}

impl schemars::JsonSchema for Platform {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Platform".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// A platform and the variant of its architecture, which decide the machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    platform: Platform,
    variant: Variant,
}

impl Target {
    /// The platform with this variant; `None`: Go's default.
    pub fn new(platform: Platform, variant: Option<Variant>) -> Result<Self, ParsePlatformError> {
        let offered = platform.goarch.variants();
        let variant = variant.unwrap_or(offered[0]);
        if offered.contains(&variant) {
            return Ok(Self { platform, variant });
        }
        let choices: Vec<&str> = offered.iter().map(|v| v.as_str()).collect();
        Err(ParsePlatformError {
            given: variant.to_string(),
            what: "a variant of this architecture",
            choices: choices.join(", "),
        })
    }

    /// Operating system and architecture.
    pub const fn platform(self) -> Platform {
        self.platform
    }

    /// The level of the architecture.
    pub const fn variant(self) -> Variant {
        self.variant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_choices_for_an_unknown_name() {
        let error = "plan9".parse::<Goos>().unwrap_err().to_string();
        assert!(
            error.contains("`plan9`") && error.contains("linux, darwin, windows, freebsd"),
            "{error}"
        );
        assert!("Linux".parse::<Goos>().is_err());
    }

    #[test]
    fn refuses_impossible_pairs_and_names_the_possible() {
        let error = Platform::new(Goos::Windows, Goarch::S390x)
            .unwrap_err()
            .to_string();
        assert!(error.contains("windows/{amd64,arm64}"), "{error}");
        for platform in Platform::ALL {
            assert_eq!(platform.to_string().parse(), Ok(*platform));
        }
    }

    #[test]
    fn the_first_variant_is_gos_default() {
        let default = |text: &str| Target::new(text.parse().unwrap(), None).unwrap().variant();
        assert_eq!(default("linux/amd64"), Variant::V1);
        assert_eq!(default("linux/arm"), Variant::V7);
        assert!(Target::new("linux/amd64".parse().unwrap(), Some(Variant::V7)).is_err());
    }
}
