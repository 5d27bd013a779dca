//! What does not load, and what a bundle that loads cannot do (GOV-PO-1, GOV-PO-8, SEC-35).

use std::str::FromStr as _;

use cedar_policy::PolicySet;

use super::PolicyEngine;
use super::load::assemble;
use crate::partners::Tier;
use crate::policy::Outcome;
use crate::policy::bundle::DEFAULT_RULES;
use crate::policy::bundle::DEFAULT_SCHEMA;
use crate::policy::grant_tests;
use crate::policy::samples::GrantCase;
use crate::policy::samples::TokenCase;
use crate::policy::token_tests;
use crate::types::ReasonCode;

/// What is wrong with the default rules once `old` has become `new`.
fn problems(old: &str, new: &str) -> String {
    assert!(DEFAULT_RULES.contains(old), "{old}");
    PolicyEngine::load(DEFAULT_SCHEMA, &DEFAULT_RULES.replacen(old, new, 1))
        .unwrap_err()
        .to_string()
}

fn with_rule(rule: &str) -> String {
    format!("{DEFAULT_RULES}\n{rule}\n")
}

#[test]
fn a_misspelt_fact_does_not_load_and_the_error_names_rule_and_line() {
    let found = problems("context.org.riskScore <= 40", "context.org.riskscore <= 40");
    let line = DEFAULT_RULES.lines().position(|line| line.contains("grant.moderate")).unwrap();
    assert!(found.contains("riskscore"), "{found}");
    assert!(found.contains(&format!("rule `grant.moderate`: line {}", line + 1)), "{found}");
}

#[test]
fn a_rule_that_does_not_parse_does_not_load_and_the_error_names_the_line() {
    let found = problems("forbid (principal", "forbidden (principal");
    let line = DEFAULT_RULES.lines().position(|line| line.starts_with("forbid")).unwrap();
    assert!(found.contains(&format!("line {}", line + 1)), "{found}");
}

#[test]
fn a_requirement_says_who_how_and_why() {
    for (old, new, expected) in [
        (r#"@enforcement("hard") @owner("risk")"#, r#"@enforcement("hard")"#, "no `@owner`"),
        (r#"@enforcement("hard")"#, r#"@enforcement("firm")"#, "neither `hard` nor `soft`"),
        (r#"@enforcement("hard")"#, "", "neither `hard` nor `soft`"),
        (r#"@code("organisation_not_active")"#, "", "no `@code`"),
        (r#"@code("organisation_not_active")"#, r#"@code("nonsense")"#, "not in the catalogue"),
        (r#"@id("req.org")"#, "", "no `@id`"),
        (r#"@id("req.org")"#, r#"@id("req.role")"#, "`@id` is taken"),
        (r#"@disclose("generic")"#, "", "`@disclose`"),
        (
            r#"@code("condition_overdue") @enforcement("hard")"#,
            r#"@code("condition_overdue") @enforcement("soft")"#,
            "it is soft, but",
        ),
        (r#"@never_codify("true")"#, "", "does not end with"),
        (
            r#"unless { context.waivers.contains("security_attestation_stale") }"#,
            "",
            "does not end with",
        ),
        (
            r#"contains("security_attestation_stale")"#,
            r#"contains("sender_constraint_required")"#,
            "does not end with",
        ),
        (
            "when { context.org.sanctionsHit }",
            r#"when { context.org.sanctionsHit } unless { context.waivers.contains("sanctions_match") }"#,
            "hard and mentions waivers",
        ),
        (
            "principal is SoftwareProduct",
            r#"principal == SoftwareProduct::"acme""#,
            "partners are facts",
        ),
    ] {
        let found = problems(old, new);
        assert!(found.contains(expected), "{old} -> {new}: {found}");
    }
}

#[test]
fn a_fact_that_no_rule_reads_does_not_load() {
    let found = problems("unless { context.scope.allowedByRole }", "");
    assert!(found.contains("reads the fact `scope.allowedByRole`"), "{found}");
}

#[test]
fn a_schema_that_describes_other_facts_does_not_load() {
    let schema = DEFAULT_SCHEMA.replacen("\"jtiFresh\": Bool", "\"jtiFresh\": Long", 1);
    let found = PolicyEngine::load(&schema, DEFAULT_RULES).unwrap_err().to_string();
    assert!(found.contains("does not describe the facts"), "{found}");
    assert!(PolicyEngine::load("", DEFAULT_RULES).is_err());
    assert!(PolicyEngine::load("entity", DEFAULT_RULES).is_err());
}

#[test]
fn all_problems_are_reported_not_only_the_first() {
    let rules = DEFAULT_RULES.replace(r#" @owner("risk")"#, "");
    let found = PolicyEngine::load(DEFAULT_SCHEMA, &rules).unwrap_err();
    assert!(found.problems.len() > 5, "{found}");
    assert!(found.problems.iter().all(|problem| problem.line.is_some()), "{found}");
}

#[test]
fn a_rule_that_cannot_be_evaluated_refuses() {
    let rules = with_rule(
        r#"@id("broken") @code("condition_overdue") @enforcement("hard") @owner("risk")
           forbid (principal, action == Action::"grantEntitlement", resource)
           when { context.statement.ageSecs * 9223372036854775807 < 0 };"#,
    );
    let engine = PolicyEngine::load(DEFAULT_SCHEMA, &rules).unwrap();
    let decision = GrantCase::base(Tier::T0).decide(&engine);
    assert_eq!(decision.outcome, Outcome::Refused);
    assert_eq!(decision.codes, [ReasonCode::PolicyError]);
    assert!(decision.error.unwrap().contains("broken"));
    assert!(TokenCase::base(Tier::T0).decide(&engine).is_approved(), "the other action goes on");
}

#[test]
fn a_permit_that_cannot_be_evaluated_refuses() {
    let rules = with_rule(
        r#"@id("broken") @code("granted") @owner("risk")
           permit (principal, action == Action::"issueToken", resource)
           when { context.requestedTtlSecs * 9223372036854775807 < 0 };"#,
    );
    let engine = PolicyEngine::load(DEFAULT_SCHEMA, &rules).unwrap();
    let decision = TokenCase::base(Tier::T0).decide(&engine);
    assert_eq!(decision.codes, [ReasonCode::PolicyError]);
}

#[test]
fn a_bundle_cannot_grant_t4() {
    let permit = r#"@id("grant.critical") @code("granted_critical") @owner("risk")
        permit (principal, action == Action::"grantEntitlement", resource in Tier::"T4");"#;
    let referring = PolicyEngine::load(DEFAULT_SCHEMA, &with_rule(permit)).unwrap();
    assert_eq!(GrantCase::base(Tier::T4).decide(&referring).outcome, Outcome::Referred);
    let critical = rule_texts().into_iter().find(|text| text.contains("req.critical")).unwrap();
    for rules in [DEFAULT_RULES.to_owned(), with_rule(permit)] {
        let rules = rules.replacen(&critical, "", 1);
        let engine = PolicyEngine::load(DEFAULT_SCHEMA, &rules).unwrap();
        let decision = GrantCase::base(Tier::T4).decide(&engine);
        assert_eq!(decision.outcome, Outcome::Refused);
        assert_eq!(decision.codes, [ReasonCode::PolicyError]);
    }
}

fn rule_texts() -> Vec<String> {
    let parsed = PolicySet::from_str(DEFAULT_RULES).unwrap();
    parsed.policies().map(|policy| policy.to_cedar().unwrap()).collect()
}

/// Whether every row of the tables still holds.
fn every_row_holds(engine: &PolicyEngine) -> bool {
    let grants = grant_tests::rows().all(|row| {
        let decision = grant_tests::case(row).decide(engine);
        (decision.outcome, decision.codes.as_slice()) == (row.outcome, row.codes)
    });
    grants
        && token_tests::rows().all(|row| {
            let decision = token_tests::case(row).decide(engine);
            (decision.outcome, decision.codes.as_slice()) == (row.outcome, row.codes)
        })
}

#[test]
fn no_rule_can_be_taken_away_unnoticed() {
    let texts = rule_texts();
    assert_eq!(texts.len(), 41);
    for text in texts {
        let mutant = DEFAULT_RULES.replacen(&text, "", 1);
        let (engine, _) = assemble(DEFAULT_SCHEMA, &mutant).unwrap();
        assert!(!every_row_holds(&engine), "nothing notices that this rule is missing:\n{text}");
    }
}
