//! Which characters are seen.

/// Separates letters that would join, as in Persian words.
pub(super) const NON_JOINER: char = '\u{200c}';
/// Joins letters and emoji.
pub(super) const JOINER: char = '\u{200d}';
/// Shows the character before it as text.
pub(super) const TEXT_STYLE: char = '\u{fe0e}';
/// Shows the character before it as an emoji.
pub(super) const EMOJI_STYLE: char = '\u{fe0f}';
/// The black flag, which tags turn into the flag of a region.
pub(super) const FLAG: char = '\u{1f3f4}';
/// The last tag of a flag.
const LAST_TAG: char = '\u{e007f}';
/// Most letters of a region.
const LONGEST_REGION: usize = 6;

/// Whether the character isn't seen itself, or changes the direction of others. Joiners and styles, which [`super::plain`]
/// keeps where they belong, count as well; control characters don't.
pub(super) fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        // Zero width, joiners, marks of direction.
        | '\u{200b}'..='\u{200f}'
        // Line separators, embeddings, overrides.
        | '\u{2028}'..='\u{202e}'
        // Invisible operators, isolates.
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Tags and variants, which could carry a text of their own.
        | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a joiner beside the character means something: in scripts whose letters join, and in emoji.
pub(super) fn may_join(character: char) -> bool {
    !is_hidden(character)
        && !is_mark(character)
        && matches!(character,
            // From Arabic to the last script of South Asia.
            '\u{600}'..='\u{1dff}'
            | '\u{2190}'..='\u{2bff}'
            | '\u{a800}'..='\u{abff}'
            | '\u{fb50}'..='\u{fdcf}'
            | '\u{fe70}'..='\u{fefc}'
            | '\u{10a00}'..='\u{11fff}'
            | '\u{1e900}'..='\u{1e95f}'
            | '\u{1f000}'..='\u{1faff}'
        )
}

/// Whether the character, with `next` after its style, is a symbol that can also be an emoji.
pub(super) fn has_styles(character: char, next: Option<char>) -> bool {
    match character {
        '#' | '*' | '0'..='9' => next == Some('\u{20e3}'),
        '©' | '®' => true,
        other => {
            !is_hidden(other)
                && matches!(other, '\u{2010}'..='\u{2bff}' | '\u{3030}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}')
        }
    }
}

/// The length of the tags in front that make a flag; 0 if there are no such tags.
pub(super) fn flag_tags(text: &str) -> usize {
    let is_letter =
        |tag: char| matches!(tag, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let rest = text.trim_start_matches(is_letter);
    let letters = text[..text.len() - rest.len()].chars().count();
    match rest.strip_prefix(LAST_TAG) {
        Some(rest) if (1..=LONGEST_REGION).contains(&letters) => text.len() - rest.len(),
        Some(_) | None => 0,
    }
}

/// Whether it is drawn over the character before it.
pub(super) fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether it is no character: Unicode reserves it for a program's own use.
pub(super) fn is_none(character: char) -> bool {
    let number = u32::from(character);
    number & 0xfffe == 0xfffe || matches!(character, '\u{fdd0}'..='\u{fdef}')
}
