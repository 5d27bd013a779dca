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
