//! Private keys that sign ([RFC 7515] §5.1), loaded as JWK and kept with their signers (SEC-49).
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515

use std::sync::Arc;

use josekit::jwk::{Ed25519, Jwk, P_256, P_384};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::jose::algorithm::Algorithm;
use crate::jose::compact;
use crate::jose::jwk;
use crate::jose::jwk::KeyProblem;
use crate::jose::jwk::PublicKey;
use crate::jose::key_info;
use crate::jose::key_material;
use crate::jose::signer::Signer;
use crate::types::Secret;

/// The modulus of the RSA keys we make. Larger ones sign 7 to 15 times slower (FLR-3).
const RSA_BITS: u32 = 2048;
/// What a key signs once when it is loaded, to see that its halves belong together.
const PROBE: &[u8] = b"countersign key check";

/// Why a key does not load, or does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The public half is not acceptable.
    #[error("the signing key is not acceptable: {0}")]
    Key(#[from] KeyProblem),
    /// The private half is missing or malformed, or `key_ops` lacks `sign`.
    #[error("the signing key has no usable private half")]
    NoPrivateHalf,
    /// The private half is of another key than the public half.
    #[error("the halves of the signing key do not belong together")]
    Mismatch,
    /// The claims do not serialise to an object.
    #[error("claims are a JSON object")]
    Claims,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed to {0}")]
    Library(&'static str),
}

/// A private key with its signer. Cloning shares it; printing it shows its `kid` only.
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Inner>,
}

struct Inner {
    algorithm: Algorithm,
    key_id: String,
    public: PublicKey,
    private: Map<String, Value>,
    signer: Signer,
}

impl SigningKey {
    /// Makes a new key. Its `kid` is its RFC 7638 thumbprint.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningError> {
        let made = match algorithm {
            Algorithm::Es256 => Jwk::generate_ec_key(P_256),
            Algorithm::Es384 => Jwk::generate_ec_key(P_384),
            Algorithm::Ps256 | Algorithm::Rs256 | Algorithm::Rs384 => {
                Jwk::generate_rsa_key(RSA_BITS)
            }
            Algorithm::EdDsa => Jwk::generate_ed_key(Ed25519),
        };
        let made = made.map_err(|_| SigningError::Library("generate a key"))?;
        let mut members = Map::clone(made.as_ref());
        members.insert("alg".to_owned(), json!(algorithm));
        Self::from_jwk(&Value::Object(members))
    }

    /// Loads a private JWK. Without `alg` the key signs by the preferred algorithm of its type;
    /// without `kid` its thumbprint is its `kid`.
    ///
    /// # Errors
    ///
    /// The key is malformed or weak, has no private half, or its halves differ.
    pub fn from_jwk(value: &Value) -> Result<Self, SigningError> {
        let members = value.as_object().ok_or(KeyProblem::NotAnObject)?;
        let (material, numbers) = key_material::read(members)?;
        jwk::check_purpose(members, "sign")?;
        let named = jwk::named_algorithm(members)?;
        let algorithm =
            *jwk::algorithms(&material, named)?.first().ok_or(KeyProblem::UnsupportedType)?;
        let key_id = jwk::key_id(members)?.unwrap_or_else(|| key_material::thumbprint(&material));

        let mut described = material;
        described.insert("kid".to_owned(), json!(key_id));
        described.insert("alg".to_owned(), json!(algorithm));
        let public = PublicKey::from_jwk(&Value::Object(described.clone()))?;
        let private = private_members(described, members).ok_or(SigningError::NoPrivateHalf)?;
        let signer =
            Signer::new(&private, &numbers, algorithm).ok_or(SigningError::NoPrivateHalf)?;
        let signature = signer.sign(PROBE).ok_or(SigningError::Mismatch)?;
        if !public.verifies(algorithm, PROBE, &signature) {
            return Err(SigningError::Mismatch);
        }
        Ok(Self { inner: Arc::new(Inner { algorithm, key_id, public, private, signer }) })
    }

    /// Loads the private key that belongs to a certificate: PKCS #8, as DER.
    ///
    /// # Errors
    ///
    /// Not such a key, or one that is not acceptable as a JWK either.
    pub fn from_private_key_info(der: &[u8]) -> Result<Self, SigningError> {
        let members = key_info::private_jwk(der).ok_or(SigningError::NoPrivateHalf)?;
        Self::from_jwk(&Value::Object(members))
    }

    /// Signs claims as a JWT whose header is `alg`, `kid` and `typ`.
    ///
    /// # Errors
    ///
    /// The claims are no object, or the library fails.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        let claims = serde_json::to_vec(claims).map_err(|_| SigningError::Claims)?;
        if claims.first() != Some(&b'{') {
            return Err(SigningError::Claims);
        }
        let header = json!({ "alg": self.algorithm(), "kid": self.key_id(), "typ": typ });
        self.sign_raw(&header, &claims)
    }

    /// Signs claims under further members of the header, such as `jwk` or `x5c`; those of
    /// [`Self::sign`] stay as they are, but for `kid`, which `null` takes away.
    ///
    /// # Errors
    ///
    /// The claims are no object, or the library fails.
    pub fn sign_with(
        &self,
        typ: &str,
        further: &Map<String, Value>,
        claims: &Map<String, Value>,
    ) -> Result<String, SigningError> {
        let mut header = further.clone();
        header.insert("alg".to_owned(), json!(self.algorithm()));
        header.insert("typ".to_owned(), json!(typ));
        if header.entry("kid").or_insert_with(|| json!(self.key_id())).is_null() {
            header.remove("kid");
        }
        let claims = serde_json::to_vec(claims).map_err(|_| SigningError::Claims)?;
        self.sign_raw(&Value::Object(header), &claims)
    }

    /// The `kid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.inner.key_id
    }

    /// The algorithm it signs by.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.inner.algorithm
    }

    /// The RFC 7638 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        self.inner.public.thumbprint()
    }

    /// The public half as a JWK, with `kid`, `alg` and `use`.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.inner.public.to_value()
    }

    /// The whole key as a JWK, to be sealed and stored.
    #[must_use]
    pub fn private_jwk(&self) -> Secret {
        Secret::new(Value::Object(self.inner.private.clone()).to_string())
    }

    /// Signs these very bytes under this very header.
    pub(super) fn sign_raw(&self, header: &Value, payload: &[u8]) -> Result<String, SigningError> {
        let header = compact::encode(header.to_string());
        let input = format!("{header}.{}", compact::encode(payload));
        let signature =
            self.inner.signer.sign(input.as_bytes()).ok_or(SigningError::Library("sign"))?;
        Ok(format!("{input}.{}", compact::encode(signature)))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("algorithm", &self.inner.algorithm)
            .field("key_id", &self.inner.key_id)
            .finish_non_exhaustive()
    }
}

/// The public members and those private ones that a signer reads. OpenSSL would sign with an RSA
/// key whose `d` is empty, by its factors; half a key is none.
fn private_members(
    mut described: Map<String, Value>,
    members: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        let Some(value) = members.get(name) else { continue };
        compact::decode(value.as_str()?).filter(|bytes| !bytes.is_empty())?;
        described.insert(name.to_owned(), value.clone());
    }
    Some(described)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::JwkSet;
    use crate::jose::UnverifiedJws;

    fn whole(key: &SigningKey) -> Value {
        serde_json::from_str(key.private_jwk().reveal()).unwrap()
    }

    #[test]
    fn a_key_loads_from_its_own_jwk_and_signs_the_same_for_each_algorithm() {
        // SEC-49: the JWK is the one format from which every algorithm loads.
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let again = SigningKey::from_jwk(&whole(&key)).unwrap();
            assert_eq!((again.algorithm(), again.key_id()), (algorithm, key.key_id()));
            assert_eq!(again.public_jwk(), key.public_jwk());
            let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
            let jws = again.sign("JWT", &json!({})).unwrap();
            assert!(UnverifiedJws::parse(&jws).unwrap().verify(&keys, &[algorithm]).is_ok());
        }
    }

    #[test]
    fn a_key_id_is_the_thumbprint_unless_the_jwk_has_its_own() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        assert_eq!(key.key_id(), key.thumbprint());
        let mut jwk = whole(&key);
        jwk["kid"] = json!("mine");
        let named = SigningKey::from_jwk(&jwk).unwrap();
        assert_eq!((named.key_id(), named.thumbprint()), ("mine", key.thumbprint()));
    }

    #[test]
    fn without_alg_a_key_signs_by_the_preferred_algorithm_of_its_type() {
        for algorithm in [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa, Algorithm::Es384] {
            let mut jwk = whole(&SigningKey::generate(algorithm).unwrap());
            jwk.as_object_mut().unwrap().remove("alg");
            assert_eq!(SigningKey::from_jwk(&jwk).unwrap().algorithm(), algorithm);
        }
    }

    #[test]
    fn halves_of_different_keys_are_refused() {
        for algorithm in [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa] {
            let mut jwk = whole(&SigningKey::generate(algorithm).unwrap());
            let other = whole(&SigningKey::generate(algorithm).unwrap());
            for name in ["d", "p", "q", "dp", "dq", "qi"] {
                if let Some(value) = other.get(name) {
                    jwk[name] = value.clone();
                }
            }
            let refused = SigningKey::from_jwk(&jwk).unwrap_err();
            assert!(
                matches!(refused, SigningError::Mismatch | SigningError::NoPrivateHalf),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_key_without_or_with_a_malformed_private_half_is_refused() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let public_only = SigningKey::from_jwk(&key.public_jwk()).unwrap_err();
            assert_eq!(public_only, SigningError::NoPrivateHalf);
            for bad in [json!("!"), json!(7), json!("")] {
                let mut jwk = whole(&key);
                jwk["d"] = bad.clone();
                let refused = SigningKey::from_jwk(&jwk).map(|key| key.algorithm());
                assert_eq!(refused, Err(SigningError::NoPrivateHalf), "{bad}");
            }
        }
    }

    #[test]
    fn a_key_that_is_not_for_signing_is_refused() {
        let mut jwk = whole(&SigningKey::generate(Algorithm::Es256).unwrap());
        jwk["key_ops"] = json!(["verify"]);
        let refused = SigningKey::from_jwk(&jwk).unwrap_err();
        assert_eq!(refused, SigningError::Key(KeyProblem::MissingOperation("sign")));
    }

    #[test]
    fn claims_are_an_object() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        assert_eq!(key.sign("JWT", &json!(["iss"])), Err(SigningError::Claims));
        assert_eq!(key.sign("JWT", &"text"), Err(SigningError::Claims));
    }

    #[test]
    fn a_key_does_not_print_its_private_half() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let d = whole(&key)["d"].as_str().unwrap().to_owned();
        assert!(!format!("{key:?}").contains(&d));
        assert!(!key.public_jwk().to_string().contains(&d));
    }
}
