//! Organisations, as the operator API reads and shows them.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body;
use crate::endpoints::operator::body::Field;
use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::Attestation;
use crate::partners::Organisation;
use crate::types::DirectoryOrganisationId;
use crate::types::FrameworkName;

const LONGEST_NAME: usize = 200;
const LONGEST_WORD: usize = 64;
const MOST_ROLES: usize = 50;

/// A partner organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganisationView {
    /// Our identifier.
    #[schema(example = "org_4f9kz2")]
    pub id: String,
    /// The trust framework whose directory knows it.
    #[schema(example = "directory")]
    pub framework: String,
    /// What that directory calls it.
    pub directory_id: String,
    /// The registered name.
    pub legal_name: String,
    /// ISO 3166 code of the country it is supervised in.
    #[schema(example = "GB")]
    pub jurisdiction: String,
    /// Roles granted by a regulator.
    pub regulatory_roles: Vec<String>,
    /// 0 (no risk) to 100.
    pub risk_score: i64,
    /// Whether a sanctions list names it.
    pub sanctions_hit: bool,
    /// Its latest security attestation.
    pub attestation: Option<AttestationView>,
    /// Where it stands.
    #[schema(example = "active")]
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A dated security attestation.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttestationView {
    /// What kind it is, for example `iso27001_certificate`.
    pub kind: String,
    /// When it was issued.
    #[schema(format = DateTime)]
    pub issued_at: String,
}

impl OrganisationView {
    /// Shows it.
    #[must_use]
    pub fn of(organisation: &Organisation) -> Self {
        Self {
            id: organisation.id.to_string(),
            framework: organisation.framework.to_string(),
            directory_id: organisation.directory_id.to_string(),
            legal_name: organisation.legal_name.clone(),
            jurisdiction: organisation.jurisdiction.clone(),
            regulatory_roles: organisation.regulatory_roles.iter().cloned().collect(),
            risk_score: organisation.risk_score,
            sanctions_hit: organisation.sanctions_hit,
            attestation: organisation.attestation.as_ref().map(|attestation| AttestationView {
                kind: attestation.kind.clone(),
                issued_at: shown(attestation.issued_at),
            }),
            state: crate::partners::State::name(organisation.state),
            may_become: successors(organisation.state),
            created_at: shown(organisation.created_at),
        }
    }
}

/// A partner to record. It begins as `proposed` and gives no access.
#[derive(Debug, ToSchema)]
pub struct NewOrganisation {
    /// A trust framework that this server has loaded.
    #[schema(value_type = String, example = "directory")]
    pub framework: FrameworkName,
    /// What that framework's directory calls the organisation; once per framework.
    #[schema(value_type = String)]
    pub directory_id: DirectoryOrganisationId,
    /// The registered name.
    pub legal_name: String,
    /// ISO 3166 code, two capital letters.
    #[schema(example = "GB")]
    pub jurisdiction: String,
    /// Roles granted by a regulator.
    #[schema(required = false)]
    pub regulatory_roles: BTreeSet<String>,
    /// 0 (no risk) to 100, as the risk team sets it.
    #[schema(minimum = 0, maximum = 100)]
    pub risk_score: i64,
    /// Whether a sanctions list names it; false when absent.
    #[schema(required = false)]
    pub sanctions_hit: bool,
    /// Its latest security attestation.
    #[schema(value_type = Option<NewAttestation>)]
    pub attestation: Option<Attestation>,
    /// Walk on at once: proposed, verifying, active; three events. The caller vouches for the vetting.
    #[schema(required = false)]
    pub activate: bool,
}

/// A dated security attestation.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only describes what `attestation` reads")]
pub struct NewAttestation {
    /// What kind it is, for example `iso27001_certificate`.
    kind: String,
    /// When it was issued: a date, or an RFC 3339 date and time.
    issued_at: String,
}

impl NewOrganisation {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let framework = members.required("framework", body::parsed);
        let directory_id = members.required("directory_id", body::parsed);
        let legal_name = members.required("legal_name", |field| field.text(LONGEST_NAME));
        let jurisdiction = members.required("jurisdiction", country);
        let regulatory_roles = members.optional("regulatory_roles", roles);
        let risk_score = members.required("risk_score", |field| field.integer(0..=100));
        let sanctions_hit = members.optional("sanctions_hit", body::boolean);
        let attestation = members.optional("attestation", attestation);
        let activate = members.optional("activate", body::boolean);
        Some(Self {
            framework: framework?,
            directory_id: directory_id?,
            legal_name: legal_name?,
            jurisdiction: jurisdiction?,
            regulatory_roles: regulatory_roles.unwrap_or_default(),
            risk_score: risk_score?,
            sanctions_hit: sanctions_hit.unwrap_or_default(),
            attestation,
            activate: activate.unwrap_or_default(),
        })
    }
}

/// Facts about an organisation that are different now; what is absent stays.
#[derive(Debug, ToSchema)]
pub struct OrganisationChange {
    /// The registered name.
    pub legal_name: Option<String>,
    /// ISO 3166 code, two capital letters.
    pub jurisdiction: Option<String>,
    /// Roles granted by a regulator; replaces all of them.
    pub regulatory_roles: Option<BTreeSet<String>>,
    /// 0 (no risk) to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub risk_score: Option<i64>,
    /// Whether a sanctions list names it.
    pub sanctions_hit: Option<bool>,
    /// Its latest security attestation; null removes it.
    #[schema(value_type = Option<NewAttestation>)]
    pub attestation: Option<Option<Attestation>>,
}

impl OrganisationChange {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        Some(Self {
            legal_name: members.optional("legal_name", |field| field.text(LONGEST_NAME)),
            jurisdiction: members.optional("jurisdiction", country),
            regulatory_roles: members.optional("regulatory_roles", roles),
            risk_score: members.optional("risk_score", |field| field.integer(0..=100)),
            sanctions_hit: members.optional("sanctions_hit", body::boolean),
            attestation: members.clearable("attestation", attestation),
        })
    }

    /// The organisation with these facts.
    #[must_use]
    pub fn applied_to(self, old: &Organisation) -> Organisation {
        let mut new = old.clone();
        set(&mut new.legal_name, self.legal_name);
        set(&mut new.jurisdiction, self.jurisdiction);
        set(&mut new.regulatory_roles, self.regulatory_roles);
        set(&mut new.risk_score, self.risk_score);
        set(&mut new.sanctions_hit, self.sanctions_hit);
        set(&mut new.attestation, self.attestation);
        new
    }
}

/// Sets what has been given.
pub(super) fn set<T>(place: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *place = given;
    }
}

fn country(field: Field<'_>) -> Option<String> {
    field.read_with(|text| {
        let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_code { Ok(text.to_owned()) } else { Err("it must be an ISO 3166 code such as `GB`") }
    })
}

fn roles(field: Field<'_>) -> Option<BTreeSet<String>> {
    field
        .each(MOST_ROLES, |field| field.text(LONGEST_WORD))
        .map(|roles| roles.into_iter().collect())
}

fn attestation(field: Field<'_>) -> Option<Attestation> {
    field.object(|members| {
        let kind = members.required("kind", |field| field.text(LONGEST_WORD));
        let issued_at = members.required("issued_at", body::time);
        Some(Attestation { kind: kind?, issued_at: issued_at? })
    })
}
