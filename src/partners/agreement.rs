//! A contract with a partner: the commercial axis of standing (GOV §2.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::partners::Environment;
use crate::partners::state::states;
use crate::types::{AgreementId, ApiProductId, OrganisationId, Timestamp};

states! {
    /// Where an agreement stands (GOV §2.2). Its window is judged separately, when asked.
    AgreementState of "agreement" {
        /// Being written.
        Draft = "draft" => [Signed, Terminated],
        /// Signed, not yet put into force.
        Signed = "signed" => [Active, Terminated],
        /// In force.
        Active = "active" => [InNotice, Expired, Terminated],
        /// In force, and ending.
        InNotice = "in_notice" => [Active, Expired, Terminated],
        /// Ended by time.
        Expired = "expired" => [],
        /// Ended by a party.
        Terminated = "terminated" => [],
    }
}

/// A contract: which products, in which environments, from when until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Our identifier.
    pub id: AgreementId,
    /// With whom.
    pub organisation_id: OrganisationId,
    /// The number on the paper.
    pub reference: String,
    /// What may be used.
    pub products: BTreeSet<ApiProductId>,
    /// Where it may be used.
    pub environments: BTreeSet<Environment>,
    /// The first instant at which it holds.
    pub valid_from: Timestamp,
    /// The first instant at which it holds no longer.
    pub valid_until: Timestamp,
    /// Where it stands.
    pub state: AgreementState,
    /// When it was recorded.
    pub created_at: Timestamp,
}

impl Agreement {
    /// Active or in notice: the words of the contract bind, its window aside.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        matches!(self.state, AgreementState::Active | AgreementState::InNotice)
    }

    /// Whether `now` lies in `[valid_from, valid_until)`.
    #[must_use]
    pub fn window_contains(&self, now: Timestamp) -> bool {
        self.valid_from <= now && now < self.valid_until
    }
}
