//! What stands for a value that isn't known. A variable alone on its line may be a value, a field, an item of a list, or
//! nothing at all; the lines around it show which.

use std::ops::Range;

/// How an unknown value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a value.
    Word,
    /// As a field.
    Key,
    /// As an item of a list.
    Item,
    Nothing,
}

impl Form {
    /// Bytes of the longest form.
    pub(super) const LONGEST: usize = 5;

    pub(super) fn written(self, placeholder: char) -> String {
        match self {
            Self::Word => placeholder.to_string(),
            Self::Key => format!("{placeholder}:"),
            Self::Item => format!("- {placeholder}"),
            Self::Nothing => String::new(),
        }
    }

    /// The forms that are tried if the text can't be read with `first`.
    pub(crate) fn others(first: Self, source: &str, used: &Range<usize>) -> Vec<Self> {
        let all = if is_alone(source, used) {
            vec![Self::Word, Self::Key, Self::Item, Self::Nothing]
        } else {
            vec![Self::Word, Self::Nothing]
        };
        all.into_iter().filter(|form| *form != first).collect()
    }
}

/// The likely form of an unknown value: that of its neighbours, if it has a line of its own.
pub(crate) fn first_form(source: &str, used: &Range<usize>) -> Form {
    if !is_alone(source, used) {
        return Form::Word;
    }
    let begin = line_begin(source, used.start);
    let indent = used.start - begin;
    let end = used.end + source[used.end..].find('\n').unwrap_or(0);
    let before = source[..begin].lines().rev().find_map(|line| {
        let form = form_of(line, indent);
        (form.is_some() || own_indent(line).is_some_and(|own| own < indent)).then_some(form)
    });
    let after = || {
        source[end..].lines().find_map(|line| {
            let form = form_of(line, indent);
            (form.is_some() || own_indent(line).is_some_and(|own| own < indent)).then_some(form)
        })
    };
    let neighbour = before.flatten().or_else(|| after().flatten());
    neighbour.unwrap_or(Form::Word)
}

/// The form of what a line has at this indentation.
fn form_of(line: &str, indent: usize) -> Option<Form> {
    let own = own_indent(line)?;
    let content = line.get(indent..)?;
    let begins_here = own == indent
        || (own < indent && line[own..indent].bytes().all(|it| it == b'-' || it == b' '));
    if !begins_here || content.starts_with(' ') {
        return None;
    }
    if content.starts_with("- ") || content.trim_end() == "-" {
        return Some(Form::Item);
    }
    let is_field = content.contains(": ") || content.trim_end().ends_with(':');
    Some(if is_field { Form::Key } else { Form::Word })
}

/// The indentation of a line that isn't empty or a comment.
fn own_indent(line: &str) -> Option<usize> {
    let content = line.trim_start_matches(' ');
    let counts = !content.trim().is_empty() && !content.starts_with('#');
    counts.then_some(line.len() - content.len())
}

/// Whether nothing but a comment stands beside it.
fn is_alone(source: &str, used: &Range<usize>) -> bool {
    // Lines may be long, and have many variables.
    let before = source[..used.start].trim_end_matches(' ');
    let is_blank = |it: char| it.is_whitespace() && it != '\n';
    let after = source[used.end..].trim_start_matches(is_blank);
    (before.is_empty() || before.ends_with('\n'))
        && (after.is_empty() || after.starts_with(['\n', '#']))
}

fn line_begin(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_show_what_an_unknown_line_is() {
        for (source, form) in [
            ("a: @\n", Form::Word),
            ("a:\n  @\n", Form::Word),
            ("a:\n  b: 1\n  @\n", Form::Key),
            ("a:\n  @ # c\n\n  b: 1\n", Form::Key),
            ("a:\n  b:\n    c: 1\n  @\n", Form::Key),
            ("a:\n  - b\n  @\n", Form::Item),
            ("a:\n  - b: 1\n    @\n", Form::Key),
            ("a:\n- b: 1\n@\n", Form::Item),
            ("a:\n  @\n  -\n", Form::Item),
            ("a: |\n  x\n  @\n", Form::Word),
            ("a: 1\n@", Form::Key),
            ("a:\n  @\nb: 1\n", Form::Word),
            ("a:\r\n  b: 1\r\n  @\r\n", Form::Key),
        ] {
            let at = source.find('@').unwrap();
            assert_eq!(first_form(source, &(at..at + 1)), form, "{source:?}");
        }
        assert!(Form::Item.written('\u{f8ff}').len() <= Form::LONGEST);
    }

    #[test]
    fn a_variable_beside_others_is_a_value_or_nothing() {
        let source = "a: @ b\n";
        let others = Form::others(Form::Word, source, &(3..4));
        assert_eq!(others, [Form::Nothing]);
        let alone = Form::others(Form::Key, "@\n", &(0..1));
        assert_eq!(alone, [Form::Word, Form::Item, Form::Nothing]);
    }
}
