//! Ten thousand generated fact sets: the same facts give the same bytes (GOV-ON-4), the invariants
//! of GOV §4.6 hold, and policy agrees with native standing.

use std::collections::BTreeSet;

use crate::partners::AgreementState;
use crate::partners::AgreementStatus;
use crate::partners::ApiProductState;
use crate::partners::ClientState;
use crate::partners::CredentialState;
use crate::partners::EntitlementState;
use crate::partners::Environment;
use crate::partners::OrganisationState;
use crate::partners::SoftwareProductState;
use crate::partners::State;
use crate::partners::Tier;
use crate::partners::samples;
use crate::partners::samples::DAY;
use crate::partners::standing;
use crate::policy::Outcome;
use crate::policy::PolicyEngine;
use crate::policy::SenderConstraint;
use crate::policy::samples::GrantCase;
use crate::policy::samples::TokenCase;
use crate::types::ReasonCode;

const GRANTS: u32 = 5_000;
const TOKENS: u32 = 5_000;

/// `SplitMix64`: small, seeded, the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `choices`; the first, which is the good one, half of the time.
    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        let drawn = usize::try_from(self.next() >> 33).unwrap();
        let other = drawn.checked_rem(choices.len()).unwrap();
        if drawn.is_multiple_of(2) { choices[0].clone() } else { choices[other].clone() }
    }

    fn state<S: State>(&mut self, good: S) -> S {
        let all: Vec<S> = std::iter::once(good).chain(S::ALL.iter().copied()).collect();
        self.of(&all)
    }
}

fn environments() -> [BTreeSet<Environment>; 2] {
    [[Environment::Production, Environment::Sandbox].into(), [Environment::Sandbox].into()]
}

fn grant(chance: &mut Chance) -> GrantCase {
    let mut case = GrantCase::base(chance.of(&Tier::ALL));
    let now = case.now;
    if chance.of(&[false, false, false, true]) {
        case.organisation = None;
    } else {
        let organisation = case.organisation();
        organisation.state = chance.state(OrganisationState::Active);
        organisation.risk_score = chance.of(&[20, 40, 41, 99]);
        organisation.sanctions_hit = chance.of(&[false, false, false, true]);
        if chance.of(&[false, true]) {
            organisation.regulatory_roles.clear();
        }
        let age = chance.of(&[-90 * DAY, -365 * DAY, -366 * DAY, DAY]);
        organisation.attestation.as_mut().unwrap().issued_at = now.plus(age);
    }
    case.agreement().state = chance.state(AgreementState::Active);
    case.agreement().valid_until = now.plus(chance.of(&[DAY, 1, 0, -DAY]));
    case.agreement().valid_from = now.plus(chance.of(&[-DAY, 0, 1]));
    case.agreement().environments = chance.of(&environments());
    for product in &mut case.products {
        product.state = chance.state(ApiProductState::Published);
        product.sunset = Some(now.plus(chance.of(&[DAY, 0])));
    }
    case.statement.verified = chance.of(&[true, true, false]);
    case.statement.issued_at = now.plus(chance.of(&[-12, -300, -301, 30, 31]));
    case.role_scopes = chance.of(&[None, Some([samples::scope(Tier::T2)].into_iter().collect())]);
    case.method = chance.of(&["private_key_jwt", "client_secret_basic"]).to_owned();
    case.constraint = chance.of(&[SenderConstraint::Mtls, SenderConstraint::None]);
    case.environment = chance.of(&[Environment::Production, Environment::Sandbox]);
    case.waivers = chance.of(&[
        BTreeSet::new(),
        [ReasonCode::SecurityAttestationStale].into(),
        ReasonCode::ALL.iter().copied().collect(),
    ]);
    case
}

fn token(chance: &mut Chance) -> TokenCase {
    let mut case = TokenCase::base(chance.of(&Tier::ALL));
    let now = case.now;
    let record = &mut case.record;
    record.organisation.state = chance.state(OrganisationState::Active);
    record.organisation.sanctions_hit = chance.of(&[false, false, false, true]);
    record.software_product.state = chance.state(SoftwareProductState::Active);
    record.client.state = chance.state(ClientState::Active);
    record.agreements[0].state = chance.state(AgreementState::Active);
    record.agreements[0].valid_until = now.plus(chance.of(&[DAY, 1, 0, -DAY]));
    record.agreements[0].valid_from = now.plus(chance.of(&[-DAY, 0, 1]));
    record.agreements[0].environments = chance.of(&environments());
    record.credentials[0].state = chance.state(CredentialState::Active);
    record.credentials[0].not_after = now.plus(chance.of(&[DAY, 0]));
    for product in &mut record.products {
        product.state = chance.state(ApiProductState::Published);
        product.sunset = Some(now.plus(chance.of(&[DAY, 0])));
    }
    for held in &mut record.entitlements {
        held.state = chance.state(EntitlementState::Active);
        held.expires_at = now.plus(chance.of(&[DAY, 0, -DAY]));
        held.review_due = now.plus(chance.of(&[DAY, -14 * DAY, -14 * DAY - 1]));
    }
    if chance.of(&[false, false, false, true]) {
        record.entitlements.clear();
    }
    case.environment = chance.of(&[Environment::Production, Environment::Sandbox]);
    case
}

#[test]
fn the_same_facts_give_the_same_bytes_and_no_grant_breaks_an_invariant() {
    let (one, two) =
        (PolicyEngine::default_bundle().unwrap(), PolicyEngine::default_bundle().unwrap());
    let mut chance = Chance(1);
    let mut approved = 0_u32;
    for _ in 0..GRANTS {
        let case = grant(&mut chance);
        let decision = case.decide(&one);
        let mut again = case.clone();
        again.products.reverse();
        let bytes = serde_json::to_vec(&decision).unwrap();
        assert_eq!(bytes, serde_json::to_vec(&again.decide(&two)).unwrap(), "{case:?}");
        if decision.outcome == Outcome::Approved {
            approved = approved.saturating_add(1);
            assert_may_be_granted(&case);
        } else {
            assert!(!decision.reasons.is_empty(), "{case:?}");
            assert!(!decision.codes.contains(&ReasonCode::PolicyError), "{case:?}");
        }
    }
    assert!(approved > GRANTS / 100, "only {approved} were approved");
}

/// The invariants of GOV §4.6 as far as registration is concerned, without the engine.
fn assert_may_be_granted(case: &GrantCase) {
    let tier = Tier::ALL.into_iter().find(|tier| samples::scope(*tier) == case.scope).unwrap();
    let organisation = case.organisation.as_ref().unwrap();
    let agreement = AgreementStatus::of(
        &case.agreements,
        &samples::product_id(tier),
        case.environment,
        case.now,
    );
    assert_ne!(tier, Tier::T4, "T4 is never automatic: {case:?}");
    assert!(!organisation.sanctions_hit, "{case:?}");
    assert!(standing::takes_part(organisation.state, Some(tier), case.environment), "{case:?}");
    let sandbox = case.environment == Environment::Sandbox;
    let contracted = match agreement {
        AgreementStatus::Current => true,
        AgreementStatus::InNotice | AgreementStatus::Lapsed => sandbox,
        AgreementStatus::Missing | AgreementStatus::NotContracted | AgreementStatus::NotStarted => {
            false
        }
    };
    assert!(tier == Tier::T0 || contracted, "{case:?}");
    let age = case.now.since(case.statement.issued_at);
    assert!((-30..=300).contains(&age) && case.statement.verified, "{case:?}");
    if tier == Tier::T2 || tier == Tier::T3 {
        let in_role = organisation.regulatory_roles.contains("AISP");
        assert!(in_role && organisation.risk_score <= 40, "{case:?}");
    }
    let attested = organisation.attestation.as_ref().unwrap().issued_at;
    let fresh = (0..366 * DAY).contains(&case.now.since(attested));
    let waived = case.waivers.contains(&ReasonCode::SecurityAttestationStale);
    assert!(tier != Tier::T3 || fresh || waived, "{case:?}");
}

#[test]
fn the_same_facts_give_the_same_bytes_and_policy_agrees_with_standing() {
    let (one, two) =
        (PolicyEngine::default_bundle().unwrap(), PolicyEngine::default_bundle().unwrap());
    let mut chance = Chance(2);
    let mut approved = 0_u32;
    for _ in 0..TOKENS {
        let case = token(&mut chance);
        let decision = case.decide(&one);
        let bytes = serde_json::to_vec(&decision).unwrap();
        assert_eq!(bytes, serde_json::to_vec(&case.decide(&two)).unwrap(), "{case:?}");
        let mut expected = standing::lapses(&case.record, &case.scope, case.environment, case.now);
        let keys = standing::credential_lapses(&case.record, samples::THUMBPRINT, case.now);
        expected.extend(keys);
        expected.sort_unstable();
        assert_eq!(decision.codes, expected, "{case:?}");
        assert_eq!(decision.is_approved(), expected.is_empty(), "{case:?}");
        approved = approved.saturating_add(u32::from(decision.is_approved()));
    }
    assert!(approved > TOKENS / 500, "only {approved} were approved");
}
