//! Characters that have a text look like another (Unicode Technical Report 36, REG-T7).

/// Control characters, those that change the direction of text, and those that cannot be seen or that
/// every font draws as it likes: none of them has a place in a name that people decide by.
#[must_use]
pub fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_hide_or_turn_text_mislead() {
        for bad in
            ['\0', '\n', '\u{7f}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{e0041}']
        {
            assert!(misleads(bad), "{bad:?}");
        }
        for good in ['a', ' ', 'é', 'ア', '–', '<', '\u{301}'] {
            assert!(!misleads(good), "{good:?}");
        }
    }
}
