//! The answer that hands out an access token ([RFC 6749 §5.1]).
//!
//! [RFC 6749 §5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::types::{ScopeSet, Secret};

/// The answer; only serialising it shows the token.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// How it is used: `Bearer` or `DPoP`.
    pub token_type: &'static str,
    /// Its life in seconds.
    pub expires_in: i64,
    /// What it is good for, which may be less than was asked for (RFC 6749 §3.3).
    pub scope: ScopeSet,
    /// Where less was granted than asked for: what was decided about each scope.
    pub decisions: Option<Value>,
}

impl Serialize for TokenResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("access_token", self.access_token.reveal())?;
        members.serialize_entry("token_type", self.token_type)?;
        members.serialize_entry("expires_in", &self.expires_in)?;
        members.serialize_entry("scope", &self.scope)?;
        if let Some(decisions) = &self.decisions {
            members.serialize_entry("decisions", decisions)?;
        }
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_the_answer_and_nowhere_else() {
        let response = TokenResponse {
            access_token: Secret::new("a.b.c"),
            token_type: "Bearer",
            expires_in: 300,
            scope: ScopeSet::parse("accounts").unwrap(),
            decisions: None,
        };
        assert!(!format!("{response:?}").contains("a.b.c"));
        assert_eq!(
            serde_json::to_value(&response).unwrap(),
            serde_json::json!({
                "access_token": "a.b.c",
                "token_type": "Bearer",
                "expires_in": 300,
                "scope": "accounts",
            })
        );
    }
}
