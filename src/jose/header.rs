//! The protected header of a JWS ([RFC 7515] §4): the members we act on, and those we refuse.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515

use serde_json::{Map, Value};

use crate::jose::algorithm::Algorithm;
use crate::jose::jwk::LONGEST_KEY_ID;
use crate::jose::jws::InvalidJws;

/// Members that change what a JWS means or name its key's origin. `crit` and `b64` call for
/// extensions we do not have (SEC-46), `zip` for inflation (SEC-26), and a key comes from whoever
/// vouches for the signer, never from the signed thing itself (SEC-14).
const FORBIDDEN: [&str; 7] = ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c"];

/// What a JWS says of itself. Every other member is ignored, as the standard has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`: how it is signed.
    pub algorithm: Algorithm,
    /// `kid`: which key signed it.
    pub key_id: Option<String>,
    /// `typ`: which kind of JWT it is, as written.
    pub typ: Option<String>,
}

impl Header {
    /// Whether `typ` names this kind, in any case and with or without `application/` (RFC 7515
    /// §4.1.9). A header without `typ` is of no kind.
    #[must_use]
    pub fn is_typ(&self, kind: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| short(typ).eq_ignore_ascii_case(short(kind)))
    }

    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, InvalidJws> {
        for member in FORBIDDEN {
            if members.contains_key(member) {
                return Err(InvalidJws::ForbiddenHeader { member });
            }
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
        })
    }
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

    fn read(header: &Value) -> Result<Header, InvalidJws> {
        Header::read(header.as_object().unwrap())
    }

    #[test]
    fn a_member_that_we_refuse_is_named_whatever_it_holds() {
        for member in FORBIDDEN {
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
        assert_eq!(read, Header { algorithm: Algorithm::Es256, key_id: None, typ: None });
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
        let header = |typ: &str| Header {
            algorithm: Algorithm::Es256,
            key_id: None,
            typ: Some(typ.to_owned()),
        };
        for same in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            assert!(header(same).is_typ("at+jwt"), "{same}");
            assert!(header(same).is_typ("application/at+jwt"), "{same}");
        }
        for other in ["", "jwt", "at+jwt ", "text/at+jwt", "application/x/at+jwt", "at+jwt;v=1"] {
            assert!(!header(other).is_typ("at+jwt"), "{other}");
        }
        assert!(!Header { typ: None, ..header("") }.is_typ("at+jwt"));
    }
}
