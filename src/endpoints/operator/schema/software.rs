//! Software products, as the operator API reads and shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body;
use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::SoftwareProduct;
use crate::partners::State as _;
use crate::types::OrganisationId;
use crate::types::SoftwareId;

const LONGEST_NAME: usize = 200;

/// A partner's software: what a software statement speaks of.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoftwareView {
    /// Our identifier.
    #[schema(example = "sfp_4f9kz2")]
    pub id: String,
    /// Whose it is.
    pub organisation_id: String,
    /// The trust framework whose directory knows it.
    pub framework: String,
    /// What that directory calls it.
    pub software_id: String,
    /// Its name, for people.
    pub name: String,
    /// Where it stands.
    #[schema(example = "active")]
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl SoftwareView {
    /// Shows it.
    #[must_use]
    pub fn of(software: &SoftwareProduct) -> Self {
        Self {
            id: software.id.to_string(),
            organisation_id: software.organisation_id.to_string(),
            framework: software.framework.to_string(),
            software_id: software.software_id.to_string(),
            name: software.name.clone(),
            state: software.state.name(),
            may_become: successors(software.state),
            created_at: shown(software.created_at),
        }
    }
}

/// Software to record before it registers. It begins as `draft`.
#[derive(Debug, ToSchema)]
pub struct NewSoftware {
    /// Whose it is. Its trust framework is the organisation's.
    #[schema(value_type = String)]
    pub organisation_id: OrganisationId,
    /// What the directory calls it; once per framework.
    #[schema(value_type = String)]
    pub software_id: SoftwareId,
    /// Its name, for people.
    pub name: String,
    /// Walk on at once: draft, active; two events.
    #[schema(required = false)]
    pub activate: bool,
}

impl NewSoftware {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let organisation_id = members.required("organisation_id", body::parsed);
        let software_id = members.required("software_id", body::parsed);
        let name = members.required("name", |field| field.text(LONGEST_NAME));
        let activate = members.optional("activate", body::boolean);
        Some(Self {
            organisation_id: organisation_id?,
            software_id: software_id?,
            name: name?,
            activate: activate.unwrap_or_default(),
        })
    }
}
