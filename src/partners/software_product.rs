//! A software product: what a software statement speaks of.

use serde::{Deserialize, Serialize};

use crate::partners::state::states;
use crate::types::{FrameworkName, OrganisationId, SoftwareId, SoftwareProductId, Timestamp};

states! {
    /// Where a software product stands (GOV §2.2).
    SoftwareProductState of "software product" {
        /// Named, not yet usable.
        Draft = "draft" => [Active, Removed],
        /// May be used.
        Active = "active" => [Inactive, Withdrawn, Removed],
        /// Stopped, reversibly.
        Inactive = "inactive" => [Active, Removed],
        /// Stopped because its directory vouches for it no longer; what the bank stopped stays so.
        Withdrawn = "withdrawn" => [Active, Inactive, Removed],
        /// Gone.
        Removed = "removed" => [],
    }
}

/// A partner's software.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftwareProduct {
    /// Our identifier.
    pub id: SoftwareProductId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// The trust framework whose directory knows it.
    pub framework: FrameworkName,
    /// What that directory calls it; unique within the framework.
    pub software_id: SoftwareId,
    /// Its name, for people.
    pub name: String,
    /// Where it stands.
    pub state: SoftwareProductState,
    /// When it was recorded.
    pub created_at: Timestamp,
}
