//! How a registration's decision is answered and recorded (GOV §8.4, GOV-ON-9), and what facts out
//! of range come to (GOV-PO-5).

use crate::partners::Tier::{T0, T1, T2, T4};
use crate::partners::samples;
use crate::policy::Outcome::Refused;
use crate::policy::PolicyEngine;
use crate::policy::samples::GrantCase;
use crate::types::ReasonCode as Code;
use crate::types::ScopeSet;

#[test]
fn a_sanctions_match_shows_as_an_additional_review() {
    let mut case = GrantCase::base(T0);
    case.organisation().sanctions_hit = true;
    let decision = case.decide(&PolicyEngine::default_bundle().unwrap());
    let shown = serde_json::to_string(&decision).unwrap();
    assert!(shown.contains("additional_review_required") && !shown.contains("sanction"), "{shown}");
    assert_eq!(decision.codes, [Code::SanctionsMatch]);
}

#[test]
fn a_decision_shows_every_item_as_the_refusal_body_has_it() {
    let mut case = GrantCase::base(T0);
    case.agreement().products.remove(&samples::product_id(T2));
    let engine = PolicyEngine::default_bundle().unwrap();
    let scopes: ScopeSet = [T0, T2, T4].map(samples::scope).into_iter().collect();
    let decision = case.decide_all(&engine, &scopes);
    assert_eq!(decision.approved().to_string(), "t0:use");
    assert_eq!(decision.refused().to_string(), "t2:use");
    assert_eq!(decision.referred().to_string(), "t4:use");
    let shown = serde_json::to_value(&decision).unwrap();
    assert_eq!(shown["policy_digest"], engine.digest());
    assert_eq!(
        shown["decisions"][0],
        serde_json::json!({"item": "scope:t0:use", "outcome": "approved"})
    );
    assert_eq!(shown["decisions"][1]["reasons"][0]["code"], "product_not_contracted");
    assert_eq!(shown["decisions"][1]["reasons"][0]["pointer"], "/scope");
    assert_eq!(shown.as_object().unwrap().len(), 2);
}

#[test]
fn the_facts_digest_follows_the_facts_and_not_the_clock() {
    let engine = PolicyEngine::default_bundle().unwrap();
    let scopes: ScopeSet = [samples::scope(T1)].into_iter().collect();
    let digest = |case: &GrantCase| case.decide_all(&engine, &scopes).facts_digest;
    let base = GrantCase::base(T1);
    let mut later = base.clone();
    later.now = later.now.plus(5);
    later.products.reverse();
    assert_eq!(digest(&base), digest(&later));
    let mut riskier = base.clone();
    riskier.organisation().risk_score = 21;
    let mut waived = base.clone();
    waived.waivers = [Code::SenderConstraintRequired].into();
    for changed in [riskier, waived] {
        assert_ne!(digest(&base), digest(&changed));
    }
}

#[test]
fn a_fact_out_of_range_refuses() {
    let engine = PolicyEngine::default_bundle().unwrap();
    let changes: [fn(&mut GrantCase); 6] = [
        |case| case.organisation().risk_score = -1,
        |case| case.organisation().risk_score = i64::MAX,
        |case| case.statement.longest_age_seconds = i64::MAX,
        |case| case.method = "x".repeat(257),
        |case| case.organisation().regulatory_roles = (0..101).map(|n| n.to_string()).collect(),
        |case| case.conditions = ["x".repeat(257)].into(),
    ];
    for change in changes {
        let mut case = GrantCase::base(T0);
        change(&mut case);
        let decision = case.decide(&engine);
        assert_eq!((decision.outcome, decision.codes), (Refused, vec![Code::PolicyError]));
        assert!(decision.error.unwrap().contains("out of range"));
    }
}
