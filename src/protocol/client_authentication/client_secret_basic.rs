//! A client's identifier and secret in an `Authorization` header ([RFC 6749 §2.3.1], RFC 7617).
//!
//! [RFC 6749 §2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::protocol::parameters::decode;
use crate::types::Secret;

/// The longest header that is read.
const LONGEST_HEADER: usize = 1024;

/// What a caller says its identifier and secret are; nothing has been compared yet.
#[derive(Debug, Clone)]
pub struct BasicCredentials {
    /// The identifier, form-decoded.
    pub id: String,
    /// The secret, form-decoded.
    pub secret: Secret,
}

/// Why a `Basic` header cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBasic {
    /// The header is too long.
    #[error("the `Authorization` header is longer than {LONGEST_HEADER} bytes")]
    TooLong,
    /// It is not base64 of a UTF-8 text.
    #[error("the `Authorization` header is not base64 of a text")]
    Base64,
    /// There is no colon, or the identifier is empty.
    #[error("the `Authorization` header holds no identifier and secret")]
    NoPair,
}

impl BasicCredentials {
    /// Reads what follows `Basic ` in the header. RFC 6749 §2.3.1: both halves are form-encoded
    /// before they are joined. A half that cannot have been is taken as it stands, because widespread
    /// clients do not encode (REG-C5).
    ///
    /// # Errors
    ///
    /// See [`InvalidBasic`].
    pub fn parse(credentials: &str) -> Result<Self, InvalidBasic> {
        if credentials.len() > LONGEST_HEADER {
            return Err(InvalidBasic::TooLong);
        }
        let bytes = STANDARD.decode(credentials).map_err(|_| InvalidBasic::Base64)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidBasic::Base64)?;
        let (id, secret) = text.split_once(':').ok_or(InvalidBasic::NoPair)?;
        let plain = |half: &str| decode(half.as_bytes()).unwrap_or_else(|| half.to_owned());
        let (id, secret) = (plain(id), plain(secret));
        if id.is_empty() {
            return Err(InvalidBasic::NoPair);
        }
        Ok(Self { id, secret: Secret::new(secret) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BasicCredentials, InvalidBasic> {
        BasicCredentials::parse(&STANDARD.encode(text))
    }

    #[test]
    fn both_halves_are_form_decoded() {
        let credentials = parse("rs%3A1:s+%25").unwrap();
        assert_eq!((credentials.id.as_str(), credentials.secret.reveal()), ("rs:1", "s %"));
    }

    #[test]
    fn what_cannot_have_been_encoded_is_taken_as_it_stands() {
        for (sent, id, secret) in [
            ("a%:b", "a%", "b"),
            ("a:b c", "a", "b c"),
            ("a:b%2", "a", "b%2"),
            ("a:b:c", "a", "b:c"),
            ("a:", "a", ""),
            ("a:\u{e9}", "a", "\u{e9}"),
        ] {
            let read = parse(sent).unwrap();
            assert_eq!((read.id.as_str(), read.secret.reveal()), (id, secret), "{sent}");
        }
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert_eq!(parse("nocolon").unwrap_err(), InvalidBasic::NoPair);
        assert_eq!(parse(":secret").unwrap_err(), InvalidBasic::NoPair);
        assert_eq!(BasicCredentials::parse("*").unwrap_err(), InvalidBasic::Base64);
        assert_eq!(BasicCredentials::parse("/w==").unwrap_err(), InvalidBasic::Base64);
        let long = "A".repeat(LONGEST_HEADER + 4);
        assert_eq!(BasicCredentials::parse(&long).unwrap_err(), InvalidBasic::TooLong);
    }

    #[test]
    fn the_secret_does_not_print() {
        assert!(!format!("{:?}", parse("rs:hush").unwrap()).contains("hush"));
    }
}
