//! Values of a pipeline's variables: `--env NAME=VALUE`, and files of such lines.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, bail};
use wombat_model::{Secret, wire::Variables};

/// The values of the variables that a pipeline names. Arguments come before files, and later ones before earlier ones.
pub(super) async fn variables(
    pipeline: &str,
    arguments: &[Secret],
    files: &[impl AsRef<Path>],
) -> anyhow::Result<Variables> {
    let mut values = BTreeMap::new();
    for file in files {
        let path = file.as_ref();
        let text = tokio::fs::read_to_string(path).await;
        let text = text.with_context(|| format!("reading {}", path.display()))?;
        for (number, line) in text.lines().enumerate() {
            let place = || format!("{}:{}", path.display(), number + 1);
            if let Some((name, value)) = assignment(line).with_context(place)? {
                values.insert(name, value);
            }
        }
    }
    for argument in arguments {
        let Some((name, value)) = argument.reveal().split_once('=') else {
            bail!("--env takes NAME=VALUE; one of them has no `=`");
        };
        if !Variables::is_name(name) {
            bail!("--env takes NAME=VALUE; a name has only letters, digits, `_` and `.`");
        }
        values.insert(name.to_owned(), value.to_owned());
    }
    Ok(values
        .into_iter()
        .filter(|(name, _)| is_named(pipeline, name))
        .collect())
}

/// Whether a pipeline has `${NAME}`, `${NAME:default}` or `${NAME|decoder}`.
fn is_named(pipeline: &str, name: &str) -> bool {
    pipeline.split("${").skip(1).any(|rest| {
        let rest = rest.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['}', ':', '|']))
    })
}

/// A line of a file. `None`: it is empty or a comment.
fn assignment(line: &str) -> anyhow::Result<Option<(String, String)>> {
    let line = line.trim();
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else {
        bail!("expected NAME=VALUE");
    };
    let name = name.trim_end();
    if !Variables::is_name(name) {
        bail!("a name has only letters, digits, `_` and `.`");
    }
    Ok(Some((name.to_owned(), unquoted(value.trim_start())?)))
}

/// A value without its quotes and the comment after it.
fn unquoted(value: &str) -> anyhow::Result<String> {
    let (text, rest) = if let Some(inner) = value.strip_prefix('\'') {
        let Some((text, rest)) = inner.split_once('\'') else {
            bail!("the quote isn't closed");
        };
        (text.to_owned(), rest)
    } else if let Some(inner) = value.strip_prefix('"') {
        unescaped(inner)?
    } else {
        let end = value.find(" #").or_else(|| value.find("\t#"));
        let text = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
        (text.trim_end().to_owned(), "")
    };
    let rest = rest.trim_start();
    if !rest.is_empty() && !rest.starts_with('#') {
        bail!("only a comment may follow a value in quotes");
    }
    Ok(text)
}

/// A text in double quotes up to its end, and the rest of the line.
fn unescaped(inner: &str) -> anyhow::Result<(String, &str)> {
    let mut text = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((text, &inner[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, 't')) => text.push('\t'),
                Some((_, other @ ('"' | '\\' | '$'))) => text.push(other),
                Some((_, other)) => text.extend(['\\', other]),
                None => {}
            },
            _ => text.push(character),
        }
    }
    bail!("the quote isn't closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_shells_and_docker_do() {
        for (line, expected) in [
            ("A=b", Some(("A", "b"))),
            ("  A.b_1 = c d  # comment", Some(("A.b_1", "c d"))),
            ("A=", Some(("A", ""))),
            ("A=b=c#d", Some(("A", "b=c#d"))),
            ("export A='x # y' # z", Some(("A", "x # y"))),
            (r#"A="x \"y\"\n\$1\d" "#, Some(("A", "x \"y\"\n$1\\d"))),
            ("", None),
            ("  # A=b", None),
        ] {
            let read = assignment(line).unwrap();
            let read = read
                .as_ref()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(read, expected, "{line}");
        }
        for line in [
            "hunter2",
            "a b=hunter2",
            "A='hunter2",
            "A=\"hunter2",
            "A='x'hunter2",
        ] {
            let error = assignment(line).unwrap_err();
            assert!(!format!("{error:#}").contains("hunter2"), "{line}");
        }
    }

    #[tokio::test]
    async fn only_named_variables_are_sent_and_the_last_value_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("env");
        tokio::fs::write(&file, "A=file\nB=file\nC=file\nSECRET=hunter2\n")
            .await
            .unwrap();
        let pipeline = "${A} ${B:x} ${C|base64decode} ${SECRETS} $SECRET ${{A}}";
        let arguments = ["B=first", "B=last", "D=x"].map(Secret::new);
        let values = variables(pipeline, &arguments, &[&file]).await.unwrap();
        let expected = [("A", "file"), ("B", "last"), ("C", "file")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(values, Variables::from_iter(expected));

        for bad in ["hunter2", "=hunter2", "a b=hunter2"] {
            let none: [&Path; 0] = [];
            let error = variables(pipeline, &[Secret::new(bad)], &none)
                .await
                .unwrap_err();
            assert!(!format!("{error:#}").contains("hunter2"), "{bad}");
        }
        tokio::fs::write(&file, "A=1\nhunter2\n").await.unwrap();
        let error = format!(
            "{:#}",
            variables(pipeline, &[], &[&file]).await.unwrap_err()
        );
        assert!(
            error.contains("env:2") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
