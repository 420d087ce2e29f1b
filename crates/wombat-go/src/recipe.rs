//! How to build the same binary by hand: three files, an environment, a command.

use wombat_model::{BuildSpec, ImportPath, Sha256, program_name, wire::Recipe};

use crate::{GraphFiles, ReleaseDate, build_arguments, main_file, target_environment};

/// The recipe of a spec, without the modules of its binary. `licence` is the package of the licence hook, if the binary needs it; `date` is that of the
/// release.
pub fn recipe(
    spec: &BuildSpec,
    graph: &GraphFiles,
    licence: Option<&ImportPath>,
    date: ReleaseDate,
    sha256: Sha256,
) -> Recipe {
    let files = [
        ("main.go", main_file(spec, licence, date)),
        ("go.mod", graph.go_mod.clone()),
        ("go.sum", graph.go_sum.clone()),
    ];
    let mut environment = target_environment(spec.target());
    let fixed = [
        ("CGO_ENABLED", "0"),
        ("GOFLAGS", ""),
        ("GOWORK", "off"),
        ("GOEXPERIMENT", ""),
    ];
    environment.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment.insert("GOTOOLCHAIN".to_owned(), spec.go().toolchain());
    let mut words = vec!["go".to_owned()];
    words.extend(build_arguments(spec));
    let goos = spec.target().platform().goos();
    let name = program_name(spec.distribution().name.as_ref(), goos);
    words.extend(["-o".to_owned(), name, ".".to_owned()]);
    Recipe {
        files: files.map(|(name, text)| (name.to_owned(), text)).into(),
        environment,
        command: words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" "),
        sha256,
        modules: Vec::new(),
    }
}

/// Quotes a word for a POSIX shell. Unlike `shlex`, leaves `=` and `,` as they are, so that flags stay readable.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_=./,:+@".contains(&byte));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use wombat_model::{Distribution, Template};

    use super::*;
    use crate::{
        main_file::tests::{BENTHOS, spec},
        release_date::tests::released,
    };

    fn recipe_of(spec: &BuildSpec) -> Recipe {
        let graph = GraphFiles {
            go_mod: "module x\n".into(),
            go_sum: "sums\n".into(),
        };
        let date = released("2026-08-13T17:29:42Z");
        recipe(spec, &graph, None, date, Sha256::from_bytes([7; 32]))
    }

    #[test]
    fn says_everything_that_decides_the_bytes() {
        let recipe = recipe_of(&spec(&[&format!("{BENTHOS}/public/components/pure")]));
        assert_eq!(
            recipe.command,
            "go build -trimpath -buildvcs=false -mod=readonly -ldflags '-s -w -buildid=' -o wombat ."
        );
        assert_eq!(recipe.environment["GOTOOLCHAIN"], "go1.26.8");
        assert_eq!(recipe.environment["GOAMD64"], "v1");
        assert_eq!(recipe.files["go.mod"], "module x\n");
        let main = &recipe.files["main.go"];
        assert!(
            main.contains("CLIOptSetVersion(\"v4.77.0+wombat."),
            "{main}"
        );
        assert!(main.contains("\", \"2026-08-13T17:29:42Z\"),"), "{main}");
        assert!(main.contains("_ \"time/tzdata\""), "{main}");
    }

    #[test]
    fn either_template_and_any_distribution_has_one() {
        let pure = spec(&[&format!("{BENTHOS}/public/components/pure")]);
        let first = recipe_of(&pure.clone().with_template(Template::FIRST).unwrap());
        let main = &first.files["main.go"];
        assert!(
            !main.contains("tzdata") && main.contains("\", \"\"),"),
            "{main}"
        );

        let own = Distribution {
            name: Some("acme-connect".parse().unwrap()),
            version: Some("1.4.0".parse().unwrap()),
        };
        let own = recipe_of(&pure.with_distribution(own).unwrap());
        assert!(
            own.command.ends_with(" -o acme-connect ."),
            "{}",
            own.command
        );
        assert!(own.files["main.go"].contains("CLIOptSetVersion(\"1.4.0\", "));
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
