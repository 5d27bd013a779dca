//! Encryption for one recipient ([RFC 7516], RFC 7518 §4 and §5): what is signed already is wrapped for
//! whoever holds a key. Nothing is decrypted here, and nothing is ever compressed (SEC-46).
//!
//! [RFC 7516]: https://www.rfc-editor.org/rfc/rfc7516

use std::sync::OnceLock;

use josekit::jwe::{
    ECDH_ES, ECDH_ES_A128KW, ECDH_ES_A256KW, JweEncrypter, JweHeader, RSA_OAEP, RSA_OAEP_256,
};
use josekit::jwk::Jwk;
use serde_json::{Map, Value};

use crate::jose::jwk;
use crate::jose::jwk::KeyProblem;
use crate::jose::key_material;
use crate::jose::key_material::text;

/// How the key of the content may be found (`alg`).
pub const KEY_MANAGEMENT: [&str; 5] =
    ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"];
/// How the content may be encrypted (`enc`).
pub const CONTENT_ENCRYPTION: [&str; 4] = ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"];

/// Why nothing can be encrypted for somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// None of the keys fits.
    #[error("there is no key with `use` `enc` that fits `{0}`")]
    NoKey(String),
    /// An algorithm that we do not have.
    #[error("the encryption `{0}` is not supported")]
    Unsupported(String),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed to encrypt")]
    Library,
}

/// A public key of somebody for whom we encrypt, checked, with encrypters that are built once (FLR-2).
#[derive(Debug)]
pub(super) struct EncryptionKey {
    key_id: Option<String>,
    named: Option<String>,
    material: Map<String, Value>,
    encrypters: [OnceLock<Option<Box<dyn JweEncrypter>>>; KEY_MANAGEMENT.len()],
}

impl EncryptionKey {
    /// Reads a key whose `use` is `enc`; any other is none of ours.
    pub(super) fn from_jwk(value: &Value) -> Result<Self, KeyProblem> {
        let members = value.as_object().ok_or(KeyProblem::NotAnObject)?;
        if let Some(member) = jwk::PRIVATE.into_iter().find(|name| members.contains_key(*name)) {
            return Err(KeyProblem::PrivateMember(member));
        }
        if members.get("use").is_none_or(|purpose| purpose != "enc") {
            return Err(KeyProblem::MalformedMember("use"));
        }
        let (material, _) = key_material::read(members)?;
        if text(&material, "kty")? == "OKP" {
            return Err(KeyProblem::UnsupportedCurve);
        }
        let named = members.get("alg").map(|_| text(members, "alg")).transpose()?;
        let named = named.map(str::to_owned);
        let encrypters = [const { OnceLock::new() }; KEY_MANAGEMENT.len()];
        Ok(Self { key_id: jwk::key_id(members)?, named, material, encrypters })
    }

    /// What encrypts by `algorithm`, if the key is of its type and names no other.
    fn encrypter(&self, algorithm: &str) -> Option<&dyn JweEncrypter> {
        if self.named.as_deref().is_some_and(|named| named != algorithm) {
            return None;
        }
        let position = KEY_MANAGEMENT.iter().position(|known| *known == algorithm)?;
        let built = self.encrypters.get(position)?;
        built.get_or_init(|| encrypter(&self.material, algorithm)).as_deref()
    }
}

/// Builds an encrypter; nothing if the key is of another type, or no point of its curve.
fn encrypter(material: &Map<String, Value>, algorithm: &str) -> Option<Box<dyn JweEncrypter>> {
    let jwk = Jwk::from_map(material.clone()).ok()?;
    Some(match algorithm {
        "RSA-OAEP" => Box::new(RSA_OAEP.encrypter_from_jwk(&jwk).ok()?),
        "RSA-OAEP-256" => Box::new(RSA_OAEP_256.encrypter_from_jwk(&jwk).ok()?),
        "ECDH-ES" => Box::new(ECDH_ES.encrypter_from_jwk(&jwk).ok()?),
        "ECDH-ES+A128KW" => Box::new(ECDH_ES_A128KW.encrypter_from_jwk(&jwk).ok()?),
        "ECDH-ES+A256KW" => Box::new(ECDH_ES_A256KW.encrypter_from_jwk(&jwk).ok()?),
        _ => return None,
    })
}

/// Wraps a signed JWT for whoever holds the first of `keys` that fits: a nested JWT, which says so
/// (RFC 7519 §5.2). `typ` says what is inside, as it does there.
pub(super) fn nested(
    keys: &[EncryptionKey],
    (algorithm, encryption): (&str, &str),
    typ: &str,
    jwt: &str,
) -> Result<String, EncryptionError> {
    for (name, known) in [(algorithm, &KEY_MANAGEMENT[..]), (encryption, &CONTENT_ENCRYPTION[..])] {
        if !known.contains(&name) {
            return Err(EncryptionError::Unsupported(name.to_owned()));
        }
    }
    let fitting = keys.iter().find_map(|key| Some((key, key.encrypter(algorithm)?)));
    let (key, encrypter) = fitting.ok_or_else(|| EncryptionError::NoKey(algorithm.to_owned()))?;
    let mut header = JweHeader::new();
    header.set_content_encryption(encryption);
    header.set_content_type("JWT");
    header.set_token_type(typ);
    if let Some(key_id) = &key.key_id {
        header.set_key_id(key_id);
    }
    josekit::jwe::serialize_compact(jwt.as_bytes(), &header, encrypter)
        .map_err(|_| EncryptionError::Library)
}

#[cfg(test)]
mod tests {
    use josekit::jwe::{JweDecrypter, deserialize_compact};
    use josekit::jwk::P_256;
    use openssl::bn::{BigNum, BigNumContext};
    use openssl::derive::Deriver;
    use openssl::ec::{EcGroup, EcKey, EcPoint};
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::symm::{Cipher, decrypt_aead};
    use serde_json::json;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::jose::compact;

    fn pair(kind: &str) -> Jwk {
        match kind {
            "RSA" => Jwk::generate_rsa_key(2048).unwrap(),
            _ => Jwk::generate_ec_key(P_256).unwrap(),
        }
    }

    fn public(pair: &Jwk, more: &Value) -> Value {
        let mut members = pair.to_public_key().unwrap();
        members.set_key_use("enc");
        let mut members = Map::clone(members.as_ref());
        members.extend(more.as_object().unwrap().clone());
        Value::Object(members)
    }

    fn decrypter(pair: &Jwk, algorithm: &str) -> Box<dyn JweDecrypter> {
        match algorithm {
            "RSA-OAEP" => Box::new(RSA_OAEP.decrypter_from_jwk(pair).unwrap()),
            "RSA-OAEP-256" => Box::new(RSA_OAEP_256.decrypter_from_jwk(pair).unwrap()),
            "ECDH-ES" => Box::new(ECDH_ES.decrypter_from_jwk(pair).unwrap()),
            "ECDH-ES+A128KW" => Box::new(ECDH_ES_A128KW.decrypter_from_jwk(pair).unwrap()),
            _ => Box::new(ECDH_ES_A256KW.decrypter_from_jwk(pair).unwrap()),
        }
    }

    fn header(jwe: &str) -> Value {
        let header = compact::decode(jwe.split('.').next().unwrap()).unwrap();
        serde_json::from_slice(&header).unwrap()
    }

    #[test]
    fn every_pair_of_algorithms_is_read_by_whoever_holds_the_key_and_by_nobody_else() {
        let (rsa, ec) = (pair("RSA"), pair("EC"));
        for algorithm in KEY_MANAGEMENT {
            let holder = if algorithm.starts_with("RSA") { &rsa } else { &ec };
            let keys = [&rsa, &ec]
                .map(|key| EncryptionKey::from_jwk(&public(key, &json!({ "kid": "k" }))).unwrap());
            for encryption in CONTENT_ENCRYPTION {
                let jwe = nested(&keys, (algorithm, encryption), "kind+jwt", "a.b.c").unwrap();
                let header = header(&jwe);
                assert_eq!(header["alg"], algorithm);
                assert_eq!(header["enc"], encryption);
                assert_eq!((&header["cty"], &header["typ"]), (&json!("JWT"), &json!("kind+jwt")));
                assert_eq!((&header["kid"], header.get("zip")), (&json!("k"), None));
                let opened = deserialize_compact(&jwe, &*decrypter(holder, algorithm)).unwrap();
                assert_eq!(opened.0, b"a.b.c");
            }
        }
        let other = pair("EC");
        let keys = [EncryptionKey::from_jwk(&public(&ec, &json!({}))).unwrap()];
        let jwe = nested(&keys, ("ECDH-ES+A256KW", "A256GCM"), "t", "a.b.c").unwrap();
        assert!(deserialize_compact(&jwe, &*decrypter(&other, "ECDH-ES+A256KW")).is_err());
    }

    /// RFC 7518 §4.6.2, §5.3: the same by hand, from the standard, with another library.
    #[test]
    fn an_agreed_key_is_derived_as_the_standard_says() {
        let ec = pair("EC");
        let keys = [EncryptionKey::from_jwk(&public(&ec, &json!({}))).unwrap()];
        let jwe = nested(&keys, ("ECDH-ES", "A256GCM"), "t", "a.b.c").unwrap();
        let parts: Vec<&str> = jwe.split('.').collect();
        let bytes = |text: &str| compact::decode(text).unwrap();
        let number = |text: &Value| BigNum::from_slice(&bytes(text.as_str().unwrap())).unwrap();
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let point = |jwk: &Value| {
            let mut context = BigNumContext::new().unwrap();
            let mut point = EcPoint::new(&group).unwrap();
            let (x, y) = (number(&jwk["x"]), number(&jwk["y"]));
            point.set_affine_coordinates_gfp(&group, &x, &y, &mut context).unwrap();
            point
        };
        let mine = Value::Object(Map::clone(ec.as_ref()));
        let secret = number(&mine["d"]);
        let own = EcKey::from_private_components(&group, &secret, &point(&mine)).unwrap();
        let own = PKey::from_ec_key(own).unwrap();
        let ephemeral = point(&header(&jwe)["epk"]);
        let theirs = EcKey::from_public_key(&group, &ephemeral).unwrap();
        let theirs = PKey::from_ec_key(theirs).unwrap();
        let mut deriver = Deriver::new(&own).unwrap();
        deriver.set_peer(&theirs).unwrap();
        let mut hashed = Sha256::new();
        hashed.update(1_u32.to_be_bytes());
        hashed.update(deriver.derive_to_vec().unwrap());
        hashed.update(7_u32.to_be_bytes());
        hashed.update("A256GCM");
        hashed.update([0; 8]);
        hashed.update(256_u32.to_be_bytes());
        let (nonce, sealed, tag) = (bytes(parts[2]), bytes(parts[3]), bytes(parts[4]));
        let (cipher, over) = (Cipher::aes_256_gcm(), parts[0].as_bytes());
        let key = hashed.finalize();
        let opened = decrypt_aead(cipher, &key, Some(&nonce), over, &sealed, &tag).unwrap();
        assert_eq!(opened, b"a.b.c");
        assert_eq!(parts[1], "");
    }

    #[test]
    fn only_a_fitting_key_is_used() {
        let ec = pair("EC");
        let read = |more: Value| EncryptionKey::from_jwk(&public(&ec, &more));
        let with = |more| [read(more).unwrap()];
        let refused = |keys: &[EncryptionKey], algorithm, encryption| {
            nested(keys, (algorithm, encryption), "t", "a.b.c").unwrap_err()
        };
        let plain = with(json!({}));
        let no_key = |name: &str| EncryptionError::NoKey(name.to_owned());
        assert_eq!(refused(&plain, "RSA-OAEP", "A128GCM"), no_key("RSA-OAEP"));
        assert_eq!(refused(&[], "ECDH-ES", "A128GCM"), no_key("ECDH-ES"));
        let named = with(json!({ "alg": "ECDH-ES+A128KW" }));
        assert_eq!(refused(&named, "ECDH-ES", "A128GCM"), no_key("ECDH-ES"));
        for (algorithm, encryption) in
            [("RSA1_5", "A128GCM"), ("dir", "A128GCM"), ("ECDH-ES", "A192GCM"), ("ECDH-ES", "none")]
        {
            let refused = refused(&plain, algorithm, encryption);
            assert!(matches!(refused, EncryptionError::Unsupported(_)), "{refused}");
        }
        assert_eq!(read(json!({ "use": "sig" })).unwrap_err(), KeyProblem::MalformedMember("use"));
        assert_eq!(read(json!({ "d": "AQ" })).unwrap_err(), KeyProblem::PrivateMember("d"));
        assert!(read(json!({ "x": "AQ" })).is_err());
        // A point off the curve is found when it is to be used.
        let off = with(json!({ "x": compact::encode([0xff; 32]) }));
        assert_eq!(refused(&off, "ECDH-ES", "A128GCM"), no_key("ECDH-ES"));
    }
}
