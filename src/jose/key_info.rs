//! The key of a certificate (`SubjectPublicKeyInfo`, [RFC 5280 §4.1]) as a JSON Web Key.
//!
//! [RFC 5280 §4.1]: https://www.rfc-editor.org/rfc/rfc5280#section-4.1

use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcKeyPair;
use josekit::jwk::alg::ed::EdKeyPair;
use josekit::jwk::alg::rsa::RsaKeyPair;
use openssl::bn::{BigNum, BigNumContext};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use serde_json::{Map, Value, json};

use crate::jose::compact;
use crate::jose::jwk::KeyProblem;
use crate::jose::key_material::P_384;

/// The members of the key, not yet checked.
pub(super) fn public_jwk(der: &[u8]) -> Result<Value, KeyProblem> {
    let key = PKey::public_key_from_der(der).map_err(|_| KeyProblem::MalformedKeyInfo)?;
    // Nothing may follow the structure: two spellings of one key would be two keys.
    if key.public_key_to_der().ok().as_deref() != Some(der) {
        return Err(KeyProblem::MalformedKeyInfo);
    }
    let read = match key.id() {
        Id::RSA => rsa(&key),
        Id::EC => return ec(&key),
        Id::ED25519 => ed25519(&key),
        _ => return Err(KeyProblem::UnsupportedType),
    };
    read.map_err(|_| KeyProblem::MalformedKeyInfo)
}

/// The members of a private key in PKCS #8, not yet checked; `None` if it is no such key.
pub(super) fn private_jwk(der: &[u8]) -> Option<Map<String, Value>> {
    let key = PKey::private_key_from_der(der).ok()?;
    let der = key.private_key_to_pkcs8().ok()?;
    let jwk: Jwk = match key.id() {
        Id::RSA => RsaKeyPair::from_der(der).ok()?.to_jwk_key_pair(),
        Id::EC => EcKeyPair::from_der(der, None).ok()?.to_jwk_key_pair(),
        Id::ED25519 => EdKeyPair::from_der(der).ok()?.to_jwk_key_pair(),
        _ => return None,
    };
    let mut members = Map::clone(jwk.as_ref());
    // The library adds a purpose to some keys and not to others; ours are for signatures.
    members.retain(|name, _| !matches!(name.as_str(), "use" | "key_ops" | "alg" | "kid"));
    Some(members)
}

fn rsa(key: &PKey<Public>) -> Result<Value, ErrorStack> {
    let key = key.rsa()?;
    let (modulus, exponent) = (key.n().to_vec(), key.e().to_vec());
    Ok(json!({ "kty": "RSA", "n": compact::encode(modulus), "e": compact::encode(exponent) }))
}

fn ec(key: &PKey<Public>) -> Result<Value, KeyProblem> {
    let key = key.ec_key().map_err(|_| KeyProblem::MalformedKeyInfo)?;
    // The curve's name in a JWK, and how many bytes a coordinate fills.
    let (curve, bytes) = match key.group().curve_name() {
        Some(Nid::X9_62_PRIME256V1) => ("P-256", 32),
        Some(Nid::SECP384R1) => (P_384, 48),
        _ => return Err(KeyProblem::UnsupportedCurve),
    };
    let coordinates = || -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
        let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
        let mut context = BigNumContext::new()?;
        key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context)?;
        Ok((x.to_vec_padded(bytes)?, y.to_vec_padded(bytes)?))
    };
    let (x, y) = coordinates().map_err(|_| KeyProblem::UnsoundPoint)?;
    let (x, y) = (compact::encode(x), compact::encode(y));
    Ok(json!({ "kty": "EC", "crv": curve, "x": x, "y": y }))
}

fn ed25519(key: &PKey<Public>) -> Result<Value, ErrorStack> {
    let point = compact::encode(key.raw_public_key()?);
    Ok(json!({ "kty": "OKP", "crv": "Ed25519", "x": point }))
}

#[cfg(test)]
mod tests {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::rsa::Rsa;

    use super::*;
    use crate::jose::Algorithm;
    use crate::jose::HeaderRules;
    use crate::jose::PublicKey;
    use crate::jose::SigningKey;
    use crate::jose::UnverifiedJws;
    use crate::jose::forge;

    fn info_of(key: &SigningKey) -> Vec<u8> {
        forge::key_pair(key).unwrap().to_der_public_key()
    }

    #[test]
    fn the_key_of_a_certificate_is_the_key_itself() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let read = PublicKey::from_public_key_info(&info_of(&key)).unwrap();
            assert_eq!(read.thumbprint(), key.thumbprint(), "{algorithm}");
            assert!(read.algorithms().contains(&algorithm));
            assert_eq!(read.key_id(), None);
        }
    }

    #[test]
    fn a_private_key_in_pkcs8_signs_what_its_certificate_verifies() {
        for algorithm in [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa] {
            let key = SigningKey::generate(algorithm).unwrap();
            let der = forge::key_pair(&key).unwrap().to_der_private_key();
            let der = PKey::private_key_from_der(&der).unwrap().private_key_to_pkcs8().unwrap();
            let read = SigningKey::from_private_key_info(&der).unwrap();
            assert_eq!(read.thumbprint(), key.thumbprint(), "{algorithm}");
        }
        assert!(SigningKey::from_private_key_info(b"no key").is_err());
    }

    #[test]
    fn further_members_of_a_header_leave_algorithm_and_type_alone() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let further = json!({ "alg": "none", "typ": "x", "kid": null, "x5c": ["AQID"] });
        let none = Map::new();
        let jws = key.sign_with("JWT", further.as_object().unwrap(), &none).unwrap();
        let rules = HeaderRules { certificates: true, embedded_key: false };
        let read = UnverifiedJws::parse_with(&jws, rules).unwrap();
        assert_eq!(read.header().algorithm, Algorithm::Es256);
        assert!(read.header().is_typ("JWT") && read.header().key_id.is_none());
        assert_eq!(read.header().certificates, Some(vec![vec![1, 2, 3]]));
    }

    #[test]
    fn weak_keys_other_curves_and_other_bytes_are_refused() {
        let refused = |der: &[u8]| PublicKey::from_public_key_info(der).unwrap_err();
        let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        assert_eq!(refused(&weak.public_key_to_der().unwrap()), KeyProblem::ModulusSize(1024));
        let group = EcGroup::from_curve_name(Nid::SECP521R1).unwrap();
        let other = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        assert_eq!(refused(&other.public_key_to_der().unwrap()), KeyProblem::UnsupportedCurve);
        let key = info_of(&SigningKey::generate(Algorithm::Es256).unwrap());
        assert_eq!(refused(&[key.as_slice(), &[0]].concat()), KeyProblem::MalformedKeyInfo);
        for bad in [&b""[..], b"0", b"no key", &key[..key.len() - 1]] {
            assert_eq!(refused(bad), KeyProblem::MalformedKeyInfo);
        }
    }
}
