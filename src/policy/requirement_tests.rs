//! Registrations: a row for each rule of the policy, which nothing but that rule decides.

use crate::partners::ApiProductState;
use crate::partners::OrganisationState;
use crate::partners::Tier::{T0, T1, T2, T3, T4};
use crate::partners::samples;
use crate::partners::samples::DAY;
use crate::policy::Outcome::{Approved, Referred, Refused};
use crate::policy::SenderConstraint;
use crate::policy::grant_tests::hold;
use crate::policy::grant_tests::row;
use crate::policy::samples::GrantCase;
use crate::policy::samples::Row;
use crate::types::ReasonCode;
use crate::types::ReasonCode as Code;
use crate::types::Scope;
use crate::types::ScopeSet;

pub(super) const REQUIREMENTS: &[Row<GrantCase>] = &[
    row(
        "an organisation that is not active",
        T0,
        |case| case.organisation().state = OrganisationState::Suspended,
        Refused,
        &[Code::OrganisationNotActive],
    ),
    row(
        "an organisation that the bank does not know",
        T0,
        |case| case.organisation = None,
        Refused,
        &[Code::OrganisationNotActive],
    ),
    row(
        "no role",
        T2,
        |case| case.organisation().regulatory_roles = ["TPP".to_owned()].into(),
        Referred,
        &[Code::NoCompetentRule],
    ),
    row(
        "an attestation from the future",
        T3,
        |case| {
            case.organisation().attestation.as_mut().unwrap().issued_at = samples::now().plus(1);
        },
        Referred,
        &[Code::SecurityAttestationStale],
    ),
    row(
        "an attestation of more than a year",
        T3,
        |case| {
            let issued_at = samples::now().plus(-366 * DAY);
            case.organisation().attestation.as_mut().unwrap().issued_at = issued_at;
        },
        Referred,
        &[Code::SecurityAttestationStale],
    ),
    row(
        "an overdue condition",
        T0,
        |case| case.conditions = ["penetration_test".to_owned()].into(),
        Refused,
        &[Code::ConditionOverdue],
    ),
    row(
        "a statement that does not verify",
        T0,
        |case| case.statement.verified = false,
        Refused,
        &[Code::InvalidSoftwareStatement],
    ),
    row(
        "a statement used before",
        T0,
        |case| case.statement.jti_fresh = false,
        Refused,
        &[Code::InvalidSoftwareStatement],
    ),
    row(
        "a framework that lets statements be a week old",
        T0,
        |case| {
            case.statement.longest_age_seconds = 604_800;
            case.statement.issued_at = samples::now().plus(-604_800);
        },
        Approved,
        &[],
    ),
    row(
        "a statement older than a week in that framework",
        T0,
        |case| {
            case.statement.longest_age_seconds = 604_800;
            case.statement.issued_at = samples::now().plus(-604_801);
        },
        Refused,
        &[Code::InvalidSoftwareStatement],
    ),
    row(
        "a framework whose clock may run a minute ahead",
        T0,
        |case| {
            case.statement.skew_seconds = 60;
            case.statement.issued_at = samples::now().plus(60);
        },
        Approved,
        &[],
    ),
    row(
        "a clock that runs half a minute ahead",
        T0,
        |case| case.statement.issued_at = samples::now().plus(30),
        Approved,
        &[],
    ),
    row(
        "a role that does not allow the scope",
        T1,
        |case| case.role_scopes = Some(ScopeSet::default()),
        Refused,
        &[Code::ScopeNotInRole],
    ),
    row("a framework without role mapping", T1, |case| case.role_scopes = None, Approved, &[]),
    row(
        "an unknown scope",
        T1,
        |case| {
            case.scope = Scope::parse("nowhere").unwrap();
            case.role_scopes = None;
        },
        Refused,
        &[Code::ScopeUnknown],
    ),
    row(
        "a product that was never published",
        T1,
        |case| case.products[1].state = ApiProductState::Draft,
        Refused,
        &[Code::ScopeUnknown],
    ),
    row(
        "a retired product",
        T1,
        |case| case.products[1].state = ApiProductState::Retired,
        Refused,
        &[Code::ProductNotLive],
    ),
    row(
        "bearer tokens",
        T2,
        |case| case.constraint = SenderConstraint::None,
        Referred,
        &[Code::SenderConstraintRequired],
    ),
    row("bearer tokens", T1, |case| case.constraint = SenderConstraint::None, Approved, &[]),
    row("DPoP", T3, |case| case.constraint = SenderConstraint::Dpop, Approved, &[]),
    row(
        "a waiver for T4",
        T4,
        |case| case.waivers = ReasonCode::ALL.iter().copied().collect(),
        Referred,
        &[Code::TierRequiresTwoPerson],
    ),
    row(
        "a waiver for a hard reason",
        T1,
        |case| {
            case.agreements.clear();
            case.waivers = ReasonCode::ALL.iter().copied().collect();
        },
        Refused,
        &[Code::AgreementMissing],
    ),
    row(
        "several things at once",
        T2,
        |case| {
            case.organisation().risk_score = 41;
            case.constraint = SenderConstraint::None;
            "client_secret_post".clone_into(&mut case.method);
        },
        Refused,
        &[Code::ClientAuthTooWeak, Code::SenderConstraintRequired, Code::NoCompetentRule],
    ),
];

#[test]
fn every_requirement_is_required() {
    hold(REQUIREMENTS);
}
