//! Bodies of forms with files: `multipart/form-data`, as `curl -F` sends it.

use bytes::Bytes;
use http::{HeaderMap, header};
use wombat_model::{Problem, ProblemCode, Refusal};

/// Most parts of a form.
const MOST_PARTS: usize = 1000;
/// Longest boundary.
const LONGEST_BOUNDARY: usize = 70;

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Name of the field.
    pub(crate) name: String,
    /// Name of the file, if the part is one.
    pub(crate) file: Option<String>,
    pub(crate) content: Bytes,
}

/// The boundary that the headers of a form name. `None`: the body is no form.
pub(crate) fn boundary(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let media = headers.get(header::CONTENT_TYPE);
    let media = media.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let (kind, rest) = media.split_once(';').unwrap_or((media, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    let boundary = parameter(rest, "boundary").unwrap_or_default();
    if boundary.is_empty() || boundary.len() > LONGEST_BOUNDARY {
        return Err(malformed(
            "`Content-Type` of a form needs a `boundary`; `curl -F` sends one.",
        ));
    }
    Ok(Some(boundary))
}

/// The parts of a form.
pub(crate) fn parts(body: &Bytes, boundary: &str) -> Result<Vec<Part>, Refusal> {
    let line = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut at = match find(body, line.as_bytes(), 0) {
        Some(at) => at + line.len(),
        None => return Err(cut()),
    };
    let end = format!("\r\n{line}");
    loop {
        if body.get(at..at + 2) == Some(b"--") {
            return Ok(parts);
        }
        // Blanks may follow a boundary.
        let head = find(body, b"\r\n", at).ok_or_else(cut)? + 2;
        // Without headers, the empty line is the one after the boundary.
        let blank = find(body, b"\r\n\r\n", head - 2).ok_or_else(cut)?;
        let content = blank + 4;
        let next = find(body, end.as_bytes(), content - 2).ok_or_else(cut)?;
        if parts.len() == MOST_PARTS {
            return Err(malformed(&format!(
                "A form has at most {MOST_PARTS} parts."
            )));
        }
        let headers = body.get(head..blank.max(head)).unwrap_or_default();
        let (name, file) = names(&String::from_utf8_lossy(headers)).ok_or_else(|| {
            malformed("Each part of a form needs `Content-Disposition: form-data; name=\"…\"`.")
        })?;
        parts.push(Part {
            name,
            file,
            content: body.slice(content.min(next)..next),
        });
        at = next + end.len();
    }
}

/// The names of field and file in the headers of a part.
fn names(headers: &str) -> Option<(String, Option<String>)> {
    let disposition = headers.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.trim().eq_ignore_ascii_case("content-disposition");
        is_it.then_some(value)
    })?;
    let (_, parameters) = disposition.split_once(';')?;
    let name = parameter(parameters, "name")?;
    Some((name, parameter(parameters, "filename")))
}

/// A parameter such as `name="a b"`. Clients escape a quote as `\"` or `%22`.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, after) = rest.split_once('=')?;
        let (value, after) = if let Some(inner) = after.strip_prefix('"') {
            quoted(inner)
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

fn quoted(inner: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value.replace("%22", "\""), &inner[at + 1..]),
            '\\' if inner[at + 1..].starts_with(['"', '\\']) => {
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            _ => value.push(character),
        }
    }
    (value, "")
}

fn find(body: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    let found = rest.windows(what.len()).position(|window| window == what);
    found.map(|at| from + at)
}

fn cut() -> Refusal {
    malformed("The form ends before its last boundary.")
}

fn malformed(message: &str) -> Refusal {
    Refusal::of_request(vec![Problem::general(ProblemCode::Malformed, message)])
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(text: &str) -> Result<Vec<(String, Option<String>, String)>, Refusal> {
        let body = Bytes::from(text.replace('\n', "\r\n"));
        let parts = parts(&body, "x-y")?.into_iter().map(|part| {
            let content = String::from_utf8(part.content.to_vec()).unwrap();
            (part.name, part.file, content)
        });
        Ok(parts.collect())
    }

    fn part(name: &str, file: Option<&str>, content: &str) -> (String, Option<String>, String) {
        (name.to_owned(), file.map(str::to_owned), content.to_owned())
    }

    #[test]
    fn parts_have_names_and_files() {
        let text = "ignored\n--x-y\nContent-Disposition: form-data; name=\"goos\"\n\nlinux\n--x-y  \ncontent-type: text/plain\ncontent-disposition: form-data; name=file; filename=\"a \\\"b%22;c.yaml\"\n\na: 1\n\n--x\n\n--x-y\nContent-Disposition: form-data; name=\"e\"; filename=\"\"\n\n\n--x-y--\nignored";
        assert_eq!(
            read(text).unwrap(),
            [
                part("goos", None, "linux"),
                part("file", Some("a \"b\";c.yaml"), "a: 1\r\n\r\n--x\r\n"),
                part("e", Some(""), ""),
            ]
        );
        assert_eq!(read("--x-y--").unwrap(), []);
    }

    #[test]
    fn damaged_forms_are_refused() {
        let whole = "--x-y\nContent-Disposition: form-data; name=\"a\"\n\nb\n--x-y--";
        assert!(read(whole).is_ok());
        for cut in 1..whole.len() - 1 {
            if whole.is_char_boundary(cut) {
                assert!(read(&whole[..cut]).is_err(), "{}", &whole[..cut]);
            }
        }
        for text in [
            "",
            "--x-y\n\nb\n--x-y--",
            "--x-y\nContent-Disposition: form-data\n\nb\n--x-y--",
            "--x-y\nContent-Type: a/b\n\nb\n--x-y--",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn boundaries_are_those_of_forms() {
        let of = |media: &'static str| {
            let value = HeaderValue::from_static(media);
            boundary(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)]))
        };
        assert_eq!(of("text/plain; boundary=a").unwrap(), None);
        assert_eq!(
            of("Multipart/Form-Data; charset=x; boundary=\"a b\"")
                .unwrap()
                .as_deref(),
            Some("a b")
        );
        assert!(of("multipart/form-data").is_err());
        assert_eq!(boundary(&HeaderMap::new()).unwrap(), None);
    }
}
