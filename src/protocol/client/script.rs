//! Words that borrow letters of another script to look like something else (UTS 39, REG-T7).

use unicode_script::{Script, UnicodeScript as _};
use unicode_security::mixed_script::AugmentedScriptSet;

/// Whether a word mixes scripts as no language does. Latin goes with any one other script, and the
/// scripts of Japanese, Korean and Chinese go with each other; Latin does not go with those whose
/// letters are taken for its own.
pub(super) fn mixes_scripts(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation()).any(is_mixed)
}

fn is_mixed(word: &str) -> bool {
    let scripts = || word.chars().map(|character| character.script());
    let mut others = AugmentedScriptSet::default();
    for character in word.chars().filter(|character| character.script() != Script::Latin) {
        others.intersect_with(AugmentedScriptSet::for_char(character));
    }
    others.is_empty()
        || (scripts().any(|script| script == Script::Latin) && scripts().any(resembles_latin))
}

/// The scripts of which UTS 39 says that their letters are taken for Latin ones.
const fn resembles_latin(script: Script) -> bool {
    matches!(
        script,
        Script::Cyrillic
            | Script::Greek
            | Script::Armenian
            | Script::Cherokee
            | Script::Coptic
            | Script::Lisu
            | Script::Georgian
            | Script::Deseret
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_only_look_latin_are_found_reg_t7() {
        for bad in [
            "P\u{430}yPal",
            "Acme B\u{430}nk",
            "\u{410}cme",
            "Ac\u{3bc}e\u{3b1}",
            "\u{13aa}cme",
            "\u{430}\u{5d0}",
        ] {
            assert!(mixes_scripts(bad), "{bad:?}");
        }
    }

    #[test]
    fn names_as_people_write_them_are_no_mixture() {
        for good in [
            "Acme Budget 2",
            "L\u{e9}a & Co. <3",
            "\u{30a2}\u{30af}\u{30e1}API",
            "T\u{30b7}\u{30e3}\u{30c4}\u{5c4b}\u{3055}\u{3093}",
            "\u{421}\u{431}\u{435}\u{440} ID",
            "\u{3b1}-Bank",
            "\u{c0bc}\u{c131}Pay",
            "",
        ] {
            assert!(!mixes_scripts(good), "{good:?}");
        }
    }
}
