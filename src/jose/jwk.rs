//! A public JSON Web Key ([RFC 7517], RFC 7518 §6, RFC 8037) with its verifiers and its thumbprint
//! ([RFC 7638]).
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638

use std::sync::OnceLock;

use josekit::jwk::Jwk;
use josekit::jws::{ES256, EdDSA, JwsVerifier, PS256, RS256};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::jose::algorithm::Algorithm;
use crate::jose::algorithm::InvalidAlgorithm;
use crate::jose::compact;
use crate::jose::ed25519;
use crate::jose::rsa;

/// The longest `kid`, in characters.
pub const LONGEST_KEY_ID: usize = 256;

/// Members that only private or symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

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
    /// `crv` is none of `P-256`, `Ed25519`.
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
    /// `key_ops` lacks `verify`.
    #[error("the key is not for verifying: `key_ops` must include `verify`")]
    NotForVerifying,
    /// `alg` names an algorithm that we do not know.
    #[error("the member `alg`: {0}")]
    UnsupportedAlgorithm(#[from] InvalidAlgorithm),
    /// `alg` does not belong to the key's type.
    #[error("the algorithm `{0}` does not belong to this type of key")]
    AlgorithmMismatch(Algorithm),
    /// Another key of the set has this `kid`.
    #[error("the `kid` stands twice in the set")]
    RepeatedKeyId,
}

/// A public key that has been checked, with verifiers that are built once (FLR-2).
#[derive(Debug)]
pub struct PublicKey {
    key_id: Option<String>,
    thumbprint: String,
    algorithms: &'static [Algorithm],
    named_algorithm: Option<Algorithm>,
    material: Map<String, Value>,
    verifier: Box<dyn JwsVerifier>,
    /// RSA keys that name no algorithm also verify RS256; it is seldom allowed, so built when used.
    second: OnceLock<Option<Box<dyn JwsVerifier>>>,
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
        let material = material(members)?;
        check_purpose(members, "verify")?;
        let key_id = key_id(members)?;
        let named_algorithm = named_algorithm(members)?;
        let algorithms = algorithms(&material, named_algorithm)?;
        let first = algorithms.first().ok_or(KeyProblem::UnsupportedType)?;
        // Everything but the curve equation has been checked, so that is what import can find.
        let verifier = verifier(&material, *first).ok_or(KeyProblem::UnsoundPoint)?;
        let thumbprint = thumbprint(&material);
        let second = OnceLock::new();
        Ok(Self { key_id, thumbprint, algorithms, named_algorithm, material, verifier, second })
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
        if !self.algorithms.contains(&algorithm) {
            return false;
        }
        let verifier = if self.algorithms.first() == Some(&algorithm) {
            Some(&self.verifier)
        } else {
            self.second.get_or_init(|| verifier(&self.material, algorithm)).as_ref()
        };
        verifier.is_some_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

/// The members that make the key itself, and no others: those of RFC 7638 §3.2.
pub(super) fn material(members: &Map<String, Value>) -> Result<Map<String, Value>, KeyProblem> {
    let names: &[&'static str] = match text(members, "kty")? {
        "EC" => &["crv", "kty", "x", "y"],
        "RSA" => &["e", "kty", "n"],
        "OKP" => &["crv", "kty", "x"],
        "oct" => return Err(KeyProblem::SymmetricKey),
        _ => return Err(KeyProblem::UnsupportedType),
    };
    let mut material = Map::new();
    for name in names {
        material.insert((*name).to_owned(), json!(text(members, name)?));
    }
    check_material(&material)?;
    Ok(material)
}

fn check_material(material: &Map<String, Value>) -> Result<(), KeyProblem> {
    match text(material, "kty")? {
        "EC" => {
            check_curve(material, "P-256")?;
            coordinate(material, "x")?;
            coordinate(material, "y").map(|_| ())
        }
        "RSA" => rsa::check(&bytes(material, "n")?, &bytes(material, "e")?),
        _ => {
            check_curve(material, "Ed25519")?;
            let point = coordinate(material, "x")?;
            if ed25519::is_sound(&point) { Ok(()) } else { Err(KeyProblem::UnsoundPoint) }
        }
    }
}

fn check_curve(material: &Map<String, Value>, curve: &str) -> Result<(), KeyProblem> {
    if text(material, "crv")? == curve { Ok(()) } else { Err(KeyProblem::UnsupportedCurve) }
}

/// A coordinate of either curve fills 32 bytes, leading zeros included (RFC 7518 §6.2.1.2).
fn coordinate(material: &Map<String, Value>, name: &'static str) -> Result<[u8; 32], KeyProblem> {
    bytes(material, name)?.try_into().map_err(|_| KeyProblem::MalformedMember(name))
}

fn bytes(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyProblem> {
    compact::decode(text(members, name)?).ok_or(KeyProblem::MalformedMember(name))
}

fn text<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, KeyProblem> {
    members
        .get(name)
        .ok_or(KeyProblem::MissingMember(name))?
        .as_str()
        .ok_or(KeyProblem::MalformedMember(name))
}

/// `use` and `key_ops`, where present, must allow what the key is for (RFC 7517 §4.2, §4.3).
pub(super) fn check_purpose(
    members: &Map<String, Value>,
    operation: &str,
) -> Result<(), KeyProblem> {
    if members.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(KeyProblem::NotForSignatures);
    }
    let Some(operations) = members.get("key_ops") else { return Ok(()) };
    let operations = operations.as_array().ok_or(KeyProblem::MalformedMember("key_ops"))?;
    if !operations.iter().any(|allowed| allowed == operation) {
        return Err(KeyProblem::NotForVerifying);
    }
    Ok(())
}

pub(super) fn key_id(members: &Map<String, Value>) -> Result<Option<String>, KeyProblem> {
    if !members.contains_key("kid") {
        return Ok(None);
    }
    let key_id = text(members, "kid")?;
    if key_id.is_empty() || key_id.chars().count() > LONGEST_KEY_ID {
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
        "EC" => &[Algorithm::Es256],
        "RSA" => &[Algorithm::Ps256, Algorithm::Rs256],
        _ => &[Algorithm::EdDsa],
    };
    let Some(named) = named else { return Ok(fitting) };
    let position = fitting.iter().position(|algorithm| *algorithm == named);
    position
        .and_then(|position| fitting.get(position..=position))
        .ok_or(KeyProblem::AlgorithmMismatch(named))
}

fn verifier(material: &Map<String, Value>, algorithm: Algorithm) -> Option<Box<dyn JwsVerifier>> {
    let jwk = Jwk::from_map(material.clone()).ok()?;
    Some(match algorithm {
        Algorithm::Es256 => Box::new(ES256.verifier_from_jwk(&jwk).ok()?),
        Algorithm::Ps256 => Box::new(PS256.verifier_from_jwk(&jwk).ok()?),
        Algorithm::EdDsa => Box::new(EdDSA.verifier_from_jwk(&jwk).ok()?),
        Algorithm::Rs256 => Box::new(RS256.verifier_from_jwk(&jwk).ok()?),
    })
}

/// RFC 7638 §3: the required members in lexicographic order, without white space, hashed. A
/// `serde_json` map is sorted, and its strings here need no escapes.
pub(super) fn thumbprint(material: &Map<String, Value>) -> String {
    let sorted: std::collections::BTreeMap<_, _> = material.iter().collect();
    compact::encode(Sha256::digest(json!(sorted).to_string()))
}
