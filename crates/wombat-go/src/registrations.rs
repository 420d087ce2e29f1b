//! Finds in Go source what it registers: components, and drivers of `database/sql`.
//!
//! A name is found where the call has it as text, or as a constant of the same package. The names of components come
//! from binaries; this only says which file registers them.

use std::collections::HashMap;

use wombat_model::catalog::{Component, ComponentKind};

/// Ends of the names of functions that register components, and what they register.
const KINDS: [(&str, ComponentKind); 11] = [
    ("Input", ComponentKind::Input),
    ("Output", ComponentKind::Output),
    ("Processor", ComponentKind::Processor),
    ("Cache", ComponentKind::Cache),
    ("Buffer", ComponentKind::Buffer),
    ("RateLimit", ComponentKind::RateLimit),
    ("MetricsExporter", ComponentKind::Metric),
    ("OtelTracerProvider", ComponentKind::Tracer),
    ("ScannerCreator", ComponentKind::Scanner),
    ("Function", ComponentKind::BloblangFunction),
    ("Method", ComponentKind::BloblangMethod),
];

/// Longest name of a function or a constant, in bytes.
const LONGEST: usize = 256;

/// Constants and variables that are texts, by name.
#[derive(Debug, Default)]
pub(super) struct Texts<'a>(HashMap<&'a str, &'a str>);

impl<'a> Texts<'a> {
    /// Adds those of a file of the package.
    pub(super) fn add(&mut self, source: &'a str) {
        for line in source.lines() {
            let line = line.trim_start();
            let line = ["const ", "var "]
                .into_iter()
                .find_map(|it| line.strip_prefix(it))
                .unwrap_or(line);
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            // The type may stand between name and value.
            let name = name.split_whitespace().next().unwrap_or_default();
            if let (Some(name), Some(text)) = (whole_word(name), text(value.trim_start())) {
                self.0.insert(name, text);
            }
        }
    }

    fn value(&self, argument: &'a str) -> Option<&'a str> {
        text(argument).or_else(|| self.0.get(word(argument)).copied())
    }
}

/// The components that a file registers.
pub(super) fn components<'a>(source: &'a str, texts: &Texts<'a>) -> Vec<Component> {
    let calls = calls(source, "Register");
    let components = calls.filter_map(|(function, argument)| {
        let function = function.strip_prefix("Batch").unwrap_or(function);
        let function = function.strip_suffix("V2").unwrap_or(function);
        let (_, kind) = KINDS.iter().find(|(name, _)| *name == function)?;
        Some(Component {
            kind: *kind,
            name: texts.value(argument)?.to_owned(),
        })
    });
    components.collect()
}

/// The names under which a file registers drivers.
pub(super) fn drivers<'a>(source: &'a str, texts: &Texts<'a>) -> Vec<&'a str> {
    let calls = calls(source, "sql.Register");
    let calls = calls.filter(|(function, _)| function.is_empty());
    let names = calls.filter_map(|(_, argument)| texts.value(argument));
    names.collect()
}

/// Calls of functions whose names contain this: the rest of the name, and the text from the first argument on.
fn calls<'a>(source: &'a str, beginning: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    // The line of the match before; a file may have any number of matches in one line.
    let (mut seen, mut is_comment) = (0, source.trim_start().starts_with("//"));
    source.match_indices(beginning).filter_map(move |(at, _)| {
        if let Some(end) = source[seen..at].rfind('\n') {
            let line = source[seen + end + 1..].trim_start_matches([' ', '\t']);
            is_comment = line.starts_with("//");
        }
        seen = at;
        if is_comment {
            return None;
        }
        let rest = &source[at + beginning.len()..];
        let function = word(rest);
        let argument = rest[function.len()..].strip_prefix('(')?;
        Some((function, argument.trim_start()))
    })
}

/// The letters, digits and underscores that a text begins with, up to the longest name.
fn word(text: &str) -> &str {
    let text = &text[..text.floor_char_boundary(LONGEST)];
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    &text[..text.find(|it| !is_part(it)).unwrap_or(text.len())]
}

fn whole_word(text: &str) -> Option<&str> {
    (!text.is_empty() && word(text) == text).then_some(text)
}

/// The content of the quoted text that this begins with.
fn text(source: &str) -> Option<&str> {
    let (text, _) = source.strip_prefix('"')?.split_once('"')?;
    (!text.is_empty() && !text.contains(['\\', '\n'])).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn components_are_found_by_text_and_by_constant() {
        let source = r#"
const inputName = "postgres_cdc"
const (
	legacy string = "pg_stream"
)

func init() {
	service.MustRegisterBatchInput(inputName, spec, newInput)
	if err := service.RegisterInput(
		legacy, spec, newInput,
	); err != nil {
	}
	// service.MustRegisterInput("commented", spec, newInput)
	service.MustRegisterOtelTracerProvider("otel", spec, nil)
	bloblang.MustRegisterMethodV2("format_xml", spec, nil)
	service.MustRegisterBatchScannerCreator("avro", spec, nil)
	grpc.RegisterHealthServer(srv, e)
	registry.MustRegister("no_component")
	service.MustRegisterInput(names[0], spec, nil)
}
"#;
        let mut texts = Texts::default();
        texts.add(source);
        let found = components(source, &texts);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "input/postgres_cdc",
                "input/pg_stream",
                "tracer/otel",
                "bloblang_method/format_xml",
                "scanner/avro",
            ]
        );
    }

    #[test]
    fn a_file_that_repeats_a_word_takes_no_longer_than_another() {
        for word in ["Register", "Register(\""] {
            let source = format!("{}{}", " ".repeat(1 << 18), word.repeat(1 << 15));
            let begun = Instant::now();
            assert_eq!(components(&source, &Texts::default()), []);
            let elapsed = begun.elapsed();
            assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
        }
    }

    #[test]
    fn drivers_are_found_by_text_and_by_constant() {
        for (source, expected) in [
            ("sql.Register(\"postgres\", &Driver{})", vec!["postgres"]),
            (
                "const driverName = \"sqlite\"\nfunc init() {\n\tsql.Register(driverName, newDriver())\n}",
                vec!["sqlite"],
            ),
            (
                "sql.Register(\"mssql\", a)\nsql.Register(\"sqlserver\", b)",
                vec!["mssql", "sqlserver"],
            ),
            ("mysql.RegisterTLSConfig(\"key\", c)", vec![]),
            ("sql.RegisterAll(\"x\")", vec![]),
        ] {
            let mut texts = Texts::default();
            texts.add(source);
            assert_eq!(drivers(source, &texts), expected, "{source}");
        }
    }
}
