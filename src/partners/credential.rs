//! A client's key, as far as the bank allows its use.

use serde::{Deserialize, Serialize};

use crate::partners::state::states;
use crate::types::{ClientId, CredentialId, Timestamp};

/// How long a key may be used, in seconds (GOV §6.2).
pub const KEY_SECONDS: i64 = 365 * 86_400;

states! {
    /// Where a credential stands (GOV §2.2).
    CredentialState of "credential" {
        /// Shown, possession not proved.
        PendingProof = "pending_proof" => [Active, Revoked],
        /// In use.
        Active = "active" => [Retiring, Expired, Revoked, Compromised],
        /// In use until its successor has taken over.
        Retiring = "retiring" => [Expired, Revoked, Compromised],
        /// Ended by time.
        Expired = "expired" => [],
        /// Withdrawn.
        Revoked = "revoked" => [],
        /// Known to somebody else.
        Compromised = "compromised" => [],
    }
}

/// A public key that a client has authenticated or registered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Our identifier.
    pub id: CredentialId,
    /// Whose it is.
    pub client_id: ClientId,
    /// The key's `kid`, if it has one.
    pub key_id: Option<String>,
    /// RFC 7638 thumbprint; unique within the client.
    pub thumbprint: String,
    /// The first instant at which it may be used no longer (GOV §6.2).
    pub not_after: Timestamp,
    /// Where it stands.
    pub state: CredentialState,
    /// When it was first seen.
    pub created_at: Timestamp,
}

impl Credential {
    /// Active or retiring, and not past its end.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        matches!(self.state, CredentialState::Active | CredentialState::Retiring)
            && now < self.not_after
    }
}
