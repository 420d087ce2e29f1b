//! Terminal sequences, as ECMA-48 defines them.

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';
/// The end of a string, as one character.
const TERMINATOR: char = '\u{9c}';

/// What follows the terminal sequence that the text begins with; `None` if it begins with none.
///
/// A command with a string, such as a window's title, goes with its string. If the string doesn't end on its line, only
/// what begins it goes, so that it can't hide the rest of a message.
pub(super) fn after(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    match characters.next()? {
        ESCAPE => Some(after_escape(characters.as_str())),
        '\u{9b}' => Some(after_control(characters.as_str())),
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => Some(after_string(characters.as_str())),
        _ => None,
    }
}

fn after_escape(text: &str) -> &str {
    let mut characters = text.chars();
    match characters.next() {
        Some('[') => after_control(characters.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(characters.as_str()),
        Some(' '..='~') => {
            let end = text.trim_start_matches(|it: char| matches!(it, ' '..='/'));
            end.strip_prefix(|it: char| matches!(it, '0'..='~'))
                .unwrap_or(end)
        }
        Some(_) | None => text,
    }
}

/// After parameters and the final character, such as `31m`.
fn after_control(text: &str) -> &str {
    let end = text.trim_start_matches(|it: char| matches!(it, ' '..='?'));
    end.strip_prefix(|it: char| matches!(it, '@'..='~'))
        .unwrap_or(end)
}

fn after_string(text: &str) -> &str {
    let ends = |character: char| character.is_control() && character != '\t';
    let Some(at) = text.find(ends) else {
        return text;
    };
    let end = &text[at..];
    end.strip_prefix([BELL, TERMINATOR])
        .or_else(|| end.strip_prefix("\u{1b}\\"))
        .unwrap_or(text)
}
