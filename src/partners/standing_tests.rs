//! Standing, state by state: the token and introspection columns of the duty matrix (GOV §2.3), and
//! every other clause of the conjunction (GOV §2.1).

use crate::partners::Agreement;
use crate::partners::AgreementState;
use crate::partners::AgreementStatus;
use crate::partners::ApiProductState;
use crate::partners::ClientRecord;
use crate::partners::ClientState;
use crate::partners::CredentialState;
use crate::partners::EntitlementState;
use crate::partners::Environment;
use crate::partners::OrganisationState;
use crate::partners::SoftwareProductState;
use crate::partners::State;
use crate::partners::Tier;
use crate::partners::samples::DAY;
use crate::partners::samples::THUMBPRINT;
use crate::partners::samples::agreement;
use crate::partners::samples::now;
use crate::partners::samples::product_id;
use crate::partners::samples::record;
use crate::partners::samples::scope;
use crate::partners::standing::client_lapses;
use crate::partners::standing::credential_lapses;
use crate::partners::standing::lapses;
use crate::types::AgreementId;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::Timestamp;

const PRODUCTION: Environment = Environment::Production;

fn lapses_of(record: &ClientRecord, tier: Tier) -> Vec<ReasonCode> {
    lapses(record, &scope(tier), PRODUCTION, now())
}

fn with(change: impl FnOnce(&mut ClientRecord)) -> ClientRecord {
    let mut changed = record();
    change(&mut changed);
    changed
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn all_active_is_in_good_standing() {
    for tier in Tier::ALL {
        assert_eq!(lapses_of(&record(), tier), [], "{tier}");
    }
}

#[test]
fn an_inactive_product_has_no_tokens_and_the_others_keep_theirs() {
    let stopped = with(|record| record.products[2].state = ApiProductState::Retired);
    assert_eq!(lapses_of(&stopped, Tier::T2), [ReasonCode::ProductNotLive]);
    assert_eq!(lapses_of(&stopped, Tier::T1), []);
}

#[test]
fn an_agreement_in_notice_keeps_its_tokens() {
    let ending = with(|record| record.agreements[0].state = AgreementState::InNotice);
    for tier in Tier::ALL {
        assert_eq!(lapses_of(&ending, tier), [], "{tier}");
    }
}

#[test]
fn access_rests_on_the_agreement_that_stands_best() {
    let both = with(|record| {
        record.agreements[0].state = AgreementState::InNotice;
        let newer = AgreementId::from_random("newer");
        record.agreements.push(Agreement { id: newer, ..agreement() });
    });
    let found = |record: &ClientRecord| {
        let product = product_id(Tier::T1);
        record.agreement(&product, PRODUCTION, now()).map(|found| found.id.clone())
    };
    assert_eq!(found(&both), Some(AgreementId::from_random("newer")));
    let one = with(|record| record.agreements[0].state = AgreementState::InNotice);
    assert_eq!(found(&one), Some(agreement().id));
    for state in [AgreementState::Draft, AgreementState::Signed, AgreementState::Terminated] {
        assert_eq!(found(&with(|record| record.agreements[0].state = state)), None);
    }
}

#[test]
fn an_expired_or_terminated_agreement_has_no_tokens_in_any_environment() {
    for state in [AgreementState::Expired, AgreementState::Terminated] {
        let ended = with(|record| record.agreements[0].state = state);
        for environment in [Environment::Sandbox, PRODUCTION] {
            let found = lapses(&ended, &scope(Tier::T1), environment, now());
            assert_eq!(found, [ReasonCode::AgreementLapsed], "{state} {environment}");
        }
    }
}

#[test]
fn a_suspended_withdrawn_or_revoked_organisation_has_no_tokens_not_even_t0() {
    for state in OrganisationState::ALL.iter().copied() {
        let changed = with(|record| record.organisation.state = state);
        for tier in Tier::ALL {
            let good = lapses_of(&changed, tier).is_empty();
            assert_eq!(good, state == OrganisationState::Active, "{state} {tier}");
        }
        let good = client_lapses(&changed, now()).is_empty();
        assert_eq!(good, state == OrganisationState::Active, "{state}");
    }
}

#[test]
fn an_organisation_being_vetted_has_public_data_in_the_sandbox() {
    for state in [OrganisationState::Proposed, OrganisationState::Verifying] {
        let vetted = with(|record| record.organisation.state = state);
        assert_eq!(lapses(&vetted, &scope(Tier::T0), Environment::Sandbox, now()), []);
        assert_eq!(
            lapses(&vetted, &scope(Tier::T1), Environment::Sandbox, now()),
            [ReasonCode::OrganisationNotActive]
        );
    }
}

#[test]
fn an_agreement_that_ends_at_midnight_stops_tokens_at_midnight() {
    let ending = with(|record| record.agreements[0].valid_until = at("2026-11-23"));
    let t1 = scope(Tier::T1);
    assert_eq!(lapses(&ending, &t1, PRODUCTION, at("2026-11-22T23:59:59Z")), []);
    let midnight = at("2026-11-23T00:00:00Z");
    assert_eq!(lapses(&ending, &t1, PRODUCTION, midnight), [ReasonCode::AgreementLapsed]);
    let renewed = with(|record| {
        record.agreements[0].valid_until = at("2026-11-23");
        record.agreements.push(Agreement {
            valid_from: at("2026-11-23"),
            valid_until: at("2027-11-23"),
            ..agreement()
        });
    });
    assert_eq!(lapses(&renewed, &t1, PRODUCTION, midnight), []);
}

#[test]
fn an_agreement_that_starts_tomorrow_has_no_tokens_today() {
    let early = with(|record| record.agreements[0].valid_from = now().plus(1));
    assert_eq!(lapses_of(&early, Tier::T1), [ReasonCode::AgreementNotStarted]);
    let started = lapses(&early, &scope(Tier::T1), PRODUCTION, now().plus(1));
    assert_eq!(started, []);
}

#[test]
fn t0_needs_no_agreement_and_everything_else() {
    let uncontracted = with(|record| record.agreements.clear());
    assert_eq!(lapses_of(&uncontracted, Tier::T0), []);
    assert_eq!(lapses_of(&uncontracted, Tier::T1), [ReasonCode::AgreementMissing]);
    let stopped = with(|record| {
        record.agreements.clear();
        record.software_product.state = SoftwareProductState::Inactive;
        record.entitlements[0].state = EntitlementState::Revoked;
        record.products[0].state = ApiProductState::Retired;
    });
    assert_eq!(
        lapses_of(&stopped, Tier::T0),
        [
            ReasonCode::ProductNotLive,
            ReasonCode::SoftwareProductNotActive,
            ReasonCode::EntitlementNotActive
        ]
    );
}

#[test]
fn an_agreement_counts_for_its_products_and_environments_only() {
    let other_product = with(|record| {
        record.agreements[0].products.remove(&product_id(Tier::T1));
    });
    assert_eq!(lapses_of(&other_product, Tier::T1), [ReasonCode::ProductNotContracted]);
    assert_eq!(lapses_of(&other_product, Tier::T2), []);
    let sandbox_only = with(|record| {
        record.agreements[0].environments = [Environment::Sandbox].into();
    });
    assert_eq!(lapses_of(&sandbox_only, Tier::T1), [ReasonCode::ProductNotContracted]);
    assert_eq!(lapses(&sandbox_only, &scope(Tier::T1), Environment::Sandbox, now()), []);
}

#[test]
fn any_agreement_that_covers_the_product_counts_and_the_best_one_speaks() {
    use AgreementState::{Active, Draft, Expired, InNotice, Signed, Terminated};
    let of = |states: &[AgreementState]| {
        let agreements: Vec<_> =
            states.iter().map(|state| Agreement { state: *state, ..agreement() }).collect();
        AgreementStatus::of(&agreements, &product_id(Tier::T1), PRODUCTION, now())
    };
    assert_eq!(of(&[]), AgreementStatus::Missing);
    assert_eq!(of(&[Draft]), AgreementStatus::Missing);
    assert_eq!(of(&[Draft, Expired]), AgreementStatus::Lapsed);
    assert_eq!(of(&[Terminated, Signed]), AgreementStatus::NotStarted);
    assert_eq!(of(&[InNotice, Signed]), AgreementStatus::InNotice);
    assert_eq!(of(&[Expired, InNotice, Active, Draft]), AgreementStatus::Current);
}

#[test]
fn a_deprecated_product_works_until_its_sunset() {
    let deprecated = with(|record| {
        record.products[1].state = ApiProductState::Deprecated;
        record.products[1].sunset = Some(now().plus(1));
    });
    assert_eq!(lapses_of(&deprecated, Tier::T1), []);
    let sunset = lapses(&deprecated, &scope(Tier::T1), PRODUCTION, now().plus(1));
    assert_eq!(sunset, [ReasonCode::ProductNotLive]);
}

#[test]
fn only_an_active_client_has_tokens_and_a_quarantined_one_keeps_t0() {
    for state in ClientState::ALL.iter().copied() {
        let changed = with(|record| record.client.state = state);
        let (t0, t1, at_all) = match state {
            ClientState::Active => (vec![], vec![], vec![]),
            ClientState::Quarantined => (vec![], vec![ReasonCode::ClientQuarantined], vec![]),
            ClientState::Provisioned
            | ClientState::Suspended
            | ClientState::Retired
            | ClientState::Revoked => {
                let stopped = vec![ReasonCode::ClientNotActive];
                (stopped.clone(), stopped.clone(), stopped)
            }
        };
        assert_eq!(lapses_of(&changed, Tier::T0), t0, "{state}");
        assert_eq!(lapses_of(&changed, Tier::T1), t1, "{state}");
        assert_eq!(client_lapses(&changed, now()), at_all, "{state}");
    }
}

#[test]
fn only_active_software_has_tokens() {
    for state in SoftwareProductState::ALL.iter().copied() {
        let changed = with(|record| record.software_product.state = state);
        let good = state == SoftwareProductState::Active;
        assert_eq!(lapses_of(&changed, Tier::T0).is_empty(), good, "{state}");
        assert_eq!(client_lapses(&changed, now()).is_empty(), good, "{state}");
    }
}

#[test]
fn an_entitlement_works_while_it_is_in_use_and_before_its_end() {
    for state in EntitlementState::ALL.iter().copied() {
        let changed = with(|record| record.entitlements[1].state = state);
        let expected = match state {
            EntitlementState::Active | EntitlementState::Due | EntitlementState::Renewed => vec![],
            EntitlementState::Expired => vec![ReasonCode::EntitlementExpired],
            EntitlementState::Requested | EntitlementState::Reduced | EntitlementState::Revoked => {
                vec![ReasonCode::EntitlementNotActive]
            }
        };
        assert_eq!(lapses_of(&changed, Tier::T1), expected, "{state}");
    }
    let ended = with(|record| record.entitlements[1].expires_at = now());
    assert_eq!(lapses_of(&ended, Tier::T1), [ReasonCode::EntitlementExpired]);
    let none = with(|record| record.entitlements.clear());
    assert_eq!(lapses_of(&none, Tier::T1), [ReasonCode::EntitlementNotActive]);
}

#[test]
fn a_review_may_be_late_by_fourteen_days() {
    let late =
        |seconds: i64| with(|record| record.entitlements[1].review_due = now().plus(-seconds));
    assert_eq!(lapses_of(&late(14 * DAY), Tier::T1), []);
    assert_eq!(lapses_of(&late(14 * DAY + 1), Tier::T1), [ReasonCode::AccessReviewOverdue]);
}

#[test]
fn a_scope_that_no_product_offers_is_unknown() {
    let nowhere = Scope::parse("nowhere").unwrap();
    assert_eq!(
        lapses(&record(), &nowhere, PRODUCTION, now()),
        [ReasonCode::ScopeUnknown, ReasonCode::EntitlementNotActive]
    );
}

#[test]
fn a_sanctions_match_stops_everything() {
    let listed = with(|record| record.organisation.sanctions_hit = true);
    assert_eq!(lapses_of(&listed, Tier::T0), [ReasonCode::SanctionsMatch]);
    assert_eq!(client_lapses(&listed, now()), [ReasonCode::SanctionsMatch]);
}

#[test]
fn every_reason_is_reported_not_only_the_first() {
    let ruined = with(|record| {
        record.organisation.state = OrganisationState::Suspended;
        record.agreements[0].state = AgreementState::Terminated;
        record.products[3].state = ApiProductState::Retired;
        record.software_product.state = SoftwareProductState::Removed;
        record.client.state = ClientState::Suspended;
        record.entitlements[3].state = EntitlementState::Revoked;
        record.entitlements[3].expires_at = now();
        record.entitlements[3].review_due = now().plus(-15 * DAY);
    });
    let found = lapses_of(&ruined, Tier::T3);
    assert_eq!(
        found,
        [
            ReasonCode::OrganisationNotActive,
            ReasonCode::AgreementLapsed,
            ReasonCode::ProductNotLive,
            ReasonCode::SoftwareProductNotActive,
            ReasonCode::EntitlementNotActive,
            ReasonCode::EntitlementExpired,
            ReasonCode::AccessReviewOverdue,
            ReasonCode::ClientNotActive,
        ]
    );
}

#[test]
fn a_key_works_while_it_is_active_or_retiring_and_before_its_end() {
    for state in CredentialState::ALL.iter().copied() {
        let changed = with(|record| record.credentials[0].state = state);
        let expected = match state {
            CredentialState::Active | CredentialState::Retiring => vec![],
            CredentialState::Expired => vec![ReasonCode::CredentialExpired],
            CredentialState::PendingProof
            | CredentialState::Revoked
            | CredentialState::Compromised => vec![ReasonCode::CredentialNotActive],
        };
        assert_eq!(credential_lapses(&changed, THUMBPRINT, now()), expected, "{state}");
        assert_eq!(credential_lapses(&changed, "never seen", now()), [], "{state}");
    }
    let ended = with(|record| record.credentials[0].not_after = now());
    assert_eq!(credential_lapses(&ended, THUMBPRINT, now()), [ReasonCode::CredentialExpired]);
}
