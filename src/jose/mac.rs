//! JSON Web Signatures made with a shared secret ([RFC 7518 §3.2]): HS256, and for one purpose alone,
//! `client_secret_jwt`.
//!
//! They are a type of their own: what verifies signatures never meets a shared secret, and what
//! checks these never meets a public key (SEC-10).
//!
//! [RFC 7518 §3.2]: https://www.rfc-editor.org/rfc/rfc7518#section-3.2

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::jose::compact;
use crate::jose::jws::InvalidJws;
use crate::jose::jws::LONGEST_JWS;
use crate::types::Secret;
use crate::types::json;

/// The `alg` of what is read here.
pub const HS256: &str = "HS256";
/// RFC 7518 §3.2: a secret is at least as long as the hash.
const SHORTEST_SECRET: usize = 32;
/// What a header may not hold; see [`crate::jose::Header`]. A key has no place in it at all.
const FORBIDDEN: [&str; 7] = ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c"];

/// A JWS that says it is made with HS256, and of which nothing else is known yet.
#[derive(Debug, Clone)]
pub struct UnverifiedMac {
    typ: Option<String>,
    claims: Map<String, Value>,
    signing_input: String,
    mac: Vec<u8>,
}

impl UnverifiedMac {
    /// Reads a compact JWS whose payload is a JSON object.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, in the order of reading.
    pub fn parse(text: &str) -> Result<Self, InvalidJws> {
        if text.len() > LONGEST_JWS {
            return Err(InvalidJws::TooLong);
        }
        let [header, payload, mac] = compact::parts(text).ok_or(InvalidJws::NotCompact)?;
        let members =
            json::parse_object(&decode(header, "header")?).map_err(InvalidJws::HeaderNotJson)?;
        if let Some(member) = FORBIDDEN.into_iter().find(|member| members.contains_key(*member)) {
            return Err(InvalidJws::ForbiddenHeader { member });
        }
        if members.get("alg").and_then(Value::as_str) != Some(HS256) {
            return Err(InvalidJws::MalformedHeader { member: "alg" });
        }
        let typ = members.get("typ").map(|typ| {
            typ.as_str().map(str::to_owned).ok_or(InvalidJws::MalformedHeader { member: "typ" })
        });
        Ok(Self {
            typ: typ.transpose()?,
            claims: json::parse_object(&decode(payload, "payload")?)
                .map_err(InvalidJws::ClaimsNotJson)?,
            signing_input: format!("{header}.{payload}"),
            mac: decode(mac, "signature")?,
        })
    }

    /// `typ`: which kind of JWT it is, as written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// What it claims, only to look up whose secret is to be tried.
    #[must_use]
    pub const fn unverified_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Whether it was made with this secret, the octets of its text (OpenID Connect Core §10.1),
    /// compared in constant time (SEC-29).
    #[must_use]
    pub fn is_by(&self, secret: &Secret) -> bool {
        mac(secret, &self.signing_input).is_some_and(|mac| mac.ct_eq(&self.mac).into())
    }
}

/// A JWT made with a shared secret, as a client makes it; for tests.
#[must_use]
pub fn mac_jwt(secret: &Secret, claims: &Value) -> Option<String> {
    let header = compact::encode(format!(r#"{{"alg":"{HS256}"}}"#));
    let input = format!("{header}.{}", compact::encode(claims.to_string()));
    let mac = mac(secret, &input)?;
    Some(format!("{input}.{}", compact::encode(mac)))
}

fn mac(secret: &Secret, input: &str) -> Option<Vec<u8>> {
    let secret = secret.reveal().as_bytes();
    if secret.len() < SHORTEST_SECRET {
        return None;
    }
    let key = PKey::hmac(secret).ok()?;
    Signer::new(MessageDigest::sha256(), &key).ok()?.sign_oneshot_to_vec(input.as_bytes()).ok()
}

fn decode(text: &str, part: &'static str) -> Result<Vec<u8>, InvalidJws> {
    compact::decode(text).ok_or(InvalidJws::NotBase64Url { part })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::Algorithm;
    use crate::jose::SigningKey;
    use crate::jose::UnverifiedJws;

    const SECRET: &str = "a secret of more than thirty-two octets";

    fn made(header: &str, claims: &str) -> String {
        let input = format!("{}.{}", compact::encode(header), compact::encode(claims));
        let mac = mac(&Secret::new(SECRET), &input).unwrap();
        format!("{input}.{}", compact::encode(mac))
    }

    #[test]
    fn it_is_made_as_others_make_it() {
        // Made with another implementation of HMAC (RFC 2104) and base64url.
        let made = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJjbF8xIn0.9zYBxLhSLeFp1hgNEAgw\
                    J1qE4iGYwJ-LmX2UXR2bDZw";
        let secret = Secret::new(SECRET);
        assert_eq!(mac_jwt(&secret, &json!({ "iss": "cl_1" })).as_deref(), Some(made));
        assert!(UnverifiedMac::parse(made).unwrap().is_by(&secret));
    }

    #[test]
    fn it_is_by_its_secret_and_by_no_other() {
        let jwt = mac_jwt(&Secret::new(SECRET), &json!({ "iss": "cl_1" })).unwrap();
        let parsed = UnverifiedMac::parse(&jwt).unwrap();
        assert!(parsed.is_by(&Secret::new(SECRET)));
        for other in ["", "short", &SECRET.replace('a', "b"), &format!("{SECRET} ")] {
            assert!(!parsed.is_by(&Secret::new(other)), "{other}");
        }
        let (input, mac) = jwt.rsplit_once('.').unwrap();
        let (start, end) = mac.split_at(20);
        for forged in ["", start, &format!("{end}{start}")] {
            let forged = format!("{input}.{forged}");
            let parsed = UnverifiedMac::parse(&forged).unwrap();
            assert!(!parsed.is_by(&Secret::new(SECRET)), "{forged}");
        }
    }

    #[test]
    fn a_short_secret_makes_and_proves_nothing_rfc_7518_3_2() {
        assert_eq!(mac_jwt(&Secret::new("a".repeat(31)), &json!({})), None);
        assert!(mac_jwt(&Secret::new("a".repeat(32)), &json!({})).is_some());
    }

    #[test]
    fn any_other_algorithm_is_not_read_here_sec_10() {
        for alg in
            [r#""none""#, r#""ES256""#, r#""hs256""#, r#""HS384""#, r#""HS512""#, "null", "1"]
        {
            let refused = UnverifiedMac::parse(&made(&format!(r#"{{"alg":{alg}}}"#), "{}"));
            let expected = InvalidJws::MalformedHeader { member: "alg" };
            assert_eq!(refused.unwrap_err(), expected, "{alg}");
        }
        let signed =
            SigningKey::generate(Algorithm::Es256).unwrap().sign("JWT", &json!({})).unwrap();
        assert!(UnverifiedMac::parse(&signed).is_err());
        let made = made(r#"{"alg":"HS256"}"#, "{}");
        assert!(UnverifiedJws::parse(&made).is_err());
    }

    #[test]
    fn what_is_malformed_is_refused_before_any_key_operation() {
        for header in [
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","b64":true}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"{"alg":"HS256","jku":"https://x.example"}"#,
            r#"{"alg":"HS256","jwk":{}}"#,
            r#"{"alg":"HS256","x5c":[]}"#,
            r#"{"alg":"HS256","x5u":"https://x.example"}"#,
            r#"{"alg":"HS256","typ":1}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
            "[]",
            "",
        ] {
            assert!(UnverifiedMac::parse(&made(header, "{}")).is_err(), "{header}");
        }
        for claims in ["[]", r#"{"iss":"a","iss":"b"}"#, ""] {
            assert!(UnverifiedMac::parse(&made(r#"{"alg":"HS256"}"#, claims)).is_err(), "{claims}");
        }
        let long = "A".repeat(LONGEST_JWS + 1);
        for text in ["", "..", "a.b", "a.b.c.d", long.as_str()] {
            assert!(UnverifiedMac::parse(text).is_err());
        }
    }
}
