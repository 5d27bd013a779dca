//! An entitlement: a client's permission for one scope, with an end (GOV §2.2).

use serde::{Deserialize, Serialize};

use crate::partners::state::states;
use crate::types::{ApiProductId, ClientId, EntitlementId, Scope, Timestamp};

states! {
    /// Where an entitlement stands (GOV §2.2).
    EntitlementState of "entitlement" {
        /// Asked for.
        Requested = "requested" => [Active, Revoked],
        /// In use.
        Active = "active" => [Due, Reduced, Expired, Revoked],
        /// In use; its review is due.
        Due = "due" => [Renewed, Reduced, Expired, Revoked],
        /// In use after a review.
        Renewed = "renewed" => [Due, Reduced, Expired, Revoked],
        /// Taken back at a review.
        Reduced = "reduced" => [],
        /// Ended by time.
        Expired = "expired" => [],
        /// Withdrawn.
        Revoked = "revoked" => [],
    }
}

/// A client's permission for one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// Our identifier.
    pub id: EntitlementId,
    /// Whose it is.
    pub client_id: ClientId,
    /// For what; unique within the client.
    pub scope: Scope,
    /// The product that the scope belongs to.
    pub product_id: ApiProductId,
    /// What granted it: `policy:<digest>`, later `case:<id>`.
    pub basis: String,
    /// When it was granted.
    pub granted_at: Timestamp,
    /// The first instant at which it holds no longer.
    pub expires_at: Timestamp,
    /// When somebody must look at it again.
    pub review_due: Timestamp,
    /// Where it stands.
    pub state: EntitlementState,
}

impl Entitlement {
    /// Whether the state, the end aside, lets it be used.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(
            self.state,
            EntitlementState::Active | EntitlementState::Due | EntitlementState::Renewed
        )
    }
}
