//! What this server can do for a client; what it cannot is refused, never accepted in silence.

use std::collections::BTreeSet;

use crate::protocol::discovery::Features;
use crate::protocol::token::client_credentials::CLIENT_CREDENTIALS;

/// The capabilities that metadata is checked against: what the server does, narrowed by the trust
/// framework. The default supports nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent capability")]
pub struct Supported {
    /// RFC 7591 `grant_types`.
    pub grant_types: Vec<&'static str>,
    /// RFC 7591 `response_types`, each in the spelling that is stored.
    pub response_types: Vec<&'static str>,
    /// RFC 7591 `token_endpoint_auth_method`.
    pub token_endpoint_auth_methods: Vec<&'static str>,
    /// The algorithms of client assertions.
    pub token_endpoint_auth_signing_algs: Vec<&'static str>,
    /// The algorithms of ID tokens.
    pub id_token_signing_algs: Vec<&'static str>,
    /// The algorithms of signed user information.
    pub userinfo_signing_algs: Vec<&'static str>,
    /// The algorithms of request objects (RFC 9101).
    pub request_object_signing_algs: Vec<&'static str>,
    /// The algorithms of signed authorization responses (JARM).
    pub authorization_signing_algs: Vec<&'static str>,
    /// The key management algorithms of encrypted answers and requests.
    pub encryption_algs: Vec<&'static str>,
    /// The content encryption algorithms that go with them.
    pub encryption_encs: Vec<&'static str>,
    /// OpenID Connect subject types.
    pub subject_types: Vec<&'static str>,
    /// Authentication context classes.
    pub acr_values: Vec<&'static str>,
    /// Response modes.
    pub response_modes: Vec<&'static str>,
    /// Types of RFC 9396 authorization details.
    pub authorization_details_types: Vec<&'static str>,
    /// Request objects by reference (`request_uris`).
    pub request_uris: bool,
    /// Third-party initiated login and authentication requirements (`initiate_login_uri`,
    /// `default_max_age`, `require_auth_time`).
    pub user_authentication: bool,
    /// Pushed authorization requests (RFC 9126).
    pub pushed_authorization_requests: bool,
    /// Access tokens bound to a `DPoP` key (RFC 9449).
    pub dpop: bool,
    /// Access tokens bound to a certificate (RFC 8705 §3).
    pub certificate_bound_access_tokens: bool,
    /// Separate endpoints for mutual TLS (RFC 8705 §5).
    pub mtls_endpoint_aliases: bool,
    /// Redirect URIs on `localhost` or a loopback address of web clients.
    pub local_redirects: bool,
    /// Hybrid response types without the `implicit` grant (REG-X1, the UK profile).
    pub hybrid_without_implicit: bool,
    /// Members whose values come from a verified statement: the directory has checked whose hosts
    /// they name (REG-M5).
    pub vouched: BTreeSet<String>,
}

impl Supported {
    /// What a server with these features does today: clients that act for themselves and
    /// authenticate with a key.
    #[must_use]
    pub fn of(features: &Features) -> Self {
        Self {
            grant_types: vec![CLIENT_CREDENTIALS],
            token_endpoint_auth_methods: vec!["private_key_jwt"],
            token_endpoint_auth_signing_algs: features
                .assertion_algorithms
                .iter()
                .map(|algorithm| algorithm.name())
                .collect(),
            ..Self::default()
        }
    }
}
