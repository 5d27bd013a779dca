//! What the partner's software does: it signs registrations, assertions and proofs with its own key.

use serde_json::{Map, Value, json};

use crate::cli::demo::exchange::{Body, Given, Request};
use crate::cli::error::CommandError;
use crate::jose::SigningError;
use crate::jose::SigningKey;
use crate::protocol::dpop;
use crate::random;
use crate::types::{Secret, Timestamp};

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

/// What a registration asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The scopes.
    pub scopes: &'a [String],
    /// Whether every access token is to be bound to a key that the software proves (RFC 9449 §5.2).
    pub proving: bool,
}

/// The request that a proof is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address; a query is left out of the proof.
    pub url: &'a str,
    /// The access token that it carries, if any.
    pub token: Option<&'a Secret>,
    /// The nonce that the server has asked for, if any.
    pub nonce: Option<&'a str>,
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
        wish: Wish<'_>,
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
            "scope": wish.scopes.join(" "),
            "dpop_bound_access_tokens": wish.proving,
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

    /// A `DPoP` proof (RFC 9449 §4.2): that the sender of this very request holds the key. It serves
    /// once, and with an access token, for that token alone.
    ///
    /// # Errors
    ///
    /// The key cannot sign.
    pub fn proof(&self, target: Target<'_>, now: Timestamp) -> Result<String, CommandError> {
        let header = Map::from_iter([
            ("jwk".to_owned(), self.key.public_jwk()),
            // RFC 9449 §4.2: the key stands in the header itself.
            ("kid".to_owned(), Value::Null),
        ]);
        let mut claims = Map::from_iter([
            ("jti".to_owned(), json!(random::identifier())),
            ("htm".to_owned(), json!(target.method)),
            ("htu".to_owned(), json!(without_query(target.url))),
            ("iat".to_owned(), json!(now)),
        ]);
        claims.extend(target.token.map(|token| ("ath".to_owned(), json!(dpop::hash(token)))));
        claims.extend(target.nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
        let failed = |error: SigningError| CommandError::failed(error.to_string());
        self.key.sign_with(dpop::TYPE, &header, &claims).map_err(failed)
    }

    fn signed(&self, claims: &Value) -> Result<String, CommandError> {
        self.key.sign("JWT", claims).map_err(|error| CommandError::failed(error.to_string()))
    }
}

/// RFC 9449 §4.2: an address without its query and fragment.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
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
