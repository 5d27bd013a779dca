//! The protected header of a JWS ([RFC 7515] §4): the members we act on, and those we refuse.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::jose::algorithm::Algorithm;
use crate::jose::jwk::LONGEST_KEY_ID;
use crate::jose::jwk::PublicKey;
use crate::jose::jws::InvalidJws;

/// Members that change what a JWS means or name its key's origin. `crit` and `b64` call for
/// extensions we do not have (SEC-46), `zip` for inflation (SEC-26), and nothing is fetched from an
/// address that the signed thing names (SEC-14).
const FORBIDDEN: [&str; 5] = ["crit", "b64", "zip", "jku", "x5u"];
/// Members that hold the signer's key. It comes from whoever vouches for the signer, unless the
/// format of the JWS makes the key itself the thing that is proved.
const KEYS: [&str; 2] = ["jwk", "x5c"];
/// The longest chain that is read from `x5c`.
const MOST_CERTIFICATES: usize = 8;
/// The longest certificate that is read from `x5c`, in bytes of DER.
const LONGEST_CERTIFICATE: usize = 16 * 1024;

/// Which keys a JWS may bring with it. None by default: a key comes from whoever vouches for the
/// signer, never from the signed thing itself (SEC-14).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeaderRules {
    /// `x5c`: the chain is to be verified up to configured anchors (UDAP).
    pub certificates: bool,
    /// `jwk`: possession of that very key is what the JWS proves (RFC 9449).
    pub embedded_key: bool,
}

impl HeaderRules {
    fn permits(self, member: &str) -> bool {
        match member {
            "x5c" => self.certificates,
            "jwk" => self.embedded_key,
            _ => false,
        }
    }
}

/// What a JWS says of itself. Every other member is ignored, as the standard has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`: how it is signed.
    pub algorithm: Algorithm,
    /// `kid`: which key signed it.
    pub key_id: Option<String>,
    /// `typ`: which kind of JWT it is, as written.
    pub typ: Option<String>,
    /// `x5c`: the signer's certificates as DER, its own first, where [`HeaderRules`] permit them.
    /// Nothing has been verified of them.
    pub certificates: Option<Vec<Vec<u8>>>,
    /// `jwk`: the signer's public key, where [`HeaderRules`] permit it. Nothing vouches for it.
    pub embedded_key: Option<Arc<PublicKey>>,
}

impl Header {
    /// Whether `typ` names this kind, in any case and with or without `application/` (RFC 7515
    /// §4.1.9). A header without `typ` is of no kind.
    #[must_use]
    pub fn is_typ(&self, kind: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| short(typ).eq_ignore_ascii_case(short(kind)))
    }

    pub(super) fn read(
        members: &Map<String, Value>,
        rules: HeaderRules,
    ) -> Result<Self, InvalidJws> {
        let foreign = KEYS.into_iter().filter(|member| !rules.permits(member));
        if let Some(member) =
            FORBIDDEN.into_iter().chain(foreign).find(|m| members.contains_key(*m))
        {
            return Err(InvalidJws::ForbiddenHeader { member });
        }
        let algorithm =
            text(members, "alg")?.ok_or(InvalidJws::MalformedHeader { member: "alg" })?;
        let key_id = text(members, "kid")?;
        if key_id.is_some_and(|key_id| key_id.chars().count() > LONGEST_KEY_ID) {
            return Err(InvalidJws::MalformedHeader { member: "kid" });
        }
        Ok(Self {
            algorithm: Algorithm::parse(algorithm)?,
            key_id: key_id.map(str::to_owned),
            typ: text(members, "typ")?.map(str::to_owned),
            certificates: members.get("x5c").map(certificates).transpose()?,
            embedded_key: members.get("jwk").map(embedded_key).transpose()?,
        })
    }
}

/// RFC 7515 §4.1.6: base64 (not base64url) of DER, the signer's certificate first.
fn certificates(value: &Value) -> Result<Vec<Vec<u8>>, InvalidJws> {
    let malformed = || InvalidJws::MalformedHeader { member: "x5c" };
    let listed = value.as_array().ok_or_else(malformed)?;
    if listed.is_empty() || listed.len() > MOST_CERTIFICATES {
        return Err(malformed());
    }
    let certificate = |one: &Value| {
        let der = one.as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(malformed)?;
        if der.is_empty() || der.len() > LONGEST_CERTIFICATE { Err(malformed()) } else { Ok(der) }
    };
    listed.iter().map(certificate).collect()
}

/// RFC 7515 §4.1.3: a public key that can verify; private and symmetric ones are refused.
fn embedded_key(value: &Value) -> Result<Arc<PublicKey>, InvalidJws> {
    PublicKey::from_jwk(value).map(Arc::new).map_err(InvalidJws::EmbeddedKey)
}

/// A media type without the prefix that may be left out.
fn short(typ: &str) -> &str {
    match typ.split_once('/') {
        Some((prefix, rest))
            if prefix.eq_ignore_ascii_case("application") && !rest.contains('/') =>
        {
            rest
        }
        Some(_) | None => typ,
    }
}

fn text<'a>(
    members: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Option<&'a str>, InvalidJws> {
    members
        .get(member)
        .map(|value| value.as_str().ok_or(InvalidJws::MalformedHeader { member }))
        .transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::KeyProblem;
    use crate::jose::SigningKey;

    fn read(header: &Value) -> Result<Header, InvalidJws> {
        read_with(header, HeaderRules::default())
    }

    fn read_with(header: &Value, rules: HeaderRules) -> Result<Header, InvalidJws> {
        Header::read(header.as_object().unwrap(), rules)
    }

    fn bare(typ: Option<&str>) -> Header {
        Header {
            algorithm: Algorithm::Es256,
            key_id: None,
            typ: typ.map(str::to_owned),
            certificates: None,
            embedded_key: None,
        }
    }

    #[test]
    fn a_member_that_we_refuse_is_named_whatever_it_holds() {
        for member in FORBIDDEN.into_iter().chain(KEYS) {
            for value in [json!(null), json!([]), json!(["exp"]), json!(false), json!("DEF")] {
                let mut header = json!({ "alg": "ES256" });
                header[member] = value;
                assert_eq!(read(&header), Err(InvalidJws::ForbiddenHeader { member }));
            }
        }
    }

    #[test]
    fn members_that_we_do_not_know_are_ignored() {
        let header = json!({ "alg": "ES256", "x5t#S256": "abc", "iss": "me", "cty": "JWT" });
        let read = read(&header).unwrap();
        assert_eq!(read, bare(None));
    }

    #[test]
    fn members_of_the_wrong_type_are_refused() {
        for member in ["alg", "kid", "typ"] {
            for value in [json!(null), json!(1), json!(["ES256"]), json!({})] {
                let mut header = json!({ "alg": "ES256" });
                header[member] = value;
                assert_eq!(read(&header), Err(InvalidJws::MalformedHeader { member }));
            }
        }
        assert_eq!(read(&json!({})), Err(InvalidJws::MalformedHeader { member: "alg" }));
        let long = json!({ "alg": "ES256", "kid": "k".repeat(LONGEST_KEY_ID + 1) });
        assert_eq!(read(&long), Err(InvalidJws::MalformedHeader { member: "kid" }));
    }

    #[test]
    fn a_kind_is_compared_in_any_case_with_or_without_its_prefix() {
        let header = |typ: &str| bare(Some(typ));
        for same in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            assert!(header(same).is_typ("at+jwt"), "{same}");
            assert!(header(same).is_typ("application/at+jwt"), "{same}");
        }
        for other in ["", "jwt", "at+jwt ", "text/at+jwt", "application/x/at+jwt", "at+jwt;v=1"] {
            assert!(!header(other).is_typ("at+jwt"), "{other}");
        }
        assert!(!bare(None).is_typ("at+jwt"));
    }

    #[test]
    fn each_rule_opens_its_own_door_alone_sec_14() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap().public_jwk();
        let header = json!({ "alg": "ES256", "x5c": ["AQID"], "jwk": key });
        let both = HeaderRules { certificates: true, embedded_key: true };
        let read = read_with(&header, both).unwrap();
        assert_eq!(read.certificates, Some(vec![vec![1, 2, 3]]));
        assert_eq!(read.embedded_key.unwrap().to_value(), key);
        for (rules, member) in [
            (HeaderRules { certificates: false, ..both }, "x5c"),
            (HeaderRules { embedded_key: false, ..both }, "jwk"),
        ] {
            let refused = read_with(&header, rules).unwrap_err();
            assert_eq!(refused, InvalidJws::ForbiddenHeader { member });
        }
        for member in ["jku", "x5u"] {
            let header = json!({ "alg": "ES256", member: "https://keys.example" });
            let refused = read_with(&header, both).unwrap_err();
            assert_eq!(refused, InvalidJws::ForbiddenHeader { member });
        }
    }

    #[test]
    fn certificates_are_bounded_and_in_the_alphabet_of_rfc_7515_4_1_6() {
        let rules = HeaderRules { certificates: true, embedded_key: false };
        let long = STANDARD.encode(vec![7; LONGEST_CERTIFICATE + 1]);
        for bad in [
            json!(null),
            json!("AQID"),
            json!([]),
            json!([""]),
            json!([1]),
            json!(["-_-_"]),
            json!(["AQ"]),
            json!(["AQ ID"]),
            json!(vec!["AQID"; MOST_CERTIFICATES + 1]),
            json!([long]),
        ] {
            let refused = read_with(&json!({ "alg": "ES256", "x5c": bad }), rules).unwrap_err();
            assert_eq!(refused, InvalidJws::MalformedHeader { member: "x5c" });
        }
    }

    #[test]
    fn an_embedded_key_is_public_and_asymmetric_rfc_9449_4_3() {
        let rules = HeaderRules { certificates: false, embedded_key: true };
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let private: Value = serde_json::from_str(key.private_jwk().reveal()).unwrap();
        for (bad, problem) in [
            (private, KeyProblem::PrivateMember("d")),
            (json!({ "kty": "oct" }), KeyProblem::SymmetricKey),
            (json!({ "kty": "oct", "k": "AQ" }), KeyProblem::PrivateMember("k")),
            (json!("key"), KeyProblem::NotAnObject),
            (json!(null), KeyProblem::NotAnObject),
        ] {
            let refused = read_with(&json!({ "alg": "ES256", "jwk": bad }), rules).unwrap_err();
            assert_eq!(refused, InvalidJws::EmbeddedKey(problem));
        }
    }
}
