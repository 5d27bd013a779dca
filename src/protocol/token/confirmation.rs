//! What an access token is bound to: a certificate ([RFC 8705 §3]) or a `DPoP` key ([RFC 9449 §6]).
//! It is the `cnf` claim of RFC 7800.
//!
//! [RFC 8705 §3]: https://www.rfc-editor.org/rfc/rfc8705#section-3
//! [RFC 9449 §6]: https://www.rfc-editor.org/rfc/rfc9449#section-6

use serde::{Deserialize, Serialize};

/// The one thing whose holder may use the token. A thief without it has nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Confirmation {
    /// The SHA-256 of a certificate, base64url.
    #[serde(rename = "x5t#S256")]
    Certificate(String),
    /// The RFC 7638 thumbprint of a `DPoP` key.
    #[serde(rename = "jkt")]
    DpopKey(String),
}

impl Confirmation {
    /// The `token_type` of a token that is bound to this, or to nothing (RFC 9449 §5, RFC 8705 §3).
    #[must_use]
    pub const fn token_type(confirmation: Option<&Self>) -> &'static str {
        match confirmation {
            Some(Self::DpopKey(_)) => "DPoP",
            Some(Self::Certificate(_)) | None => "Bearer",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_written_as_rfc_8705_and_rfc_9449_show_it() {
        let certificate = Confirmation::Certificate("bwcK0esc3ACC3DB2Y5_lESsXE8o9".to_owned());
        let written = json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9" });
        assert_eq!(serde_json::to_value(&certificate).unwrap(), written);
        let key = Confirmation::DpopKey("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".to_owned());
        let written = json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" });
        assert_eq!(serde_json::from_value::<Confirmation>(written).unwrap(), key);
    }

    #[test]
    fn a_confirmation_names_one_thing() {
        for bad in [json!({}), json!({ "jkt": "a", "x5t#S256": "b" }), json!({ "kid": "a" })] {
            assert!(serde_json::from_value::<Confirmation>(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_dpop_key_makes_another_token_type() {
        let key = Confirmation::DpopKey(String::new());
        let certificate = Confirmation::Certificate(String::new());
        assert_eq!(Confirmation::token_type(Some(&key)), "DPoP");
        assert_eq!(Confirmation::token_type(Some(&certificate)), "Bearer");
        assert_eq!(Confirmation::token_type(None), "Bearer");
    }
}
