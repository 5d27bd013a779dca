//! Deliberately bad statements, for the test directory and for tests: what a server must refuse.
//!
//! Nothing here weakens a key or a check. Each function makes what an attacker could make alone, or
//! what a careless issuer would.

use josekit::jwk::Jwk;
use josekit::jwk::KeyPair;
use josekit::jwk::alg::ec::EcKeyPair;
use josekit::jwk::alg::ed::EdKeyPair;
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jws::HS256;
use josekit::jws::JwsSigner as _;
use serde_json::{Value, json};

use crate::jose::algorithm::Algorithm;
use crate::jose::compact;
use crate::jose::signing_key::SigningError;
use crate::jose::signing_key::SigningKey;

/// Claims under `alg: none`, without a signature.
#[must_use]
pub fn unsigned(claims: &Value) -> String {
    let header = json!({ "alg": "none", "typ": "JWT" });
    format!("{}.{}.", compact::encode(header.to_string()), compact::encode(claims.to_string()))
}

/// Claims under HS256, keyed with the PEM of the key's public half, as an attacker who confuses
/// algorithms would.
///
/// # Errors
///
/// The cryptographic library fails.
pub fn hs256_with_public_key(key: &SigningKey, claims: &Value) -> Result<String, SigningError> {
    hs256(key.key_id(), &key_pair(key)?.to_pem_public_key(), claims)
}

/// Claims signed by the key, under another `kid`.
///
/// # Errors
///
/// The cryptographic library fails.
pub fn with_key_id(key: &SigningKey, key_id: &str, claims: &Value) -> Result<String, SigningError> {
    let header = json!({ "alg": key.algorithm(), "kid": key_id, "typ": "JWT" });
    key.sign_raw(&header, claims.to_string().as_bytes())
}

/// Claims signed by the key, with one bit of the signature turned.
///
/// # Errors
///
/// The cryptographic library fails.
pub fn with_broken_signature(key: &SigningKey, claims: &Value) -> Result<String, SigningError> {
    let whole = key.sign("JWT", claims)?;
    let (input, signature) =
        whole.rsplit_once('.').ok_or(SigningError::Library("encode a signature"))?;
    let mut bytes =
        compact::decode(signature).ok_or(SigningError::Library("encode a signature"))?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Ok(format!("{input}.{}", compact::encode(bytes)))
}

/// These very bytes, properly signed: repeated members, dates beyond any clock, no JSON at all.
///
/// # Errors
///
/// The cryptographic library fails.
pub fn raw_payload(key: &SigningKey, payload: &[u8]) -> Result<String, SigningError> {
    let header = json!({ "alg": key.algorithm(), "kid": key.key_id(), "typ": "JWT" });
    key.sign_raw(&header, payload)
}

/// Claims under HS256, keyed with any bytes.
pub(super) fn hs256(key_id: &str, secret: &[u8], claims: &Value) -> Result<String, SigningError> {
    let header = json!({ "alg": "HS256", "kid": key_id, "typ": "JWT" });
    let input =
        format!("{}.{}", compact::encode(header.to_string()), compact::encode(claims.to_string()));
    let signature = HS256
        .signer_from_bytes(secret)
        .and_then(|signer| signer.sign(input.as_bytes()))
        .map_err(|_| SigningError::Library("sign"))?;
    Ok(format!("{input}.{}", compact::encode(signature)))
}

/// The key as josekit's key pair, which writes PEM and DER.
pub(super) fn key_pair(key: &SigningKey) -> Result<Box<dyn KeyPair>, SigningError> {
    let failed = |_| SigningError::Library("export a key");
    let jwk = Jwk::from_bytes(key.private_jwk().reveal()).map_err(failed)?;
    Ok(match key.algorithm() {
        Algorithm::Es256 | Algorithm::Es384 => Box::new(EcKeyPair::from_jwk(&jwk).map_err(failed)?),
        Algorithm::Ps256 | Algorithm::Rs256 | Algorithm::Rs384 => {
            Box::new(RsaKeyPair::from_jwk(&jwk).map_err(failed)?)
        }
        Algorithm::EdDsa => Box::new(EdKeyPair::from_jwk(&jwk).map_err(failed)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::InvalidAlgorithm;
    use crate::jose::InvalidJws;
    use crate::jose::JwkSet;
    use crate::jose::UnverifiedJws;
    use crate::jose::VerifiedJws;

    fn present(key: &SigningKey, jws: &str) -> Result<VerifiedJws, InvalidJws> {
        let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
        UnverifiedJws::parse(jws)?.verify(&keys, &Algorithm::ALL)
    }

    #[test]
    fn each_forgery_is_refused_for_its_own_reason() {
        let claims = json!({ "iss": "me" });
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            for (forged, reason) in [
                (unsigned(&claims), InvalidAlgorithm::Unsigned.into()),
                (hs256_with_public_key(&key, &claims).unwrap(), InvalidAlgorithm::Symmetric.into()),
                (with_key_id(&key, "other", &claims).unwrap(), InvalidJws::UnknownKey),
                (with_broken_signature(&key, &claims).unwrap(), InvalidJws::Signature),
            ] {
                assert_eq!(present(&key, &forged), Err(reason), "{algorithm}");
            }
        }
    }

    #[test]
    fn a_raw_payload_is_signed_as_it_stands() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let jws = raw_payload(&key, br#"{"exp":1e19}"#).unwrap();
        assert_eq!(present(&key, &jws).unwrap().claims["exp"], json!(1e19));
    }
}
