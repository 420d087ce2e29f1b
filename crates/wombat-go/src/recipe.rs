//! How to build the same binary by hand: three files, an environment, a command.

use wombat_model::{BuildSpec, Goos, ImportPath, Sha256, wire::Recipe};

use crate::{GraphFiles, build_arguments, main_file, target_environment};

/// The recipe of a spec. `licence` is the package of the licence hook, if the binary needs it.
pub fn recipe(
    spec: &BuildSpec,
    graph: &GraphFiles,
    licence: Option<&ImportPath>,
    sha256: Sha256,
) -> Recipe {
    let files = [
        ("main.go", main_file(spec, licence)),
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
    let name = match spec.target().platform().goos() {
        Goos::Windows => "wombat.exe",
        Goos::Linux | Goos::Darwin | Goos::Freebsd => "wombat",
    };
    words.extend(["-o", name, "."].map(str::to_owned));
    Recipe {
        files: files.map(|(name, text)| (name.to_owned(), text)).into(),
        environment,
        command: words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" "),
        sha256,
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
    use super::*;
    use crate::main_file::tests::{BENTHOS, spec};

    #[test]
    fn says_everything_that_decides_the_bytes() {
        let graph = GraphFiles {
            go_mod: "module x\n".into(),
            go_sum: "sums\n".into(),
        };
        let sha256 = Sha256::from_bytes([7; 32]);
        let recipe = recipe(
            &spec(&[&format!("{BENTHOS}/public/components/pure")]),
            &graph,
            None,
            sha256,
        );
        assert_eq!(
            recipe.command,
            "go build -trimpath -buildvcs=false -mod=readonly -ldflags '-s -w -buildid=' -o wombat ."
        );
        assert_eq!(recipe.environment["GOTOOLCHAIN"], "go1.26.8");
        assert_eq!(recipe.environment["GOAMD64"], "v1");
        assert_eq!(recipe.files["go.mod"], "module x\n");
        assert!(recipe.files["main.go"].contains("CLIOptSetVersion(\"v4.77.0+wombat."));
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
