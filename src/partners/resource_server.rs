//! A resource server: an API of the bank that asks whether a token is good (RFC 7662).

use serde::Serialize;
use serde_json::Value;

use crate::partners::state::states;
use crate::types::{ResourceServerId, ResourceUri, SecretHash, Timestamp};

states! {
    /// Where a resource server stands.
    ResourceServerState of "resource server" {
        /// May ask.
        Active = "active" => [Suspended],
        /// Stopped, reversibly.
        Suspended = "suspended" => [Active],
    }
}

/// An API of the bank. It authenticates with a secret, or with keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceServer {
    /// Our identifier; it is the server's `client_id`.
    pub id: ResourceServerId,
    /// What the bank calls it.
    pub name: String,
    /// The `aud` of the tokens that it may ask about; unique.
    pub audience: ResourceUri,
    /// The hash of its secret, if it has one. It is never shown.
    #[serde(skip)]
    pub secret_hash: Option<SecretHash>,
    /// Its keys, if it has any.
    pub jwks: Option<Value>,
    /// Where it stands.
    pub state: ResourceServerState,
    /// When it was recorded.
    pub created_at: Timestamp,
}
