//! A public JSON Web Key ([RFC 7517], RFC 7518 §6, RFC 8037) and its verifier.
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517

use serde_json::{Map, Value, json};

use crate::jose::algorithm::Algorithm;
use crate::jose::algorithm::InvalidAlgorithm;
use crate::jose::key_info;
use crate::jose::key_material;
use crate::jose::key_material::text;
use crate::jose::verifier::Verifier;

/// The longest `kid`, in characters.
pub const LONGEST_KEY_ID: usize = 256;

/// Members that only private or symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
pub(super) const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not a JSON object.
    #[error("a key is a JSON object")]
    NotAnObject,
    /// A member of a private or symmetric key: its owner has published a secret.
    #[error("the member `{0}` belongs to a private key; this key must not be used again")]
    PrivateMember(&'static str),
    /// `kty` is `oct`.
    #[error("a symmetric key is refused")]
    SymmetricKey,
    /// A member is missing.
    #[error("the member `{0}` is missing")]
    MissingMember(&'static str),
    /// A member has the wrong type, length or encoding.
    #[error("the member `{0}` is malformed")]
    MalformedMember(&'static str),
    /// `kty` is none of `EC`, `RSA`, `OKP`.
    #[error("the key type is not supported")]
    UnsupportedType,
    /// `crv` is none of `P-256`, `P-384`, `Ed25519`.
    #[error("the curve is not supported")]
    UnsupportedCurve,
    /// The coordinates are no point of the curve, or one of small order.
    #[error("the key is not a sound point of its curve")]
    UnsoundPoint,
    /// An RSA modulus outside 2048 … 4096 bits.
    #[error("an RSA modulus has 2048 to 4096 bits, not {0}")]
    ModulusSize(usize),
    /// An even RSA modulus, which has a known factor.
    #[error("the RSA modulus is even")]
    EvenModulus,
    /// An RSA exponent that is even, small or enormous.
    #[error("an RSA public exponent is odd and between 65537 and 2^64")]
    Exponent,
    /// `use` is not `sig`.
    #[error("the key is not for signatures: `use` must be `sig`")]
    NotForSignatures,
    /// `key_ops` lacks what the key is to do.
    #[error("`key_ops` must include `{0}`")]
    MissingOperation(&'static str),
    /// `alg` names an algorithm that we do not know.
    #[error("the member `alg`: {0}")]
    UnsupportedAlgorithm(#[from] InvalidAlgorithm),
    /// `alg` does not belong to the key's type.
    #[error("the algorithm `{0}` does not belong to this type of key")]
    AlgorithmMismatch(Algorithm),
    /// No `SubjectPublicKeyInfo`.
    #[error("the key is not a public key in DER")]
    MalformedKeyInfo,
    /// Another key of the set has this `kid`.
    #[error("the `kid` stands twice in the set")]
    RepeatedKeyId,
}

/// A public key that has been checked, with a verifier that is built once (FLR-2).
#[derive(Debug)]
pub struct PublicKey {
    key_id: Option<String>,
    thumbprint: String,
    algorithms: &'static [Algorithm],
    named_algorithm: Option<Algorithm>,
    material: Map<String, Value>,
    verifier: Verifier,
}

impl PublicKey {
    /// Reads and imports one key.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it; private members come first.
    pub fn from_jwk(value: &Value) -> Result<Self, KeyProblem> {
        let members = value.as_object().ok_or(KeyProblem::NotAnObject)?;
        if let Some(member) = PRIVATE.into_iter().find(|member| members.contains_key(*member)) {
            return Err(KeyProblem::PrivateMember(member));
        }
        let (material, numbers) = key_material::read(members)?;
        check_purpose(members, "verify")?;
        let key_id = key_id(members)?;
        let named_algorithm = named_algorithm(members)?;
        let algorithms = algorithms(&material, named_algorithm)?;
        // Everything but the curve equation has been checked, so that is what import can find.
        let verifier = Verifier::new(&numbers).ok_or(KeyProblem::UnsoundPoint)?;
        let thumbprint = key_material::thumbprint(&material);
        Ok(Self { key_id, thumbprint, algorithms, named_algorithm, material, verifier })
    }

    /// Imports the key of a certificate: its `SubjectPublicKeyInfo` as DER (RFC 5280 §4.1).
    ///
    /// # Errors
    ///
    /// Not such a structure, or a key that is not acceptable as a JWK either.
    pub fn from_public_key_info(der: &[u8]) -> Result<Self, KeyProblem> {
        Self::from_jwk(&key_info::public_jwk(der)?)
    }

    /// The key's own `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The RFC 7638 thumbprint: SHA-256, base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The algorithms that the key verifies: the one it names, or those of its type.
    #[must_use]
    pub const fn algorithms(&self) -> &'static [Algorithm] {
        self.algorithms
    }

    /// The key as JSON: public members only, in one order.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut members = self.material.clone();
        members.insert("use".to_owned(), json!("sig"));
        if let Some(key_id) = &self.key_id {
            members.insert("kid".to_owned(), json!(key_id));
        }
        if let Some(algorithm) = self.named_algorithm {
            members.insert("alg".to_owned(), json!(algorithm));
        }
        Value::Object(members)
    }

    /// Whether `signature` over `message` is by this key under `algorithm`.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.algorithms.contains(&algorithm)
            && self.verifier.verifies(algorithm, message, signature)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.to_value() == other.to_value()
    }
}

impl Eq for PublicKey {}

/// `use` and `key_ops`, where present, must allow what the key is for (RFC 7517 §4.2, §4.3).
pub(super) fn check_purpose(
    members: &Map<String, Value>,
    operation: &'static str,
) -> Result<(), KeyProblem> {
    if members.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(KeyProblem::NotForSignatures);
    }
    let Some(operations) = members.get("key_ops") else { return Ok(()) };
    let operations = operations.as_array().ok_or(KeyProblem::MalformedMember("key_ops"))?;
    if !operations.iter().any(|allowed| allowed == operation) {
        return Err(KeyProblem::MissingOperation(operation));
    }
    Ok(())
}

pub(super) fn key_id(members: &Map<String, Value>) -> Result<Option<String>, KeyProblem> {
    if !members.contains_key("kid") {
        return Ok(None);
    }
    let key_id = text(members, "kid")?;
    // It is kept and shown; a NUL is more than PostgreSQL can keep.
    let printable = !key_id.chars().any(char::is_control);
    if key_id.is_empty() || key_id.chars().count() > LONGEST_KEY_ID || !printable {
        return Err(KeyProblem::MalformedMember("kid"));
    }
    Ok(Some(key_id.to_owned()))
}

pub(super) fn named_algorithm(
    members: &Map<String, Value>,
) -> Result<Option<Algorithm>, KeyProblem> {
    if !members.contains_key("alg") {
        return Ok(None);
    }
    Ok(Some(Algorithm::parse(text(members, "alg")?)?))
}

/// What a key may verify, the preferred algorithm first.
pub(super) fn algorithms(
    material: &Map<String, Value>,
    named: Option<Algorithm>,
) -> Result<&'static [Algorithm], KeyProblem> {
    let fitting: &'static [Algorithm] = match text(material, "kty")? {
        "EC" if text(material, "crv")? == key_material::P_384 => &[Algorithm::Es384],
        "EC" => &[Algorithm::Es256],
        "RSA" => &[Algorithm::Ps256, Algorithm::Rs256, Algorithm::Rs384],
        _ => &[Algorithm::EdDsa],
    };
    let Some(named) = named else { return Ok(fitting) };
    let position = fitting.iter().position(|algorithm| *algorithm == named);
    position
        .and_then(|position| fitting.get(position..=position))
        .ok_or(KeyProblem::AlgorithmMismatch(named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::SigningKey;
    use crate::jose::compact;

    fn public(algorithm: Algorithm) -> Value {
        SigningKey::generate(algorithm).unwrap().public_jwk()
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn refusal(jwk: &Value) -> KeyProblem {
        PublicKey::from_jwk(jwk).unwrap_err()
    }

    #[test]
    fn import_export_import_is_identity() {
        for algorithm in Algorithm::ALL {
            let jwk = public(algorithm);
            let key = PublicKey::from_jwk(&jwk).unwrap();
            assert_eq!(key.to_value(), jwk);
            assert_eq!(key.algorithms(), [algorithm]);
        }
    }

    #[test]
    fn members_that_we_do_not_know_are_not_kept() {
        let jwk = with(public(Algorithm::Es256), "x5u", json!("https://evil.example/"));
        assert!(PublicKey::from_jwk(&jwk).unwrap().to_value().get("x5u").is_none());
    }

    #[test]
    fn a_private_member_is_refused_in_any_type_of_key() {
        for algorithm in [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa] {
            for member in PRIVATE {
                for value in [json!("AQ"), json!(""), json!(null), json!([])] {
                    let jwk = with(public(algorithm), member, value);
                    assert_eq!(refusal(&jwk), KeyProblem::PrivateMember(member));
                }
            }
        }
        let whole = SigningKey::generate(Algorithm::Es256).unwrap().private_jwk();
        let whole = serde_json::from_str(whole.reveal()).unwrap();
        assert_eq!(refusal(&whole), KeyProblem::PrivateMember("d"));
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut key = public(Algorithm::Es256);
        let (x, y) = (key["x"].clone(), key["y"].clone());
        key["x"] = y;
        key["y"] = x;
        assert_eq!(refusal(&key), KeyProblem::UnsoundPoint);
        for filler in [0, 0xff] {
            let jwk = with(key.clone(), "x", json!(compact::encode([filler; 32])));
            assert_eq!(refusal(&jwk), KeyProblem::UnsoundPoint);
        }
    }

    #[test]
    fn coordinates_that_borrow_bytes_from_each_other_are_refused() {
        let key = public(Algorithm::Es256);
        let x = compact::decode(key["x"].as_str().unwrap()).unwrap();
        let y = compact::decode(key["y"].as_str().unwrap()).unwrap();
        let (head, tail) = x.split_at(31);
        let mut jwk = with(key, "x", json!(compact::encode(head)));
        jwk["y"] = json!(compact::encode([tail, &y].concat()));
        assert_eq!(refusal(&jwk), KeyProblem::MalformedMember("x"));
    }

    #[test]
    fn a_key_for_another_use_is_refused() {
        let key = public(Algorithm::Es256);
        for bad in [json!("enc"), json!("SIG"), json!(null), json!(["sig"])] {
            assert_eq!(refusal(&with(key.clone(), "use", bad)), KeyProblem::NotForSignatures);
        }
        for bad in [json!([]), json!(["sign"]), json!(["encrypt", "Verify"])] {
            let jwk = with(key.clone(), "key_ops", bad);
            assert_eq!(refusal(&jwk), KeyProblem::MissingOperation("verify"));
        }
        let jwk = with(key.clone(), "key_ops", json!("verify"));
        assert_eq!(refusal(&jwk), KeyProblem::MalformedMember("key_ops"));
        assert!(PublicKey::from_jwk(&with(key, "key_ops", json!(["verify"]))).is_ok());
    }

    #[test]
    fn an_algorithm_of_another_type_of_key_is_refused() {
        for (of, named) in [
            (Algorithm::Es256, Algorithm::Ps256),
            (Algorithm::EdDsa, Algorithm::Es256),
            (Algorithm::Ps256, Algorithm::EdDsa),
        ] {
            let jwk = with(public(of), "alg", json!(named));
            assert_eq!(refusal(&jwk), KeyProblem::AlgorithmMismatch(named));
        }
        for unsupported in ["none", "HS256", "ES512", "PS512", "es256", "RSA-OAEP"] {
            let jwk = with(public(Algorithm::Es256), "alg", json!(unsupported));
            assert!(matches!(refusal(&jwk), KeyProblem::UnsupportedAlgorithm(_)), "{unsupported}");
        }
    }

    #[test]
    fn a_key_id_is_a_text_of_one_to_256_characters() {
        let key = public(Algorithm::Es256);
        let long = "k".repeat(LONGEST_KEY_ID + 1);
        for bad in [json!(""), json!(long), json!(7), json!(null), json!("a\u{0}"), json!("\n")] {
            let jwk = with(key.clone(), "kid", bad);
            assert_eq!(refusal(&jwk), KeyProblem::MalformedMember("kid"));
        }
        let longest = "é".repeat(LONGEST_KEY_ID);
        let jwk = with(key, "kid", json!(longest));
        assert_eq!(PublicKey::from_jwk(&jwk).unwrap().key_id(), Some(longest.as_str()));
    }

    #[test]
    fn an_rsa_key_without_an_algorithm_verifies_all_of_its_type() {
        let mut jwk = public(Algorithm::Ps256);
        jwk.as_object_mut().unwrap().remove("alg");
        let key = PublicKey::from_jwk(&jwk).unwrap();
        assert_eq!(key.algorithms(), [Algorithm::Ps256, Algorithm::Rs256, Algorithm::Rs384]);
    }
}
