//! Agreements, as the operator API reads and shows them.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body;
use crate::endpoints::operator::body::Field;
use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::organisation::set;
use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::Agreement;
use crate::partners::Environment;
use crate::partners::State as _;
use crate::types::ApiProductId;
use crate::types::OrganisationId;
use crate::types::Timestamp;

const LONGEST_REFERENCE: usize = 100;
const MOST_PRODUCTS: usize = 200;

/// A contract with a partner.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementView {
    /// Our identifier.
    #[schema(example = "agr_4f9kz2")]
    pub id: String,
    /// With whom.
    pub organisation_id: String,
    /// The number on the paper.
    pub reference: String,
    /// The API products that may be used.
    pub products: Vec<String>,
    /// Where they may be used: `sandbox`, `production`.
    pub environments: Vec<&'static str>,
    /// The first instant at which it holds.
    #[schema(format = DateTime)]
    pub valid_from: String,
    /// The first instant at which it holds no longer.
    #[schema(format = DateTime)]
    pub valid_until: String,
    /// Where it stands.
    #[schema(example = "active")]
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// Whether it binds at this moment: in force by its state, and within its window.
    pub binds_now: bool,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl AgreementView {
    /// The agreement as it is at `now`.
    #[must_use]
    pub fn at(agreement: &Agreement, now: Timestamp) -> Self {
        Self {
            id: agreement.id.to_string(),
            organisation_id: agreement.organisation_id.to_string(),
            reference: agreement.reference.clone(),
            products: agreement.products.iter().map(ToString::to_string).collect(),
            environments: agreement.environments.iter().map(|place| place.name()).collect(),
            valid_from: shown(agreement.valid_from),
            valid_until: shown(agreement.valid_until),
            state: agreement.state.name(),
            may_become: successors(agreement.state),
            binds_now: agreement.is_in_force() && agreement.window_contains(now),
            created_at: shown(agreement.created_at),
        }
    }
}

/// A contract to record. It begins as `draft`; signing it creates no access (GOV-AX-2).
#[derive(Debug, ToSchema)]
pub struct NewAgreement {
    /// With whom.
    #[schema(value_type = String)]
    pub organisation_id: OrganisationId,
    /// The number on the paper; once per organisation.
    pub reference: String,
    /// The API products that may be used.
    #[schema(value_type = Vec<String>)]
    pub products: BTreeSet<ApiProductId>,
    /// Where they may be used: `sandbox`, `production`.
    #[schema(value_type = Vec<String>)]
    pub environments: BTreeSet<Environment>,
    /// The first instant at which it holds: a date (midnight UTC) or an RFC 3339 date and time.
    #[schema(value_type = String)]
    pub valid_from: Timestamp,
    /// The first instant at which it holds no longer.
    #[schema(value_type = String)]
    pub valid_until: Timestamp,
    /// Walk on at once: draft, signed, active; three events. The caller vouches for the signature.
    #[schema(required = false)]
    pub activate: bool,
}

impl NewAgreement {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let organisation_id = members.required("organisation_id", body::parsed);
        let reference = members.required("reference", |field| field.text(LONGEST_REFERENCE));
        let products = members.required("products", products);
        let environments = members.required("environments", environments);
        let valid_from = members.required("valid_from", body::time);
        let valid_until = members.required("valid_until", body::time);
        let activate = members.optional("activate", body::boolean);
        if let (Some(from), Some(until)) = (valid_from, valid_until)
            && until <= from
        {
            members.refuse("valid_until", ENDS_FIRST);
        }
        Some(Self {
            organisation_id: organisation_id?,
            reference: reference?,
            products: products?,
            environments: environments?,
            valid_from: valid_from?,
            valid_until: valid_until?,
            activate: activate.unwrap_or_default(),
        })
    }
}

/// What is wrong with a window that ends before it begins.
pub const ENDS_FIRST: &str = "it must be later than `valid_from`";

/// Terms of an agreement that are different now; what is absent stays.
#[derive(Debug, ToSchema)]
pub struct AgreementChange {
    /// The API products that may be used; replaces all of them.
    #[schema(value_type = Option<Vec<String>>)]
    pub products: Option<BTreeSet<ApiProductId>>,
    /// Where they may be used; replaces all of them.
    #[schema(value_type = Option<Vec<String>>)]
    pub environments: Option<BTreeSet<Environment>>,
    /// The first instant at which it holds.
    #[schema(value_type = Option<String>)]
    pub valid_from: Option<Timestamp>,
    /// The first instant at which it holds no longer.
    #[schema(value_type = Option<String>)]
    pub valid_until: Option<Timestamp>,
}

impl AgreementChange {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        Some(Self {
            products: members.optional("products", products),
            environments: members.optional("environments", environments),
            valid_from: members.optional("valid_from", body::time),
            valid_until: members.optional("valid_until", body::time),
        })
    }

    /// The agreement with these terms.
    #[must_use]
    pub fn applied_to(self, old: &Agreement) -> Agreement {
        let mut new = old.clone();
        set(&mut new.products, self.products);
        set(&mut new.environments, self.environments);
        set(&mut new.valid_from, self.valid_from);
        set(&mut new.valid_until, self.valid_until);
        new
    }
}

fn products(field: Field<'_>) -> Option<BTreeSet<ApiProductId>> {
    field.each(MOST_PRODUCTS, body::parsed).map(|products| products.into_iter().collect())
}

fn environments(field: Field<'_>) -> Option<BTreeSet<Environment>> {
    let known = |text: &str| Environment::parse(text).ok_or("it must be `sandbox` or `production`");
    field
        .each(2, |field| field.read_with(known))
        .map(|environments| environments.into_iter().collect())
}
