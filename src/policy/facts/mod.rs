//! What rules decide from: facts about kinds, built from the partners' records and range-checked
//! before policy sees them (GOV §4.3, GOV-PO-5).

mod grant;
mod token;

use std::ops::RangeInclusive;

use sha2::Digest as _;
use sha2::Sha256;

pub use grant::{GrantFacts, GrantInput, ScopeFacts, StatementFacts};
pub use token::{CredentialFacts, EntitlementFacts, TokenFacts, TokenInput};

use crate::partners::AgreementStatus;
use crate::partners::Tier;
use crate::types::Timestamp;

const DAY: i64 = 86_400;
/// The longest that two instants can lie apart, either way.
const PERIOD: RangeInclusive<i64> = -Timestamp::LATEST.epoch()..=Timestamp::LATEST.epoch();
/// The life of a token, in seconds.
const TOKEN_LIFE: RangeInclusive<i64> = 1..=366 * DAY;
const LONGEST_TEXT: usize = 256;
const MOST_MEMBERS: usize = 100;

/// A fact outside the range that rules are written for. The decision is `policy_error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fact `{fact}` is out of range")]
pub struct OutOfRange {
    /// Which fact.
    pub fact: &'static str,
}

fn within(fact: &'static str, value: i64, range: &RangeInclusive<i64>) -> Result<(), OutOfRange> {
    if range.contains(&value) { Ok(()) } else { Err(OutOfRange { fact }) }
}

fn short(fact: &'static str, text: &str) -> Result<(), OutOfRange> {
    if text.len() <= LONGEST_TEXT { Ok(()) } else { Err(OutOfRange { fact }) }
}

fn short_set<'a>(
    fact: &'static str,
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<(), OutOfRange> {
    for (index, text) in texts.into_iter().enumerate() {
        if index >= MOST_MEMBERS {
            return Err(OutOfRange { fact });
        }
        short(fact, text)?;
    }
    Ok(())
}

/// How tokens are bound to a key of the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SenderConstraint {
    /// Not at all.
    None,
    /// By mutual TLS (RFC 8705).
    Mtls,
    /// By `DPoP` (RFC 9449).
    Dpop,
}

impl SenderConstraint {
    /// The name, as policy reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mtls => "mtls",
            Self::Dpop => "dpop",
        }
    }
}

/// Whether the bank offers a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offer {
    /// No product that was ever published has it.
    Unknown,
    /// Its product is retired, or past its sunset.
    NotLive(Tier),
    /// Its product is live.
    Live(Tier),
}

impl Offer {
    /// The name, as policy reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotLive(_) => "not_live",
            Self::Live(_) => "live",
        }
    }

    /// How risky the scope is.
    #[must_use]
    pub const fn tier(self) -> Option<Tier> {
        match self {
            Self::Unknown => None,
            Self::NotLive(tier) | Self::Live(tier) => Some(tier),
        }
    }

    const fn new(live: bool, tier: Tier) -> Self {
        if live { Self::Live(tier) } else { Self::NotLive(tier) }
    }
}

/// An agreement cannot cover what nobody offers.
const NO_AGREEMENT: AgreementStatus = AgreementStatus::Missing;

/// SHA-256 of a value as canonical JSON, `sha256:` and hexadecimal. The members are sorted, whatever
/// order they were written in.
fn canonical_digest(value: &serde_json::Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    format!("sha256:{:x}", Sha256::digest(text))
}

fn write_canonical(value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::Object(members) => {
            let sorted: std::collections::BTreeMap<_, _> = members.iter().collect();
            text.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&serde_json::Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        serde_json::Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(element, text);
            }
            text.push(']');
        }
        plain @ (serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)) => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_does_not_alter_the_digest() {
        let one = serde_json::from_str(r#"{"b":[1,{"y":null,"x":"\""}],"a":true}"#).unwrap();
        let two = serde_json::from_str(r#"{"a":true,"b":[1,{"x":"\"","y":null}]}"#).unwrap();
        assert_eq!(canonical_digest(&one), canonical_digest(&two));
        let mut text = String::new();
        write_canonical(&one, &mut text);
        assert_eq!(text, r#"{"a":true,"b":[1,{"x":"\"","y":null}]}"#);
    }

    #[test]
    fn texts_and_sets_are_bounded() {
        assert!(short("x", &"a".repeat(257)).is_err());
        assert!(short_set("x", std::iter::repeat_n("a", 101)).is_err());
        assert!(short_set("x", std::iter::repeat_n("a", 100)).is_ok());
    }
}
