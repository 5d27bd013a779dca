//! Tokens: the closed gaps (GOV §4.8), a row for each rule, and agreement with native standing.

use crate::partners::AgreementState;
use crate::partners::ApiProductState;
use crate::partners::ClientState;
use crate::partners::CredentialState;
use crate::partners::EntitlementState;
use crate::partners::Environment;
use crate::partners::OrganisationState;
use crate::partners::SoftwareProductState;
use crate::partners::Tier;
use crate::partners::Tier::{T0, T1, T2, T3, T4};
use crate::partners::samples;
use crate::partners::samples::DAY;
use crate::policy::Outcome::{self, Approved, Referred, Refused};
use crate::policy::PolicyEngine;
use crate::policy::SenderConstraint;
use crate::policy::samples::Row;
use crate::policy::samples::TokenCase;
use crate::types::ReasonCode;
use crate::types::ReasonCode as Code;
use crate::types::Scope;

const fn row(
    name: &'static str,
    tier: Tier,
    change: fn(&mut TokenCase),
    outcome: Outcome,
    codes: &'static [ReasonCode],
) -> Row<TokenCase> {
    Row { name, tier, change, outcome, codes }
}

/// GOV §4.8, as far as tokens are concerned.
const CLOSED_GAPS: &[Row<TokenCase>] = &[
    row(
        "2: an agreement in notice keeps its tokens",
        T2,
        |case| case.record.agreements[0].state = AgreementState::InNotice,
        Approved,
        &[],
    ),
    row(
        "3: a quarantined client keeps T0",
        T0,
        |case| case.record.client.state = ClientState::Quarantined,
        Approved,
        &[],
    ),
    row(
        "3: a quarantined client has no T1",
        T1,
        |case| case.record.client.state = ClientState::Quarantined,
        Refused,
        &[Code::ClientQuarantined],
    ),
    row(
        "6: a bearer token for T3 with an expired key",
        T3,
        |case| {
            case.constraint = SenderConstraint::None;
            case.record.credentials[0].not_after = samples::now();
        },
        Refused,
        &[Code::SenderConstraintRequired, Code::CredentialExpired],
    ),
    row(
        "6: a bearer token for T3",
        T3,
        |case| case.constraint = SenderConstraint::None,
        Referred,
        &[Code::SenderConstraintRequired],
    ),
    row(
        "6: a bearer token for T3 with a waiver",
        T3,
        |case| {
            case.constraint = SenderConstraint::None;
            case.waivers = [Code::SenderConstraintRequired].into();
        },
        Approved,
        &[],
    ),
    row(
        "7: a bearer token for T4",
        T4,
        |case| case.constraint = SenderConstraint::None,
        Referred,
        &[Code::SenderConstraintRequired],
    ),
    row(
        "8: no agreement",
        T1,
        |case| case.record.agreements.clear(),
        Refused,
        &[Code::AgreementMissing],
    ),
    row(
        "8: not started",
        T1,
        |case| case.record.agreements[0].state = AgreementState::Signed,
        Refused,
        &[Code::AgreementNotStarted],
    ),
    row(
        "8: ended",
        T1,
        |case| case.record.agreements[0].valid_until = samples::now(),
        Refused,
        &[Code::AgreementLapsed],
    ),
    row(
        "8: ended, in the sandbox too",
        T1,
        |case| {
            case.environment = Environment::Sandbox;
            case.record.agreements[0].state = AgreementState::Expired;
        },
        Refused,
        &[Code::AgreementLapsed],
    ),
    row(
        "8: other products",
        T1,
        |case| case.record.agreements[0].products.clear(),
        Refused,
        &[Code::ProductNotContracted],
    ),
    row(
        "9: T0 in the sandbox while vetted",
        T0,
        |case| {
            case.environment = Environment::Sandbox;
            case.record.organisation.state = OrganisationState::Proposed;
        },
        Approved,
        &[],
    ),
];

const REQUIREMENTS: &[Row<TokenCase>] = &[
    row("nothing", T0, |_| (), Approved, &[]),
    row("nothing", T1, |_| (), Approved, &[]),
    row("nothing", T2, |_| (), Approved, &[]),
    row("nothing", T3, |_| (), Approved, &[]),
    row("nothing: a case granted it", T4, |_| (), Approved, &[]),
    row("no agreement", T0, |case| case.record.agreements.clear(), Approved, &[]),
    row(
        "a suspended organisation",
        T0,
        |case| case.record.organisation.state = OrganisationState::Suspended,
        Refused,
        &[Code::OrganisationNotActive],
    ),
    row(
        "a sanctions match",
        T0,
        |case| case.record.organisation.sanctions_hit = true,
        Refused,
        &[Code::SanctionsMatch],
    ),
    row(
        "an overdue condition",
        T0,
        |case| case.conditions = ["penetration_test".to_owned()].into(),
        Refused,
        &[Code::ConditionOverdue],
    ),
    row(
        "inactive software",
        T0,
        |case| case.record.software_product.state = SoftwareProductState::Inactive,
        Refused,
        &[Code::SoftwareProductNotActive],
    ),
    row(
        "a suspended client",
        T0,
        |case| case.record.client.state = ClientState::Suspended,
        Refused,
        &[Code::ClientNotActive],
    ),
    row(
        "a retired product",
        T0,
        |case| case.record.products[0].state = ApiProductState::Retired,
        Refused,
        &[Code::ProductNotLive],
    ),
    row(
        "an unknown scope",
        T0,
        |case| {
            case.scope = Scope::parse("nowhere").unwrap();
            case.record.entitlements[0].scope = case.scope.clone();
        },
        Refused,
        &[Code::ScopeUnknown],
    ),
    row(
        "no entitlement",
        T0,
        |case| case.record.entitlements.clear(),
        Refused,
        &[Code::EntitlementNotActive],
    ),
    row(
        "an entitlement taken back",
        T0,
        |case| case.record.entitlements[0].state = EntitlementState::Reduced,
        Refused,
        &[Code::EntitlementNotActive],
    ),
    row(
        "an entitlement at its end",
        T0,
        |case| case.record.entitlements[0].expires_at = samples::now(),
        Refused,
        &[Code::EntitlementExpired],
    ),
    row(
        "a review late by fourteen days",
        T1,
        |case| case.record.entitlements[1].review_due = samples::now().plus(-14 * DAY),
        Approved,
        &[],
    ),
    row(
        "a review later than that",
        T1,
        |case| case.record.entitlements[1].review_due = samples::now().plus(-14 * DAY - 1),
        Refused,
        &[Code::AccessReviewOverdue],
    ),
    row(
        "a withdrawn key",
        T0,
        |case| case.record.credentials[0].state = CredentialState::Compromised,
        Refused,
        &[Code::CredentialNotActive],
    ),
    row(
        "a key that was never seen",
        T0,
        |case| {
            case.record.credentials[0].state = CredentialState::Compromised;
            case.thumbprint = Some("another");
        },
        Approved,
        &[],
    ),
    row("a second too long", T2, |case| case.ttl = 601, Refused, &[Code::TtlAboveMaximum]),
];

/// Every row, for the tests that mutate rules.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row<TokenCase>> {
    CLOSED_GAPS.iter().chain(REQUIREMENTS)
}

pub(crate) fn case(row: &Row<TokenCase>) -> TokenCase {
    let mut case = TokenCase::base(row.tier);
    (row.change)(&mut case);
    case
}

fn hold(rows: &[Row<TokenCase>]) {
    let engine = PolicyEngine::default_bundle().unwrap();
    for row in rows {
        let decision = case(row).decide(&engine);
        let found = (decision.outcome, decision.codes.as_slice());
        assert_eq!(found, (row.outcome, row.codes), "{} at {}", row.name, row.tier);
    }
}

#[test]
fn the_gaps_of_the_sketch_are_closed() {
    hold(CLOSED_GAPS);
}

#[test]
fn every_requirement_is_required() {
    hold(REQUIREMENTS);
}

#[test]
fn a_token_life_out_of_range_refuses() {
    let engine = PolicyEngine::default_bundle().unwrap();
    for ttl in [0, -1, i64::MIN, i64::MAX] {
        let decision = TokenCase { ttl, ..TokenCase::base(T0) }.decide(&engine);
        assert_eq!((decision.outcome, decision.codes), (Refused, vec![Code::PolicyError]));
    }
}
