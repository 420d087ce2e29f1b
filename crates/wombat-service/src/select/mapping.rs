//! Finds the functions and methods that a mapping calls. Strings and comments are skipped; a call is a name before a
//! bracket, and a method has a dot before its name.

use wombat_model::catalog::ComponentKind;

/// A call in a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Function or method.
    pub(super) kind: ComponentKind,
    pub(super) name: String,
    /// Offset of the name in the text, in bytes.
    pub(super) at: usize,
}

/// A file that a mapping brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: String,
    /// Offset of the path in the text, in bytes.
    pub(super) at: usize,
}

/// Words before a bracket that call nothing.
const KEYWORDS: [&str; 8] = ["if", "else", "match", "map", "let", "and", "or", "in"];

/// The calls of a mapping, in order.
pub(super) fn calls(mapping: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut rest = mapping;
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        match next {
            '#' => rest = rest.find('\n').map_or("", |end| &rest[end..]),
            '"' => rest = after_string(rest),
            _ if is_start(next) => {
                let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                let is_call = after.trim_start_matches([' ', '\t']).starts_with('(');
                // `$name` is a variable, `@name` metadata.
                let is_other = matches!(before, Some('$' | '@'));
                if is_call && !is_other && (before == Some('.') || !KEYWORDS.contains(&name)) {
                    calls.push(Call {
                        kind: if before == Some('.') {
                            ComponentKind::BloblangMethod
                        } else {
                            ComponentKind::BloblangFunction
                        },
                        name: name.to_owned(),
                        at: mapping.len() - rest.len(),
                    });
                }
                before = Some('a');
                rest = after;
                continue;
            }
            _ if next.is_ascii_digit() => {
                let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
                rest = &rest[end..];
                before = Some('0');
                continue;
            }
            _ => rest = &rest[next.len_utf8()..],
        }
        if !next.is_whitespace() {
            before = Some(next);
        }
    }
    calls
}

/// The files that a mapping brings in: `from "path"` instead of a mapping, and `import "path"` in one.
pub(super) fn imports(mapping: &str) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut begin = 0;
    let mut is_first = true;
    for line in mapping.split_inclusive('\n') {
        let statement = line.trim_start();
        let at = begin + line.len() - statement.len();
        begin += line.len();
        if statement.is_empty() || statement.starts_with('#') {
            continue;
        }
        let words: &[&str] = if is_first {
            &["import", "from"]
        } else {
            &["import"]
        };
        is_first = false;
        let rest = words.iter().find_map(|word| statement.strip_prefix(word));
        let Some(rest) = rest.filter(|rest| rest.starts_with([' ', '\t'])) else {
            continue;
        };
        let quoted = rest.trim_start_matches([' ', '\t']);
        let start = at + statement.len() - quoted.len();
        let Some(inner) = quoted.strip_prefix('"') else {
            continue;
        };
        let end = inner.find('"').unwrap_or(inner.len());
        imports.push(Import {
            path: inner[..end].to_owned(),
            at: start + 1,
        });
    }
    imports
}

/// The calls of the mappings within `${! … }`. `${{! … }}` is the text `${! … }`.
pub(super) fn interpolated(text: &str) -> Vec<Call> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        rest = &rest[start + 2..];
        if rest.starts_with("{!") {
            rest = rest.find("}}").map_or("", |end| &rest[end + 2..]);
        } else if let Some(inner) = rest.strip_prefix('!') {
            let end = end_of_interpolation(inner);
            let begin = text.len() - inner.len();
            found.extend(calls(&inner[..end]).into_iter().map(|call| Call {
                at: begin + call.at,
                ..call
            }));
            rest = &inner[end..];
        }
    }
    found
}

/// Offset of the closing bracket, after any inner brackets and strings.
fn end_of_interpolation(text: &str) -> usize {
    let (mut depth, mut rest) = (0_usize, text);
    while let Some(next) = rest.chars().next() {
        match next {
            '"' => {
                rest = after_string(rest);
                continue;
            }
            '{' => depth += 1,
            '}' if depth == 0 => return text.len() - rest.len(),
            '}' => depth -= 1,
            _ => {}
        }
        rest = &rest[next.len_utf8()..];
    }
    text.len()
}

/// The text after the string that it begins with.
fn after_string(text: &str) -> &str {
    if let Some(inner) = text.strip_prefix("\"\"\"") {
        return inner.find("\"\"\"").map_or("", |end| &inner[end + 3..]);
    }
    let mut escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &text[place + 1..],
            _ => {}
        }
    }
    ""
}

fn is_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || is_placeholder(character)
}

fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || is_placeholder(character)
}

/// Whether it may stand for an unknown value, which may be part of a name.
fn is_placeholder(character: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(calls: &[Call]) -> Vec<String> {
        let dot = |call: &Call| match call.kind {
            ComponentKind::BloblangMethod => ".",
            _ => "",
        };
        calls
            .iter()
            .map(|call| format!("{}{}", dot(call), call.name))
            .collect()
    }

    #[test]
    fn functions_and_methods_are_told_apart() {
        let mapping = r#"
            # uuid_v7()
            map thing { root = this }
            root.id = uuid_v4()
            root.a = if (this.b.contains("x(y)")) { deleted() } else { now() .ts_format() }
            root.c = """raw( text""".length() + 5.string()
            let f = this.apply("thing").map_each(x -> x.uppercase())
            root.d = match { this.x() == $y(1) => @z(2) }
        "#;
        assert_eq!(
            names(&calls(mapping)),
            [
                "uuid_v4",
                ".contains",
                "deleted",
                "now",
                ".ts_format",
                ".length",
                ".string",
                ".apply",
                ".map_each",
                ".uppercase",
                ".x"
            ]
        );
    }

    #[test]
    fn files_that_a_mapping_brings_in_are_found() {
        let paths = |mapping: &str| -> Vec<String> {
            let imports = imports(mapping);
            for import in &imports {
                assert!(mapping[import.at..].starts_with(&import.path), "{mapping}");
            }
            imports.into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths("from \"./a b.blobl\""), ["./a b.blobl"]);
        assert_eq!(paths("\n# x\n\tfrom\t\"é.blobl\" # y\n"), ["é.blobl"]);
        assert_eq!(
            paths("import \"a\"\n  import \"b\"\nroot.import = \"c\"\nfrom \"d\""),
            ["a", "b"]
        );
        assert_eq!(
            paths("root = from(\"a\")\nimports \"b\"\nimport c"),
            [""; 0]
        );
    }

    #[test]
    fn mappings_within_text_are_found() {
        assert_eq!(
            names(&interpolated(
                r#"a-${! json("}").uppercase() }-${FOO}-$${! ulid() }-${! {"x": count("y")} }"#
            )),
            ["json", ".uppercase", "ulid", "count"]
        );
        assert_eq!(
            names(&interpolated(
                "${{! no() }} $${{! no() }} ${! now() } ${{! no()"
            )),
            ["now"]
        );
        assert_eq!(names(&interpolated("${! broken(")), ["broken"]);
    }
}
