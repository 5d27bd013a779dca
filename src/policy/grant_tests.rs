//! Registrations: the reference fact sets (GOV §4.7) and the closed gaps (GOV §4.8).

use crate::partners::AgreementState;
use crate::partners::Environment;
use crate::partners::OrganisationState;
use crate::partners::Tier;
use crate::partners::Tier::{T0, T1, T2, T3, T4};
use crate::partners::samples;
use crate::policy::Outcome::{self, Approved, Referred, Refused};
use crate::policy::PolicyEngine;
use crate::policy::SenderConstraint;
use crate::policy::requirement_tests;
use crate::policy::samples::GrantCase;
use crate::policy::samples::Row;
use crate::types::ReasonCode;
use crate::types::ReasonCode as Code;

pub(super) const fn row(
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

pub(crate) fn rows() -> impl Iterator<Item = &'static Row<GrantCase>> {
    REFERENCE.iter().chain(CLOSED_GAPS).chain(requirement_tests::REQUIREMENTS)
}

pub(crate) fn case(row: &Row<GrantCase>) -> GrantCase {
    let mut case = GrantCase::base(row.tier);
    (row.change)(&mut case);
    case
}

pub(super) fn hold(rows: &[Row<GrantCase>]) {
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
