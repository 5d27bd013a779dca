//! The times of a client assertion (RFC 7523 §3, items 4 to 6).

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::CLOCK_SKEW;
use super::InvalidAssertion;
use crate::types::Timestamp;

/// The times that an assertion carries.
pub(super) struct Times {
    pub(super) expires_at: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
}

impl Times {
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, InvalidAssertion> {
        Ok(Self {
            expires_at: time(claims, "exp")?.ok_or(InvalidAssertion::Claim("exp"))?,
            not_before: time(claims, "nbf")?,
            issued_at: time(claims, "iat")?,
        })
    }

    pub(super) fn issued_at(&self, longest: i64) -> Timestamp {
        self.issued_at.unwrap_or_else(|| self.expires_at.plus(longest.saturating_neg()))
    }

    pub(super) fn check(&self, longest: i64, now: Timestamp) -> Result<(), InvalidAssertion> {
        let latest = now.plus(CLOCK_SKEW);
        if self.expires_at.plus(CLOCK_SKEW) <= now {
            return Err(InvalidAssertion::Expired);
        }
        if self.expires_at > latest.plus(longest) {
            return Err(InvalidAssertion::LivesTooLong(longest));
        }
        if self.not_before.is_some_and(|not_before| not_before > latest) {
            return Err(InvalidAssertion::NotYetValid);
        }
        if self.issued_at.is_some_and(|issued_at| issued_at > latest) {
            return Err(InvalidAssertion::IssuedInTheFuture);
        }
        if self.expires_at.since(self.issued_at(longest)) > longest {
            return Err(InvalidAssertion::LivesTooLong(longest));
        }
        Ok(())
    }
}

fn time(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, InvalidAssertion> {
    claims
        .get(name)
        .map(|value| Timestamp::deserialize(value).map_err(|_| InvalidAssertion::Claim(name)))
        .transpose()
}
