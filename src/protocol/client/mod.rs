//! A client's metadata (RFC 7591 §2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::{HttpsUri, ScopeSet};

/// The metadata of a client as registered, every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// How the client authenticates at the token endpoint.
    pub token_endpoint_auth_method: String,
    /// The grant types it may use.
    pub grant_types: Vec<String>,
    /// What it may ask for.
    pub scope: ScopeSet,
    /// Its keys, by value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Its keys, by address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<HttpsUri>,
}
