//! A client: one registration of a software product (RFC 7591).

use serde::Serialize;

use crate::partners::state::states;
use crate::protocol::client::ClientMetadata;
use crate::types::{ClientId, OrganisationId, SecretHash, SoftwareProductId, Timestamp};

states! {
    /// Where a client stands (GOV §2.2).
    ClientState of "client" {
        /// Registered, not yet usable.
        Provisioned = "provisioned" => [Active, Retired, Revoked],
        /// In use.
        Active = "active" => [Quarantined, Suspended, Retired, Revoked],
        /// Under suspicion: public data and its own status only (GOV-RV-5).
        Quarantined = "quarantined" => [Active, Suspended, Retired, Revoked],
        /// Stopped, reversibly.
        Suspended = "suspended" => [Active, Retired, Revoked],
        /// Deleted by its owner; a tombstone.
        Retired = "retired" => [],
        /// Ended by the bank or an authority; a tombstone.
        Revoked = "revoked" => [],
    }
}

impl ClientState {
    /// Whether only a tombstone is left.
    #[must_use]
    pub fn is_tombstone(self) -> bool {
        matches!(self, Self::Retired | Self::Revoked)
    }
}

/// Where a client's registration came from (GOV §2.2, provenance).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementProvenance {
    /// `iss` of the statement.
    pub issuer: String,
    /// Its `jti`, if it had one.
    pub jti: Option<String>,
    /// The key that signed it.
    pub key_id: Option<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires or expired, if it says so.
    pub expires_at: Option<Timestamp>,
    /// SHA-256 of the compact text, base64url.
    pub digest: String,
}

/// One registration.
#[derive(Debug, Clone)]
pub struct Client {
    /// RFC 7591 `client_id`.
    pub id: ClientId,
    /// What it is an instance of.
    pub software_product_id: SoftwareProductId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// The metadata as registered.
    pub metadata: ClientMetadata,
    /// The software statement, byte for byte (REG-E5).
    pub software_statement: String,
    /// What that statement was.
    pub provenance: StatementProvenance,
    /// The hash of its registration access token (REG-R5).
    pub registration_access_token: SecretHash,
    /// The policy bundle that admitted it.
    pub policy_digest: String,
    /// Where it stands.
    pub state: ClientState,
    /// RFC 7591 `client_id_issued_at`.
    pub issued_at: Timestamp,
}
