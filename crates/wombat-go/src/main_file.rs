//! Writes `main.go`.

use std::fmt::Write as _;

use wombat_model::{BuildSpec, ImportPath};

/// The package that gives a binary its command line.
pub(super) const SERVICE: &str = "github.com/redpanda-data/benthos/v4/public/service";

/// The main package of a spec: imports every package for its side effects and starts the command line. `licence` is the
/// package with `LocateLicense`, which components under the Redpanda Community Licence call before they start.
pub fn main_file(spec: &BuildSpec, licence: Option<&ImportPath>) -> String {
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

    let mut text = "// Command binary runs pipelines with the components that were picked for it.\npackage main\n\nimport (\n\t\"context\"\n\n".to_owned();
    for (path, blank) in imports {
        let _ = writeln!(text, "\t{}\"{path}\"", if blank { "_ " } else { "" });
    }
    let version = format!(
        "{}+wombat.{}",
        spec.graph_version(),
        spec.key().hash().short()
    );
    text.push_str(")\n\nfunc main() {\n\tservice.RunCLI(\n\t\tcontext.Background(),\n");
    let _ = writeln!(text, "\t\tservice.CLIOptSetVersion(\"{version}\", \"\"),");
    if licence.is_some() {
        text.push_str(
            "\t\tservice.CLIOptOnConfigParse(func(conf *service.ParsedConfig) error {\n\
             \t\t\tlicense.LocateLicense(conf.Resources())\n\t\t\treturn nil\n\t\t}),\n",
        );
    }
    text.push_str("\t)\n}\n");
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
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

    #[test]
    fn imports_are_sorted_and_the_version_names_the_build() {
        let nats = format!("{CONNECT}/public/components/nats");
        let pure = format!("{BENTHOS}/public/components/pure");
        let io = format!("{BENTHOS}/public/components/io");
        let spec = spec(&[&nats, &pure, &io]);
        let hash = "a76d2a6549fc";
        assert_eq!(
            main_file(&spec, None),
            format!(
                "// Command binary runs pipelines with the components that were picked for it.\npackage main\n\n\
                 import (\n\t\"context\"\n\n\t_ \"{io}\"\n\t_ \"{pure}\"\n\t\"{SERVICE}\"\n\t_ \"{nats}\"\n)\n\n\
                 func main() {{\n\tservice.RunCLI(\n\t\tcontext.Background(),\n\
                 \t\tservice.CLIOptSetVersion(\"v4.105.0+wombat.{hash}\", \"\"),\n\t)\n}}\n"
            )
        );
    }

    #[test]
    fn the_licence_hook_is_there_when_asked_for() {
        let licence: ImportPath = format!("{CONNECT}/public/license").parse().unwrap();
        let text = main_file(
            &spec(&[&format!("{CONNECT}/public/components/kafka")]),
            Some(&licence),
        );
        assert!(
            text.contains("\n\t\"github.com/redpanda-data/connect/v4/public/license\"\n"),
            "{text}"
        );
        assert!(
            text.contains("license.LocateLicense(conf.Resources())"),
            "{text}"
        );
    }
}
