//! What a client authenticates with, as far as the bank allows its use: a key, a certificate, a
//! secret.

use serde::{Deserialize, Serialize};

use crate::partners::state::states;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::types::{ClientId, CredentialId, SecretHash, Timestamp};

/// How long a certificate may be used, in seconds, whatever it says itself (GOV §6.2).
pub const CERTIFICATE_SECONDS: i64 = 398 * 86_400;

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

/// A secret as it is stored. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredSecret {
    /// Its hash: it is only compared (`client_secret_basic`, `client_secret_post`).
    Hashed(SecretHash),
    /// The secret itself, sealed: it makes codes (`client_secret_jwt`).
    Sealed(String),
}

impl StoredSecret {
    /// Whether a secret that is stored in this way serves this method.
    #[must_use]
    pub const fn suits(&self, method: ClientAuthenticationMethod) -> bool {
        match self {
            Self::Hashed(_) => matches!(
                method,
                ClientAuthenticationMethod::ClientSecretBasic
                    | ClientAuthenticationMethod::ClientSecretPost
            ),
            Self::Sealed(_) => matches!(method, ClientAuthenticationMethod::ClientSecretJwt),
        }
    }
}

impl std::fmt::Debug for StoredSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("StoredSecret(..)")
    }
}

/// A public key or certificate that a client has authenticated or registered with, or a secret that
/// it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Our identifier.
    pub id: CredentialId,
    /// Whose it is.
    pub client_id: ClientId,
    /// A key's `kid`, if it has one.
    pub key_id: Option<String>,
    /// The RFC 7638 thumbprint of a key, the SHA-256 of a certificate (RFC 8705 §3.1); for a secret,
    /// which has nothing to show, [`Self::id`]. Unique within the client.
    pub thumbprint: String,
    /// The first instant at which it may be used no longer (GOV §6.2).
    pub not_after: Timestamp,
    /// Where it stands.
    pub state: CredentialState,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// The secret, if it is one. It is never shown.
    #[serde(skip)]
    pub secret: Option<StoredSecret>,
}

impl Credential {
    /// Active or retiring, and not past its end.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        matches!(self.state, CredentialState::Active | CredentialState::Retiring)
            && now < self.not_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Secret;

    #[test]
    fn a_secret_is_neither_printed_nor_written() {
        let hash = Secret::new("hush").hash();
        for secret in [StoredSecret::Hashed(hash.clone()), StoredSecret::Sealed("hush".to_owned())]
        {
            let credential = Credential {
                id: CredentialId::from_random("1"),
                client_id: ClientId::from_random("1"),
                key_id: None,
                thumbprint: "crd_1".to_owned(),
                not_after: Timestamp::LATEST,
                state: CredentialState::Active,
                created_at: Timestamp::EARLIEST,
                secret: Some(secret),
            };
            let written = serde_json::to_string(&credential).unwrap();
            for shown in [written, format!("{credential:?}")] {
                assert!(!shown.contains("hush") && !shown.contains(hash.as_str()), "{shown}");
            }
        }
    }
}
