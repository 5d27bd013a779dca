//! What the partner's software does: it signs registrations and assertions with its own key.

use serde_json::{Value, json};

use crate::cli::demo::exchange::{Body, Given, Request};
use crate::cli::error::CommandError;
use crate::jose::SigningKey;
use crate::random;
use crate::types::Timestamp;

/// RFC 7521 §4.2 names it.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long a signed request or assertion lasts, in seconds.
const LIFETIME: i64 = 120;

/// The partner's software, with its key.
#[derive(Debug)]
pub struct Partner {
    /// What the directory calls the software.
    pub software_id: String,
    /// Its private key.
    pub key: SigningKey,
    /// The authorization server it speaks to.
    pub issuer: String,
}

impl Partner {
    /// The registration request: the metadata and the statement, signed by a key of the software
    /// that the statement speaks of.
    ///
    /// # Errors
    ///
    /// The key cannot sign.
    pub fn registration(
        &self,
        statement: &str,
        scopes: &[String],
        now: Timestamp,
    ) -> Result<String, CommandError> {
        let claims = json!({
            "iss": self.software_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now.plus(LIFETIME),
            "jti": random::identifier(),
            "software_statement": statement,
            "grant_types": ["client_credentials"],
            "response_types": [],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": self.key.algorithm(),
            "scope": scopes.join(" "),
        });
        self.signed(&claims)
    }

    /// A client assertion (RFC 7523 §2.2): it proves who asks, and serves once.
    ///
    /// # Errors
    ///
    /// The key cannot sign.
    pub fn assertion(&self, client_id: &str, now: Timestamp) -> Result<String, CommandError> {
        self.signed(&json!({
            "iss": client_id,
            "sub": client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now.plus(LIFETIME),
            "jti": random::identifier(),
        }))
    }

    fn signed(&self, claims: &Value) -> Result<String, CommandError> {
        self.key.sign("JWT", claims).map_err(|error| CommandError::failed(error.to_string()))
    }
}

/// The request for a statement.
#[must_use]
pub fn statement_request(url: &str, asked: Value) -> Request {
    Request::post(url, Body::Json(asked))
}

/// The token request (RFC 6749 §4.4.2).
#[must_use]
pub fn token_request(url: &str, scope: &str, assertion: Given) -> Request {
    let parameters = vec![
        ("grant_type", Given::lasting("client_credentials")),
        ("scope", Given::lasting(scope)),
        ("client_assertion_type", Given::lasting(ASSERTION_TYPE)),
        ("client_assertion", assertion),
    ];
    Request::post(url, Body::Form(parameters))
}
