//! The server, as the operator API shows it.

use serde::Serialize;
use utoipa::ToSchema;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusView {
    /// Its version.
    pub version: &'static str,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Whose customers are served.
    pub environment: &'static str,
    /// Its clock.
    #[schema(format = DateTime)]
    pub time: String,
    /// Who is asking.
    pub operator: String,
    /// In which role.
    pub role: &'static str,
    /// The number of changes that this node has seen.
    pub change_sequence: u64,
    /// Whether that number is known to be less than about a second old.
    pub change_sequence_is_fresh: bool,
    /// The policy bundle in force.
    pub policy_digest: String,
    /// The trust frameworks that are loaded.
    pub frameworks: Vec<String>,
    /// The key that signs now.
    pub signing_key: Option<String>,
}
