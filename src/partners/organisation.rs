//! A partner organisation: the risk axis of standing (GOV §2.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::partners::state::states;
use crate::types::{DirectoryOrganisationId, FrameworkName, OrganisationId, Timestamp};

states! {
    /// Where an organisation stands (GOV §2.2). Only an active one takes part.
    OrganisationState of "organisation" {
        /// Named, not yet looked at.
        Proposed = "proposed" => [Verifying, Rejected],
        /// Being vetted.
        Verifying = "verifying" => [Active, Rejected],
        /// Vetted; may take part.
        Active = "active" => [Suspended, Withdrawn, Revoked],
        /// Stopped, reversibly.
        Suspended = "suspended" => [Active, Withdrawn, Revoked],
        /// Left by itself.
        Withdrawn = "withdrawn" => [Archived],
        /// Expelled by an authority.
        Revoked = "revoked" => [Archived],
        /// Did not pass vetting.
        Rejected = "rejected" => [Archived],
        /// Kept for the record.
        Archived = "archived" => [],
    }
}

/// A dated security attestation, such as a certificate or a penetration test report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What kind it is, for example `iso27001_certificate`.
    pub kind: String,
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// A partner organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Our identifier.
    pub id: OrganisationId,
    /// The trust framework whose directory knows it.
    pub framework: FrameworkName,
    /// What that directory calls it; unique within the framework.
    pub directory_id: DirectoryOrganisationId,
    /// The registered name.
    pub legal_name: String,
    /// ISO 3166 code of the country it is supervised in.
    pub jurisdiction: String,
    /// Roles granted by a regulator, for example `AISP`.
    pub regulatory_roles: BTreeSet<String>,
    /// 0 (no risk) to 100, as the risk team set it.
    pub risk_score: i64,
    /// Whether a sanctions list names it.
    pub sanctions_hit: bool,
    /// Its latest security attestation.
    pub attestation: Option<Attestation>,
    /// Where it stands.
    pub state: OrganisationState,
    /// When it was recorded.
    pub created_at: Timestamp,
}
