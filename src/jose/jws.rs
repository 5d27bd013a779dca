//! JSON Web Signatures in compact form ([RFC 7515]), read strictly and verified against known keys.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515

use serde_json::{Map, Value};

use crate::jose::algorithm::Algorithm;
use crate::jose::algorithm::InvalidAlgorithm;
use crate::jose::compact;
use crate::jose::header::Header;
use crate::jose::header::HeaderRules;
use crate::jose::jwk::KeyProblem;
use crate::jose::jwk::PublicKey;
use crate::jose::jwk_set::JwkSet;
use crate::types::json;
use crate::types::json::InvalidJson;

/// The longest JWS that is read, in bytes.
pub const LONGEST_JWS: usize = 64 * 1024;

/// Why a JWS is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJws {
    /// Longer than [`LONGEST_JWS`].
    #[error("a JWS is at most {LONGEST_JWS} bytes long")]
    TooLong,
    /// Not three parts between dots.
    #[error("a JWS has three parts")]
    NotCompact,
    /// A part is not base64url, or is padded, or has a second spelling.
    #[error("the {part} is not base64url without padding")]
    NotBase64Url {
        /// Which part.
        part: &'static str,
    },
    /// The header is not an object, or a member stands twice in it.
    #[error("the header is not acceptable: {0}")]
    HeaderNotJson(InvalidJson),
    /// A header member is missing, too long, or not a string.
    #[error("the header member `{member}` is missing or malformed")]
    MalformedHeader {
        /// Which member.
        member: &'static str,
    },
    /// `crit`, `b64`, `zip`, `jku`, `jwk`, `x5u` or `x5c` (SEC-14, SEC-26, SEC-46).
    #[error("the header member `{member}` is refused")]
    ForbiddenHeader {
        /// Which member.
        member: &'static str,
    },
    /// The key in `jwk` is not acceptable.
    #[error("the header member `jwk` is not acceptable: {0}")]
    EmbeddedKey(KeyProblem),
    /// `none`, symmetric or unknown.
    #[error(transparent)]
    Algorithm(#[from] InvalidAlgorithm),
    /// The payload is not an object, or a member stands twice in it.
    #[error("the payload is not acceptable: {0}")]
    ClaimsNotJson(InvalidJson),
    /// An algorithm that we know but do not accept here.
    #[error("the algorithm `{0}` is not allowed here")]
    AlgorithmNotAllowed(Algorithm),
    /// No key of the set answers to the `kid`, or, without one, none has a fitting type. The set
    /// may be out of date.
    #[error("no known key fits")]
    UnknownKey,
    /// The key that the `kid` names is not for this algorithm.
    #[error("the named key is not for the algorithm `{0}`")]
    KeyDoesNotFit(Algorithm),
    /// The signature is not by the key.
    #[error("the signature does not verify")]
    Signature,
}

/// A JWS that is well-formed and of which nothing else is known yet.
#[derive(Debug, Clone)]
pub struct UnverifiedJws {
    header: Header,
    claims: Map<String, Value>,
    signing_input: String,
    signature: Vec<u8>,
}

/// A JWS that one of the known keys signed. Only [`UnverifiedJws::verify`] makes one.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::manual_non_exhaustive,
    reason = "the private field keeps this crate, too, from making one without verifying"
)]
pub struct VerifiedJws {
    /// What it says of itself.
    pub header: Header,
    /// What was signed.
    pub claims: Map<String, Value>,
    /// The RFC 7638 thumbprint of the key that signed.
    pub thumbprint: String,
    verified: (),
}

impl UnverifiedJws {
    /// Reads a compact JWS whose payload is a JSON object. Malformed input costs no key operation.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, in the order of reading.
    pub fn parse(text: &str) -> Result<Self, InvalidJws> {
        Self::parse_with(text, HeaderRules::default())
    }

    /// The same, for a kind of JWS that may bring its key along.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, in the order of reading.
    pub fn parse_with(text: &str, rules: HeaderRules) -> Result<Self, InvalidJws> {
        if text.len() > LONGEST_JWS {
            return Err(InvalidJws::TooLong);
        }
        let [header, payload, signature] = compact::parts(text).ok_or(InvalidJws::NotCompact)?;
        let members =
            json::parse_object(&decode(header, "header")?).map_err(InvalidJws::HeaderNotJson)?;
        let parsed = Header::read(&members, rules)?;
        let claims =
            json::parse_object(&decode(payload, "payload")?).map_err(InvalidJws::ClaimsNotJson)?;
        Ok(Self {
            header: parsed,
            claims,
            signing_input: format!("{header}.{payload}"),
            signature: decode(signature, "signature")?,
        })
    }

    /// What it says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What it claims, only to look up whom to ask for keys.
    #[must_use]
    pub const fn unverified_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Checks all of the verification that needs no key operation.
    ///
    /// # Errors
    ///
    /// The algorithm is not in `allowed`, or no key fits.
    pub fn check_key(&self, keys: &JwkSet, allowed: &[Algorithm]) -> Result<(), InvalidJws> {
        let algorithm = self.header.algorithm;
        if !allowed.contains(&algorithm) {
            return Err(InvalidJws::AlgorithmNotAllowed(algorithm));
        }
        let fits = |key: &PublicKey| key.algorithms().contains(&algorithm);
        let Some(key_id) = &self.header.key_id else {
            let any = keys.keys().iter().any(fits);
            return if any { Ok(()) } else { Err(InvalidJws::UnknownKey) };
        };
        let named = keys.find(key_id).ok_or(InvalidJws::UnknownKey)?;
        if fits(named) { Ok(()) } else { Err(InvalidJws::KeyDoesNotFit(algorithm)) }
    }

    /// Verifies the signature: by the key that the `kid` names, or, without a `kid`, by any key of
    /// the set whose type fits.
    ///
    /// # Errors
    ///
    /// The algorithm is not in `allowed`, no key fits, or the signature is not by it.
    pub fn verify(self, keys: &JwkSet, allowed: &[Algorithm]) -> Result<VerifiedJws, InvalidJws> {
        self.check_key(keys, allowed)?;
        let thumbprint = self.signer(keys).ok_or(InvalidJws::Signature)?.thumbprint().to_owned();
        Ok(VerifiedJws { header: self.header, claims: self.claims, thumbprint, verified: () })
    }

    /// Verifies the signature by this key, whatever the `kid`: for a key that the JWS brought along
    /// and that somebody else vouches for.
    ///
    /// # Errors
    ///
    /// The algorithm is not in `allowed`, the key is not for it, or the signature is not by it.
    pub fn verify_by(
        self,
        key: &PublicKey,
        allowed: &[Algorithm],
    ) -> Result<VerifiedJws, InvalidJws> {
        let algorithm = self.header.algorithm;
        if !allowed.contains(&algorithm) {
            return Err(InvalidJws::AlgorithmNotAllowed(algorithm));
        }
        if !key.algorithms().contains(&algorithm) {
            return Err(InvalidJws::KeyDoesNotFit(algorithm));
        }
        if !self.is_by(key) {
            return Err(InvalidJws::Signature);
        }
        let thumbprint = key.thumbprint().to_owned();
        Ok(VerifiedJws { header: self.header, claims: self.claims, thumbprint, verified: () })
    }

    /// The key that signed, among those of which [`Self::check_key`] has approved.
    fn signer<'a>(&self, keys: &'a JwkSet) -> Option<&'a PublicKey> {
        if let Some(key_id) = &self.header.key_id {
            return keys.find(key_id).filter(|key| self.is_by(key));
        }
        let fits = |key: &&PublicKey| key.algorithms().contains(&self.header.algorithm);
        keys.keys().iter().filter(fits).find(|key| self.is_by(key))
    }

    pub(super) fn is_by(&self, key: &PublicKey) -> bool {
        key.verifies(self.header.algorithm, self.signing_input.as_bytes(), &self.signature)
    }
}

fn decode(text: &str, part: &'static str) -> Result<Vec<u8>, InvalidJws> {
    compact::decode(text).ok_or(InvalidJws::NotBase64Url { part })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;
    use crate::jose::forge;

    fn set_of(key: &SigningKey) -> JwkSet {
        JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap()
    }

    #[test]
    fn what_a_key_signs_verifies_under_its_public_half_for_each_algorithm() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let jws = key.sign("JWT", &json!({ "iss": "me" })).unwrap();
            let verified =
                UnverifiedJws::parse(&jws).unwrap().verify(&set_of(&key), &[algorithm]).unwrap();
            assert_eq!(verified.claims.get("iss"), Some(&json!("me")));
            assert_eq!(verified.thumbprint, key.thumbprint());
            assert_eq!(verified.header.key_id.as_deref(), Some(key.key_id()));
            assert!(verified.header.is_typ("jwt"));
        }
    }

    #[test]
    fn a_key_that_was_brought_along_verifies_whatever_the_kid() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let jws = forge::with_key_id(&key, "another", &json!({})).unwrap();
            let public = PublicKey::from_jwk(&key.public_jwk()).unwrap();
            let read = || UnverifiedJws::parse(&jws).unwrap();
            assert_eq!(
                read().verify_by(&public, &[algorithm]).unwrap().thumbprint,
                key.thumbprint()
            );
            let refused = read().verify_by(&public, &[]).unwrap_err();
            assert_eq!(refused, InvalidJws::AlgorithmNotAllowed(algorithm));
            let stranger = SigningKey::generate(algorithm).unwrap().public_jwk();
            let stranger = PublicKey::from_jwk(&stranger).unwrap();
            let refused = read().verify_by(&stranger, &[algorithm]).unwrap_err();
            assert_eq!(refused, InvalidJws::Signature);
        }
        let rsa = SigningKey::generate(Algorithm::Ps256).unwrap().public_jwk();
        let jws = SigningKey::generate(Algorithm::Es256).unwrap().sign("JWT", &json!({})).unwrap();
        let rsa = PublicKey::from_jwk(&rsa).unwrap();
        let refused = UnverifiedJws::parse(&jws).unwrap().verify_by(&rsa, &Algorithm::ALL);
        assert_eq!(refused.unwrap_err(), InvalidJws::KeyDoesNotFit(Algorithm::Es256));
    }
}
