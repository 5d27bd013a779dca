//! Registrations: the reference fact sets (GOV §4.7), the closed gaps (GOV §4.8), and a row for
//! each rule.

use crate::partners::AgreementState;
use crate::partners::ApiProductState;
use crate::partners::Environment;
use crate::partners::OrganisationState;
use crate::partners::Tier;
use crate::partners::Tier::{T0, T1, T2, T3, T4};
use crate::partners::samples;
use crate::partners::samples::DAY;
use crate::policy::Outcome::{self, Approved, Referred, Refused};
use crate::policy::PolicyEngine;
use crate::policy::SenderConstraint;
use crate::policy::samples::GrantCase;
use crate::policy::samples::Row;
use crate::types::ReasonCode;
use crate::types::ReasonCode as Code;
use crate::types::Scope;
use crate::types::ScopeSet;

const fn row(
    name: &'static str,
    tier: Tier,
    change: fn(&mut GrantCase),
    outcome: Outcome,
    codes: &'static [ReasonCode],
) -> Row<GrantCase> {
    Row { name, tier, change, outcome, codes }
}

fn without_attestation_and_bound_tokens(case: &mut GrantCase) {
    case.organisation().attestation = None;
    case.constraint = SenderConstraint::None;
}

/// GOV §4.7. Where §4.8 splits a code, the split one stands here.
const REFERENCE: &[Row<GrantCase>] = &[
    row("nothing", T0, |_| (), Approved, &[]),
    row("nothing", T1, |_| (), Approved, &[]),
    row("nothing", T2, |_| (), Approved, &[]),
    row("nothing", T3, |_| (), Approved, &[]),
    row("nothing", T4, |_| (), Referred, &[Code::TierRequiresTwoPerson]),
    row(
        "no attestation, bearer",
        T3,
        without_attestation_and_bound_tokens,
        Referred,
        &[Code::SenderConstraintRequired, Code::SecurityAttestationStale],
    ),
    row(
        "the same and both waivers",
        T3,
        |case| {
            without_attestation_and_bound_tokens(case);
            case.waivers = [Code::SenderConstraintRequired, Code::SecurityAttestationStale].into();
        },
        Approved,
        &[],
    ),
    row(
        "the same and the attestation waiver only",
        T3,
        |case| {
            without_attestation_and_bound_tokens(case);
            case.waivers = [Code::SecurityAttestationStale].into();
        },
        Referred,
        &[Code::SenderConstraintRequired],
    ),
    row(
        "agreement ended, old statement",
        T2,
        |case| {
            case.agreement().valid_until = samples::now();
            case.statement.issued_at = samples::now().plus(-4_000);
        },
        Refused,
        &[Code::AgreementLapsed, Code::InvalidSoftwareStatement],
    ),
    row("no agreement", T2, |case| case.agreements.clear(), Refused, &[Code::AgreementMissing]),
    row("no agreement", T0, |case| case.agreements.clear(), Approved, &[]),
    row(
        "risk 50",
        T2,
        |case| case.organisation().risk_score = 50,
        Referred,
        &[Code::NoCompetentRule],
    ),
    row(
        "client_secret_basic",
        T0,
        |case| "client_secret_basic".clone_into(&mut case.method),
        Refused,
        &[Code::ClientAuthTooWeak],
    ),
    row(
        "a statement dated in the future",
        T0,
        |case| case.statement.issued_at = samples::now().plus(31),
        Refused,
        &[Code::InvalidSoftwareStatement],
    ),
    row(
        "a sanctions match",
        T0,
        |case| case.organisation().sanctions_hit = true,
        Refused,
        &[Code::SanctionsMatch],
    ),
];

/// GOV §4.8, as far as registration is concerned.
const CLOSED_GAPS: &[Row<GrantCase>] = &[
    row(
        "1: T3 unregulated and at risk 99, with an attestation",
        T3,
        |case| {
            case.organisation().regulatory_roles.clear();
            case.organisation().risk_score = 99;
        },
        Referred,
        &[Code::NoCompetentRule],
    ),
    row(
        "1: T3 in a role, above appetite",
        T3,
        |case| case.organisation().risk_score = 41,
        Referred,
        &[Code::NoCompetentRule],
    ),
    row(
        "2: in notice, nothing new in production",
        T1,
        |case| case.agreement().state = AgreementState::InNotice,
        Refused,
        &[Code::AgreementInNotice],
    ),
    row(
        "2: in notice, the sandbox goes on",
        T1,
        |case| {
            case.sandbox();
            case.agreement().state = AgreementState::InNotice;
        },
        Approved,
        &[],
    ),
    row(
        "7: T4 hides nothing",
        T4,
        |case| case.constraint = SenderConstraint::None,
        Referred,
        &[Code::SenderConstraintRequired, Code::TierRequiresTwoPerson],
    ),
    row(
        "8: not started",
        T1,
        |case| case.agreement().valid_from = samples::now().plus(1),
        Refused,
        &[Code::AgreementNotStarted],
    ),
    row(
        "8: other products",
        T1,
        |case| {
            case.agreement().products.remove(&samples::product_id(T1));
        },
        Refused,
        &[Code::ProductNotContracted],
    ),
    row(
        "8: another environment",
        T1,
        |case| case.agreement().environments = [Environment::Sandbox].into(),
        Refused,
        &[Code::ProductNotContracted],
    ),
    row(
        "8: terminated, the sandbox goes on",
        T1,
        |case| {
            case.sandbox();
            case.agreement().state = AgreementState::Terminated;
        },
        Approved,
        &[],
    ),
    row(
        "9: T0 in the sandbox while vetted",
        T0,
        |case| {
            case.sandbox();
            case.organisation().state = OrganisationState::Verifying;
        },
        Approved,
        &[],
    ),
    row(
        "9: T1 in the sandbox while vetted",
        T1,
        |case| {
            case.sandbox();
            case.organisation().state = OrganisationState::Verifying;
        },
        Refused,
        &[Code::OrganisationNotActive],
    ),
    row(
        "9: a statement for another environment",
        T0,
        |case| case.statement.environment = Some(Environment::Sandbox),
        Refused,
        &[Code::EnvironmentMismatch],
    ),
];

const REQUIREMENTS: &[Row<GrantCase>] = &[
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

pub(crate) fn rows() -> impl Iterator<Item = &'static Row<GrantCase>> {
    REFERENCE.iter().chain(CLOSED_GAPS).chain(REQUIREMENTS)
}

pub(crate) fn case(row: &Row<GrantCase>) -> GrantCase {
    let mut case = GrantCase::base(row.tier);
    (row.change)(&mut case);
    case
}

fn hold(rows: &[Row<GrantCase>]) {
    let engine = PolicyEngine::default_bundle().unwrap();
    for row in rows {
        let decision = case(row).decide(&engine);
        let found = (decision.outcome, decision.codes.as_slice());
        assert_eq!(found, (row.outcome, row.codes), "{} at {}", row.name, row.tier);
    }
}

#[test]
fn the_reference_fact_sets_are_decided_as_governance_says() {
    hold(REFERENCE);
}

#[test]
fn the_gaps_of_the_sketch_are_closed() {
    hold(CLOSED_GAPS);
}

#[test]
fn every_requirement_is_required() {
    hold(REQUIREMENTS);
}
