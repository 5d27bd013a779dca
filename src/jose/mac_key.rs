//! Keys that only this server's nodes have, for values that come back to us: HMAC-SHA-256
//! ([RFC 2104]).
//!
//! [RFC 2104]: https://www.rfc-editor.org/rfc/rfc2104

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use subtle::ConstantTimeEq as _;

use crate::jose::SealingError;

/// A key for one purpose. It does not print.
#[derive(Clone)]
pub struct MacKey {
    bytes: [u8; 32],
}

impl MacKey {
    /// The key for `purpose` that follows from `secret`; keys of two purposes tell nothing of each
    /// other.
    pub(super) fn derive(secret: &[u8], purpose: &str) -> Result<Self, SealingError> {
        Ok(Self { bytes: mac(secret, purpose.as_bytes())? })
    }

    /// The tag of a message.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn tag(&self, message: &[u8]) -> Result<[u8; 32], SealingError> {
        mac(&self.bytes, message)
    }

    /// Whether `tag` begins the tag of this message; compared in constant time (SEC-29).
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn is_tag<const LENGTH: usize>(
        &self,
        message: &[u8],
        tag: &[u8; LENGTH],
    ) -> Result<bool, SealingError> {
        let whole = self.tag(message)?;
        Ok(whole.first_chunk::<LENGTH>().is_some_and(|first| first.ct_eq(tag).into()))
    }
}

fn mac(key: &[u8], message: &[u8]) -> Result<[u8; 32], SealingError> {
    let key = PKey::hmac(key).map_err(|_| SealingError::Library)?;
    let mut signer =
        Signer::new(MessageDigest::sha256(), &key).map_err(|_| SealingError::Library)?;
    let tag = signer.sign_oneshot_to_vec(message).map_err(|_| SealingError::Library)?;
    tag.try_into().map_err(|_| SealingError::Library)
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::compact;

    #[test]
    fn a_tag_is_that_of_rfc_4231() {
        // Test case 2 of RFC 4231 §4.3.
        let tag = mac(b"Jefe", b"what do ya want for nothing?").unwrap();
        let expected = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM";
        assert_eq!(compact::encode(tag), expected);
    }

    #[test]
    fn a_tag_is_good_for_its_message_and_purpose_alone() {
        let key = |purpose| MacKey::derive(b"secret", purpose).unwrap();
        let tag = key("one").tag(b"message").unwrap();
        let short = tag.first_chunk::<16>().unwrap();
        assert!(key("one").is_tag(b"message", &tag).unwrap());
        assert!(key("one").is_tag(b"message", short).unwrap());
        assert!(!key("one").is_tag(b"massage", short).unwrap());
        assert!(!key("two").is_tag(b"message", short).unwrap());
        assert!(!key("one").is_tag(b"message", &[0; 16]).unwrap());
        assert!(!key("one").is_tag(b"message", &[0; 40]).unwrap());
        assert_eq!(format!("{:?}", key("one")), "MacKey(..)");
    }
}
