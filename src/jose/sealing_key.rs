//! Sealing secrets that we store: JSON Web Encryption ([RFC 7516]) with `dir` and AES-256-GCM.
//!
//! [RFC 7516]: https://www.rfc-editor.org/rfc/rfc7516

use josekit::jwe::{self, Dir, JweDecrypter, JweEncrypter, JweHeader};
use josekit::jwk::Jwk;

use crate::jose::compact;
use crate::jose::mac_key::MacKey;
use crate::types::Secret;
use crate::types::json;

/// The longest sealed text that is opened, in bytes.
const LONGEST_SEALED: usize = 64 * 1024;

/// Why something cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// The key is not 32 bytes, base64url.
    #[error("a sealing key is 32 bytes in base64url")]
    Key,
    /// Not a JWE of the one kind that we seal: `dir`, `A256GCM`, nothing else in its header.
    #[error("the sealed text is not one of ours")]
    Malformed,
    /// It was sealed under another key, or altered.
    #[error("the sealed text does not open under this key")]
    Refused,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed to seal")]
    Library,
}

/// A symmetric key that seals secrets. It does not print.
#[derive(Clone)]
pub struct SealingKey {
    bytes: [u8; 32],
}

impl SealingKey {
    /// Makes a new key.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn generate() -> Result<Self, SealingError> {
        let key = Jwk::generate_oct_key(32).map_err(|_| SealingError::Library)?;
        let bytes = key.key_value().and_then(|bytes| bytes.try_into().ok());
        Ok(Self { bytes: bytes.ok_or(SealingError::Library)? })
    }

    /// A key as [`SealingKey::to_secret`] wrote it: 32 bytes in base64url.
    ///
    /// # Errors
    ///
    /// It is not that.
    pub fn from_secret(secret: &Secret) -> Result<Self, SealingError> {
        let bytes = compact::decode(secret.reveal()).ok_or(SealingError::Key)?;
        Ok(Self { bytes: bytes.try_into().map_err(|_| SealingError::Key)? })
    }

    /// A key that follows from this one, for one purpose: what every node that has the same sealing
    /// key has without being told.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn mac_key(&self, purpose: &str) -> Result<MacKey, SealingError> {
        MacKey::derive(&self.bytes, purpose)
    }

    /// The key itself, to be kept where only this server reads.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::new(compact::encode(self.bytes))
    }

    /// Seals a secret.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn seal(&self, secret: &Secret) -> Result<String, SealingError> {
        let encrypter = Dir.encrypter_from_bytes(self.bytes).map_err(|_| SealingError::Library)?;
        let mut header = JweHeader::new();
        header.set_content_encryption("A256GCM");
        let encrypter: &dyn JweEncrypter = &encrypter;
        jwe::serialize_compact(secret.reveal().as_bytes(), &header, encrypter)
            .map_err(|_| SealingError::Library)
    }

    /// Opens what this key sealed.
    ///
    /// # Errors
    ///
    /// It is malformed, was altered, or is sealed under another key.
    pub fn open(&self, sealed: &str) -> Result<Secret, SealingError> {
        check_form(sealed).ok_or(SealingError::Malformed)?;
        let decrypter = Dir.decrypter_from_bytes(self.bytes).map_err(|_| SealingError::Library)?;
        let decrypter: &dyn JweDecrypter = &decrypter;
        let (bytes, _) =
            jwe::deserialize_compact(sealed, decrypter).map_err(|_| SealingError::Refused)?;
        String::from_utf8(bytes).map(Secret::new).map_err(|_| SealingError::Refused)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealingKey(..)")
    }
}

/// Checks before any decryption what josekit does not: the header says `dir` and `A256GCM` and
/// nothing else, so no `zip` inflates anything (SEC-47); no key is wrapped; the nonce has 96 bits
/// and the tag its full 128, since a shortened tag is easily forged.
fn check_form(sealed: &str) -> Option<()> {
    if sealed.len() > LONGEST_SEALED {
        return None;
    }
    let [header, wrapped_key, nonce, _, tag] = compact::parts(sealed)?;
    let members = json::parse_object(&compact::decode(header)?).ok()?;
    let right = members.len() == 2
        && members.get("alg")? == "dir"
        && members.get("enc")? == "A256GCM"
        && wrapped_key.is_empty()
        && compact::decode(nonce)?.len() == 12
        && compact::decode(tag)?.len() == 16;
    right.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealingKey {
        SealingKey::generate().unwrap()
    }

    fn with_header(sealed: &str, header: &str) -> String {
        let (_, rest) = sealed.split_once('.').unwrap();
        format!("{}.{rest}", compact::encode(header))
    }

    #[test]
    fn what_a_key_seals_it_opens_again_after_a_restart_too() {
        let key = key();
        for text in ["", "hush", &"é".repeat(10_000)] {
            let sealed = key.seal(&Secret::new(text)).unwrap();
            let again = SealingKey::from_secret(&key.to_secret()).unwrap();
            assert_eq!(again.open(&sealed).unwrap().reveal(), text);
        }
    }

    #[test]
    fn the_same_secret_never_looks_the_same_sealed() {
        let key = key();
        let secret = Secret::new("hush");
        assert_ne!(key.seal(&secret).unwrap(), key.seal(&secret).unwrap());
    }

    #[test]
    fn another_key_does_not_open_it() {
        let sealed = key().seal(&Secret::new("hush")).unwrap();
        assert_eq!(key().open(&sealed).unwrap_err(), SealingError::Refused);
    }

    #[test]
    fn an_altered_part_is_refused() {
        let key = key();
        let sealed = key.seal(&Secret::new("a longer secret")).unwrap();
        for part in [0, 2, 3, 4] {
            let mut parts: Vec<String> = sealed.split('.').map(str::to_owned).collect();
            let mut bytes = compact::decode(&parts[part]).unwrap();
            bytes[0] ^= 1;
            parts[part] = compact::encode(bytes);
            assert!(key.open(&parts.join(".")).is_err(), "part {part}");
        }
    }

    #[test]
    fn a_shortened_tag_is_refused() {
        // OpenSSL would compare only as many bytes as it is given.
        let key = key();
        let sealed = key.seal(&Secret::new("hush")).unwrap();
        let (rest, tag) = sealed.rsplit_once('.').unwrap();
        let tag = compact::decode(tag).unwrap();
        for length in [0, 1, 4, 12, 15] {
            let short = format!("{rest}.{}", compact::encode(&tag[..length]));
            assert_eq!(key.open(&short).unwrap_err(), SealingError::Malformed, "{length}");
        }
    }

    #[test]
    fn compression_and_costly_or_foreign_algorithms_are_refused_before_decryption() {
        // SEC-26, SEC-47, SEC-48.
        let key = key();
        let sealed = key.seal(&Secret::new("hush")).unwrap();
        for header in [
            r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#,
            r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1000000,"p2s":"AAAA"}"#,
            r#"{"alg":"RSA1_5","enc":"A256GCM"}"#,
            r#"{"alg":"dir","enc":"A128GCM"}"#,
            r#"{"alg":"dir","alg":"dir","enc":"A256GCM"}"#,
            r#"{"alg":"dir","enc":"A256GCM","crit":[]}"#,
            r#"{"alg":"dir"}"#,
            "[]",
            "",
        ] {
            let forged = with_header(&sealed, header);
            assert_eq!(key.open(&forged).unwrap_err(), SealingError::Malformed, "{header}");
        }
    }

    #[test]
    fn what_is_not_sealed_or_too_long_is_refused() {
        let key = key();
        for bad in ["", "....", "a.b.c", &".".repeat(100_000)] {
            assert_eq!(key.open(bad).unwrap_err(), SealingError::Malformed);
        }
    }

    #[test]
    fn a_key_is_thirty_two_bytes_and_does_not_print() {
        for bad in ["", "AQ", &compact::encode([7; 31]), &compact::encode([7; 33]), "not base64!"] {
            let refused = SealingKey::from_secret(&Secret::new(bad)).unwrap_err();
            assert_eq!(refused, SealingError::Key);
        }
        assert_eq!(format!("{:?}", key()), "SealingKey(..)");
    }
}
