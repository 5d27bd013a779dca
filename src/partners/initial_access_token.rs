//! An initial access token: the bank's leave to register, for one organisation (RFC 7591 §3, REG-I).

use serde::Serialize;

use crate::partners::state::states;
use crate::types::{
    FrameworkName, InitialAccessTokenId, OrganisationId, ScopeSet, SecretHash, Timestamp,
};

states! {
    /// Where an initial access token stands. Whether it is used up or has expired follows from its
    /// numbers.
    InitialAccessTokenState of "initial access token" {
        /// Good, as long as uses are left and its time has not come.
        Active = "active" => [Revoked],
        /// Withdrawn.
        Revoked = "revoked" => [],
    }
}

/// The bank's leave to register, and its policy (REG-I2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitialAccessToken {
    /// Our identifier; it is no secret.
    pub id: InitialAccessTokenId,
    /// The hash of the token. It is never shown.
    #[serde(skip)]
    pub secret_hash: SecretHash,
    /// What it is for, in the operator's words.
    pub purpose: String,
    /// Whose software may register with it.
    pub organisation_id: OrganisationId,
    /// The trust framework whose statements it goes with; any if absent.
    pub framework: Option<FrameworkName>,
    /// The most that clients registered with it may ever hold; no further limit if absent.
    pub scope: Option<ScopeSet>,
    /// How many clients may be registered with it.
    pub most_uses: u32,
    /// How many have been.
    pub uses: u32,
    /// The first instant at which it is good no longer.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: InitialAccessTokenState,
    /// When it was issued.
    pub created_at: Timestamp,
}

impl InitialAccessToken {
    /// Whether one more client may be registered with it.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.state == InitialAccessTokenState::Active
            && self.uses < self.most_uses
            && now < self.expires_at
    }
}
