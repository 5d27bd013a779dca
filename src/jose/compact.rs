//! The compact serialization ([RFC 7515] §7.1): base64url parts between dots.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Encodes without padding.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes, refusing padding, white space, the other alphabet, and trailing bits that are not zero:
/// each value has one spelling.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Splits a text into exactly `N` parts.
pub(super) fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    // One more than is due, so that a surplus shows and a million dots cost nothing.
    let parts: Vec<&str> = text.splitn(N.saturating_add(1), '.').collect();
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_one_spelling() {
        assert_eq!(decode("AQ"), Some(vec![1]));
        for bad in ["AQ==", "AR", "AQ\n", " AQ", "A", "+/+/", "AQ=", "A Q"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_text_has_exactly_so_many_parts() {
        assert_eq!(parts::<3>("a.b.c"), Some(["a", "b", "c"]));
        assert_eq!(parts::<3>(".."), Some(["", "", ""]));
        for bad in ["", "a.b", "a.b.c.", "a.b.c.d"] {
            assert_eq!(parts::<3>(bad), None, "{bad}");
        }
    }
}
