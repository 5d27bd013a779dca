//! What makes a key that key ([RFC 7518] §6, RFC 8037 §2): its members, checked, and their
//! thumbprint ([RFC 7638]).
//!
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518
//! [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::jose::compact;
use crate::jose::ed25519;
use crate::jose::jwk::KeyProblem;
use crate::jose::rsa;

/// The curve of ES384 (RFC 7518 §3.4).
pub(super) const P_384: &str = "P-384";

/// The numbers of a public key, of sizes that are acceptable. That a point of P-256 or P-384 is on its
/// curve is seen when it is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Material {
    P256 { x: [u8; 32], y: [u8; 32] },
    P384 { x: [u8; 48], y: [u8; 48] },
    Ed25519 { x: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// The members that make the key itself, and no others: those of RFC 7638 §3.2; and what they say.
pub(super) fn read(
    members: &Map<String, Value>,
) -> Result<(Map<String, Value>, Material), KeyProblem> {
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
    let numbers = check(&material)?;
    Ok((material, numbers))
}

fn check(material: &Map<String, Value>) -> Result<Material, KeyProblem> {
    match text(material, "kty")? {
        "EC" => {
            if text(material, "crv")? == P_384 {
                let (x, y) = (coordinate(material, "x")?, coordinate(material, "y")?);
                return Ok(Material::P384 { x, y });
            }
            check_curve(material, "P-256")?;
            Ok(Material::P256 { x: coordinate(material, "x")?, y: coordinate(material, "y")? })
        }
        "RSA" => {
            let (n, e) = (bytes(material, "n")?, bytes(material, "e")?);
            rsa::check(&n, &e)?;
            Ok(Material::Rsa { n, e })
        }
        _ => {
            check_curve(material, "Ed25519")?;
            let x = coordinate(material, "x")?;
            if ed25519::is_sound(&x) {
                Ok(Material::Ed25519 { x })
            } else {
                Err(KeyProblem::UnsoundPoint)
            }
        }
    }
}

fn check_curve(material: &Map<String, Value>, curve: &str) -> Result<(), KeyProblem> {
    if text(material, "crv")? == curve { Ok(()) } else { Err(KeyProblem::UnsupportedCurve) }
}

/// A coordinate fills as many bytes as its curve has, leading zeros included (RFC 7518 §6.2.1.2).
fn coordinate<const BYTES: usize>(
    material: &Map<String, Value>,
    name: &'static str,
) -> Result<[u8; BYTES], KeyProblem> {
    bytes(material, name)?.try_into().map_err(|_| KeyProblem::MalformedMember(name))
}

fn bytes(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyProblem> {
    compact::decode(text(members, name)?).ok_or(KeyProblem::MalformedMember(name))
}

/// A member that must be a text.
pub(super) fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, KeyProblem> {
    members
        .get(name)
        .ok_or(KeyProblem::MissingMember(name))?
        .as_str()
        .ok_or(KeyProblem::MalformedMember(name))
}

/// RFC 7638 §3: the required members in lexicographic order, without white space, hashed. They
/// are base64url and known names, so nothing in them is escaped.
pub(super) fn thumbprint(material: &Map<String, Value>) -> String {
    let sorted: BTreeMap<_, _> = material.iter().collect();
    compact::encode(Sha256::digest(json!(sorted).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thumbprint_of(jwk: &Value) -> String {
        thumbprint(&read(jwk.as_object().unwrap()).unwrap().0)
    }

    #[test]
    fn thumbprints_are_those_of_the_standards() {
        // RFC 7638 §3.1.
        let rsa = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\
                  oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65\
                  YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyr\
                  dkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
                  nqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29",
        });
        assert_eq!(thumbprint_of(&rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        // RFC 8037 appendix A.3.
        let ed25519 = json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        assert_eq!(thumbprint_of(&ed25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_coordinate_fills_thirty_two_bytes() {
        for length in [0, 31, 33, 64] {
            let x = compact::encode(vec![7; length]);
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
            let refused = read(jwk.as_object().unwrap());
            assert_eq!(refused, Err(KeyProblem::MalformedMember("x")), "{length}");
        }
    }

    #[test]
    fn other_types_and_curves_are_refused() {
        let refused = |jwk: Value| read(jwk.as_object().unwrap()).unwrap_err();
        assert_eq!(refused(json!({ "kty": "oct" })), KeyProblem::SymmetricKey);
        assert_eq!(refused(json!({ "kty": "ec" })), KeyProblem::UnsupportedType);
        assert_eq!(refused(json!({})), KeyProblem::MissingMember("kty"));
        assert_eq!(refused(json!({ "kty": 1 })), KeyProblem::MalformedMember("kty"));
        for curve in ["P-521", "p-384", "secp256k1", "Ed25519", ""] {
            let jwk = json!({ "kty": "EC", "crv": curve, "x": "", "y": "" });
            assert_eq!(refused(jwk), KeyProblem::UnsupportedCurve, "{curve}");
        }
        for curve in ["X25519", "Ed448", "P-256"] {
            let jwk = json!({ "kty": "OKP", "crv": curve, "x": "" });
            assert_eq!(refused(jwk), KeyProblem::UnsupportedCurve, "{curve}");
        }
    }
}
