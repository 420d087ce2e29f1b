//! Writes `main.go`.

use std::fmt::Write as _;

use wombat_model::{BuildSpec, Distribution, DistributionVersion, ImportPath, Template};

use super::release_date::ReleaseDate;

/// The package that gives a binary its command line.
pub(super) const SERVICE: &str = "github.com/redpanda-data/benthos/v4/public/service";
/// The time zone database, for images without one.
const TIME_ZONES: &str = "time/tzdata";

/// The packages that every binary of the spec's template imports, whatever is picked, besides `context`.
pub(super) fn own_imports(spec: &BuildSpec) -> impl Iterator<Item = &'static str> {
    let zones = (spec.template() >= Template::SECOND).then_some(TIME_ZONES);
    std::iter::once(SERVICE).chain(zones)
}

/// The main package of a spec: imports every package for its side effects and starts the command line. `licence` is the
/// package with `LocateLicense`, which components under the Redpanda Community Licence call before they start; `date` is
/// that of the release.
pub fn main_file(spec: &BuildSpec, licence: Option<&ImportPath>, date: ReleaseDate) -> String {
    let mut text = "// Command binary runs pipelines with the components that were picked for it.\npackage main\n\nimport (\n\t\"context\"\n".to_owned();
    if spec.template() >= Template::SECOND {
        let _ = writeln!(text, "\t_ \"{TIME_ZONES}\"");
    }
    text.push('\n');
    for (path, blank) in imports(spec, licence) {
        let _ = writeln!(text, "\t{}\"{path}\"", if blank { "_ " } else { "" });
    }
    text.push_str(")\n\nfunc main() {\n\tservice.RunCLI(\n\t\tcontext.Background(),\n");
    text.push_str(&options(spec, date));
    if licence.is_some() {
        text.push_str(
            "\t\tservice.CLIOptOnConfigParse(func(conf *service.ParsedConfig) error {\n\
             \t\t\tlicense.LocateLicense(conf.Resources())\n\t\t\treturn nil\n\t\t}),\n",
        );
    }
    text.push_str("\t)\n}\n");
    text
}

/// Imports of modules, sorted, and whether each is for its side effects alone.
fn imports<'a>(
    spec: &'a BuildSpec,
    licence: Option<&'a ImportPath>,
) -> impl Iterator<Item = (&'a str, bool)> {
    let mut imports: Vec<(&str, bool)> = spec
        .packages()
        .keys()
        .map(|path| (path.as_str(), true))
        .collect();
    imports.retain(|(path, _)| {
        *path != SERVICE && licence.is_none_or(|licence| licence.as_str() != *path)
    });
    imports.push((SERVICE, false));
    imports.extend(licence.map(|path| (path.as_str(), false)));
    imports.sort_unstable();
    imports.into_iter()
}

/// What the command line says about itself. Names and versions have no character that a Go string must escape.
fn options(spec: &BuildSpec, date: ReleaseDate) -> String {
    let Distribution { name, version } = spec.distribution();
    let release = format!(
        "{}+wombat.{}",
        spec.graph_version(),
        spec.key().hash().short()
    );
    let version = version
        .as_ref()
        .map_or(&release[..], DistributionVersion::as_str);
    let date = if spec.template() >= Template::SECOND {
        date.to_string()
    } else {
        String::new()
    };
    let mut text = format!("\t\tservice.CLIOptSetVersion(\"{version}\", \"{date}\"),\n");
    if let Some(name) = name {
        let _ = writeln!(text, "\t\tservice.CLIOptSetBinaryName(\"{name}\"),");
        let _ = writeln!(text, "\t\tservice.CLIOptSetProductName(\"{name}\"),");
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::release_date::tests::released;
    use wombat_model::{Package, Target};

    pub(crate) const CONNECT: &str = "github.com/redpanda-data/connect/v4";
    pub(crate) const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";

    pub(crate) fn spec(packages: &[&str]) -> BuildSpec {
        let module = |path: &str| {
            if path.starts_with(CONNECT) {
                CONNECT
            } else {
                BENTHOS
            }
        };
        let version = |module: &str| {
            if module == CONNECT {
                "v4.105.0"
            } else {
                "v4.77.0"
            }
        };
        BuildSpec::new(
            Target::new("linux/amd64".parse().unwrap(), None).unwrap(),
            "1.26.8".parse().unwrap(),
            packages
                .iter()
                .map(|path| {
                    (
                        path.parse().unwrap(),
                        Package {
                            module: module(path).parse().unwrap(),
                            base: module(path) == BENTHOS,
                        },
                    )
                })
                .collect(),
            packages
                .iter()
                .map(|path| {
                    (
                        module(path).parse().unwrap(),
                        version(module(path)).parse().unwrap(),
                    )
                })
                .collect(),
            packages
                .iter()
                .map(|path| module(path))
                .max()
                .unwrap()
                .parse()
                .unwrap(),
        )
        .unwrap()
    }

    fn known() -> BuildSpec {
        spec(&[
            &format!("{CONNECT}/public/components/nats"),
            &format!("{BENTHOS}/public/components/pure"),
            &format!("{BENTHOS}/public/components/io"),
        ])
    }

    const IMPORTS: &str = "\t_ \"github.com/redpanda-data/benthos/v4/public/components/io\"\n\
        \t_ \"github.com/redpanda-data/benthos/v4/public/components/pure\"\n\
        \t\"github.com/redpanda-data/benthos/v4/public/service\"\n\
        \t_ \"github.com/redpanda-data/connect/v4/public/components/nats\"\n)\n\n";
    const HEAD: &str = "// Command binary runs pipelines with the components that were picked for it.\npackage main\n\n";
    const MAIN: &str = "func main() {\n\tservice.RunCLI(\n\t\tcontext.Background(),\n";

    /// Builds of v0.1.0 are built again with the same bytes.
    #[test]
    fn the_first_template_stays_what_it_is() {
        let first = known().with_template(Template::FIRST).unwrap();
        let date = released("2026-08-13T17:29:42Z");
        assert_eq!(
            main_file(&first, None, date),
            format!(
                "{HEAD}import (\n\t\"context\"\n\n{IMPORTS}{MAIN}\
                 \t\tservice.CLIOptSetVersion(\"v4.105.0+wombat.a76d2a6549fc\", \"\"),\n\t)\n}}\n"
            )
        );
        assert_eq!(own_imports(&first).collect::<Vec<_>>(), [SERVICE]);
    }

    #[test]
    fn the_second_template_has_time_zones_and_the_release_s_date() {
        let date = released("2026-08-13T17:29:42Z");
        assert_eq!(
            main_file(&known(), None, date),
            format!(
                "{HEAD}import (\n\t\"context\"\n\t_ \"time/tzdata\"\n\n{IMPORTS}{MAIN}\
                 \t\tservice.CLIOptSetVersion(\"v4.105.0+wombat.3fa6086a643d\", \"2026-08-13T17:29:42Z\"),\n\t)\n}}\n"
            )
        );
        let own: Vec<_> = own_imports(&known()).collect();
        assert_eq!(own, [SERVICE, TIME_ZONES]);
    }

    #[test]
    fn a_distribution_says_its_own_name_and_version() {
        let own = Distribution {
            name: Some("acme-connect".parse().unwrap()),
            version: Some("1.4.0".parse().unwrap()),
        };
        let of = |distribution| {
            let spec = known().with_distribution(distribution).unwrap();
            main_file(&spec, None, released("2026-08-13T17:29:42Z"))
        };
        let both = of(own.clone());
        assert!(
            both.ends_with(&format!(
                "{MAIN}\t\tservice.CLIOptSetVersion(\"1.4.0\", \"2026-08-13T17:29:42Z\"),\n\
                 \t\tservice.CLIOptSetBinaryName(\"acme-connect\"),\n\
                 \t\tservice.CLIOptSetProductName(\"acme-connect\"),\n\t)\n}}\n"
            )),
            "{both}"
        );
        let named = of(Distribution {
            version: None,
            ..own.clone()
        });
        assert!(named.contains("SetVersion(\"v4.105.0+wombat."), "{named}");
        let versioned = of(Distribution { name: None, ..own });
        assert!(!versioned.contains("SetBinaryName"), "{versioned}");
    }

    #[test]
    fn the_licence_hook_is_there_when_asked_for() {
        let licence: ImportPath = format!("{CONNECT}/public/license").parse().unwrap();
        let text = main_file(
            &spec(&[&format!("{CONNECT}/public/components/kafka")]),
            Some(&licence),
            ReleaseDate::UNKNOWN,
        );
        assert!(
            text.contains("\n\t\"github.com/redpanda-data/connect/v4/public/license\"\n"),
            "{text}"
        );
        assert!(
            text.contains("license.LocateLicense(conf.Resources())"),
            "{text}"
        );
        assert!(text.contains("\"unknown\"),\n"), "{text}");
    }
}
