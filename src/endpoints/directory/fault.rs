//! Bad statements by name, for those who test what refuses them (GOV-TD-1).

use serde_json::{Value, json};

use crate::jose::SigningError;
use crate::jose::SigningKey;
use crate::jose::forge;
use crate::protocol::registration::LONGEST_STATEMENT;
use crate::types::Timestamp;

/// An issuer that nobody trusts; `.invalid` is nobody's (RFC 6761 §6.4).
const STRANGER: &str = "https://directory.invalid";
/// How far an expired or future statement lies from now, in seconds.
const AN_HOUR: i64 = 3600;
/// With this much padding a statement is over its limit, and its registration not over that of a body.
const PADDING: usize = LONGEST_STATEMENT;

macro_rules! faults {
    ($($variant:ident = $name:literal, $meaning:literal;)+) => {
        /// What is wrong with a statement.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault { $(#[doc = $meaning] $variant,)+ }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that asks for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it is, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

faults! {
    Expired = "expired", "issued an hour ago, for five minutes";
    Future = "future", "issued an hour from now";
    WrongIssuer = "wrong_issuer", "properly signed, in the name of an unknown issuer";
    BadSignature = "bad_signature", "one bit of the signature is turned";
    AlgNone = "alg_none", "not signed at all, and says so";
    Hs256PublicKey = "hs256_public_key", "signed with the public key as a shared secret";
    UnknownKid = "unknown_kid", "signed, under a `kid` that the directory does not publish";
    HugeExp = "huge_exp", "`exp` is 1e19";
    Oversized = "oversized", "padded to more than 16 KiB";
    MissingIss = "missing_iss", "without an issuer";
    DuplicateMember = "duplicate_member", "`iss` stands twice";
}

/// A name that is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such fault; the faults are {}", known())]
pub struct UnknownFault;

fn known() -> String {
    Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
}

impl std::str::FromStr for Fault {
    type Err = UnknownFault;
    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name).ok_or(UnknownFault)
    }
}

/// Signs claims as `fault` says.
///
/// # Errors
///
/// The cryptographic library fails.
pub(super) fn sign(
    fault: Fault,
    key: &SigningKey,
    mut claims: Value,
    now: Timestamp,
) -> Result<String, SigningError> {
    match fault {
        Fault::Expired => key.sign("JWT", &at(claims, now.plus(-AN_HOUR))),
        Fault::Future => key.sign("JWT", &at(claims, now.plus(AN_HOUR))),
        Fault::WrongIssuer => key.sign("JWT", &with(claims, "iss", json!(STRANGER))),
        Fault::BadSignature => forge::with_broken_signature(key, &claims),
        Fault::AlgNone => Ok(forge::unsigned(&claims)),
        Fault::Hs256PublicKey => forge::hs256_with_public_key(key, &claims),
        Fault::UnknownKid => forge::with_key_id(key, "unpublished", &claims),
        Fault::HugeExp => forge::raw_payload(key, raw_exp(claims).as_bytes()),
        Fault::Oversized => key.sign("JWT", &with(claims, "padding", json!("x".repeat(PADDING)))),
        Fault::MissingIss => {
            if let Some(members) = claims.as_object_mut() {
                members.remove("iss");
            }
            key.sign("JWT", &claims)
        }
        Fault::DuplicateMember => forge::raw_payload(key, doubled(&claims).as_bytes()),
    }
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    if let Some(members) = claims.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    claims
}

/// The claims as they would have been, had they been made at `issued`.
fn at(claims: Value, issued: Timestamp) -> Value {
    let claims = with(claims, "iat", json!(issued));
    with(claims, "exp", json!(issued.plus(super::claims::LIFETIME)))
}

/// Written by hand, because no number type of ours would say it.
fn raw_exp(mut claims: Value) -> String {
    if let Some(members) = claims.as_object_mut() {
        members.remove("exp");
    }
    opened(&claims, r#""exp":1e19"#)
}

fn doubled(claims: &Value) -> String {
    opened(claims, &format!(r#""iss":"{STRANGER}""#))
}

/// An object's text with another member written in front.
fn opened(claims: &Value, member: &str) -> String {
    let text = claims.to_string();
    let rest = text.strip_prefix('{').unwrap_or("}");
    let comma = if rest == "}" { "" } else { "," };
    format!("{{{member}{comma}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::jose::JwkSet;
    use crate::jose::UnverifiedJws;

    #[test]
    fn a_fault_is_found_by_its_name_and_an_unknown_one_lists_them() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(*fault));
        }
        let error = "typo".parse::<Fault>().unwrap_err().to_string();
        assert!(error.contains("expired") && error.contains("duplicate_member"), "{error}");
    }

    #[test]
    fn each_fault_makes_what_it_says() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
        let now = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let claims = json!({ "iss": "https://d.example", "iat": now, "exp": now.plus(300) });
        let verified = |fault| {
            let statement = sign(fault, &key, claims.clone(), now).unwrap();
            let claims = UnverifiedJws::parse(&statement).ok()?.verify(&keys, &[Algorithm::Es256]);
            claims.ok().map(|verified| Value::Object(verified.claims))
        };
        for unverifiable in [
            Fault::BadSignature,
            Fault::AlgNone,
            Fault::Hs256PublicKey,
            Fault::UnknownKid,
            Fault::DuplicateMember,
        ] {
            assert_eq!(verified(unverifiable), None, "{unverifiable:?}");
        }
        let seconds = |fault, name: &str| verified(fault).unwrap()[name].as_i64().unwrap();
        assert!(seconds(Fault::Expired, "exp") < now.epoch() - 60);
        assert!(seconds(Fault::Future, "iat") > now.epoch() + 60);
        assert_eq!(verified(Fault::WrongIssuer).unwrap()["iss"], STRANGER);
        assert_eq!(verified(Fault::HugeExp).unwrap()["exp"], 1e19);
        assert!(verified(Fault::MissingIss).unwrap().get("iss").is_none());
        assert!(sign(Fault::Oversized, &key, claims.clone(), now).unwrap().len() > PADDING);
    }
}
