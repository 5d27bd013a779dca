//! Each check of REG-S3 to S9 on a software statement, by its number.

use serde_json::{Value, json};

use crate::jose::Algorithm;
use crate::jose::JwkSet;
use crate::jose::SigningKey;
use crate::jose::forge;
use crate::protocol::error::ErrorCode;
use crate::protocol::error::OAuthError;
use crate::protocol::registration::ClaimPath;
use crate::protocol::registration::LONGEST_STATEMENT;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::StatementError;
use crate::protocol::registration::StatementProblem;
use crate::protocol::registration::StatementRules;
use crate::protocol::registration::StatusRule;
use crate::protocol::registration::UnverifiedStatement;
use crate::types::Timestamp;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_epoch(NOW).unwrap()
}

fn rules() -> StatementRules {
    StatementRules {
        algorithms: vec![Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa],
        types: vec!["JWT".to_owned()],
        issuers: vec!["https://directory.example".to_owned()],
        skew_seconds: 10,
        max_age_seconds: 300,
        max_lifetime_seconds: 3600,
        expiry_required: true,
        audiences: vec!["https://as.example".to_owned()],
        audience_required: false,
        jti_required: true,
        statuses: vec![StatusRule {
            claim: ClaimPath::parse("org_status").unwrap(),
            accepted: vec!["Active".to_owned()],
            required: true,
        }],
    }
}

/// The claims of a good statement, with some replaced or, by `null`, taken out.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "https://directory.example", "iat": NOW - 5, "exp": NOW + 600, "jti": "1",
        "software_id": "s", "org_status": "Active",
    });
    for (name, value) in serde_json::from_value::<serde_json::Map<_, _>>(changes).unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(&name);
        } else {
            claims[name] = value;
        }
    }
    claims
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn keys(key: &SigningKey) -> JwkSet {
    JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap()
}

fn verify(
    text: &str,
    rules: &StatementRules,
    keys: &JwkSet,
) -> Result<SoftwareStatement, StatementError> {
    UnverifiedStatement::parse(text)?.verify(rules, keys, now())
}

fn checked(changes: Value, rules: &StatementRules) -> Result<SoftwareStatement, StatementError> {
    let key = key();
    verify(&key.sign("JWT", &claims(changes)).unwrap(), rules, &keys(&key))
}

#[track_caller]
fn refused(changes: Value, problem: &StatementProblem) {
    let error = checked(changes, &rules()).unwrap_err();
    assert_eq!(error.0, std::slice::from_ref(problem));
}

fn code(error: StatementError) -> ErrorCode {
    OAuthError::from(error).code
}

#[test]
fn a_good_statement_tells_what_it_is() {
    let key = key();
    let text = key.sign("JWT", &claims(json!({}))).unwrap();
    let unverified = UnverifiedStatement::parse(&text).unwrap();
    assert_eq!(unverified.issuer().unwrap(), "https://directory.example");
    let statement = unverified.verify(&rules(), &keys(&key), now()).unwrap();
    assert_eq!(statement.text(), text);
    assert_eq!(statement.jti(), Some("1"));
    assert_eq!(statement.issued_at().epoch(), NOW - 5);
    assert_eq!(statement.expires_at().map(Timestamp::epoch), Some(NOW + 600));
    assert_eq!(statement.key_id(), Some(key.key_id()));
    assert_eq!(statement.digest().len(), 43);
    assert_eq!(statement.claims()["software_id"], "s");
}

#[test]
fn every_fault_that_the_test_directory_can_make_gets_its_code() {
    let (key, other) = (key(), key());
    let good = claims(json!({}));
    let sign = |changes| key.sign("JWT", &claims(changes)).unwrap();
    let huge = br#"{"iss":"https://directory.example","iat":1799999995,"exp":1e19,"jti":"1","org_status":"Active"}"#;
    let twice = br#"{"iss":"https://directory.example","iss":"https://evil.example","iat":1,"exp":2,"jti":"1"}"#;
    for (fault, text) in [
        ("expired", sign(json!({ "iat": NOW - 100, "exp": NOW - 60 }))),
        ("future", sign(json!({ "iat": NOW + 3600, "exp": NOW + 4000 }))),
        ("bad_signature", forge::with_broken_signature(&key, &good).unwrap()),
        ("foreign_key", other.sign("JWT", &good).unwrap()),
        ("alg_none", forge::unsigned(&good)),
        ("hs256_public_key", forge::hs256_with_public_key(&key, &good).unwrap()),
        ("unknown_kid", forge::with_key_id(&key, "nobody", &good).unwrap()),
        ("huge_exp", forge::raw_payload(&key, huge).unwrap()),
        ("oversized", sign(json!({ "padding": "x".repeat(20_000) }))),
        ("missing_iss", sign(json!({ "iss": null }))),
        ("duplicate_member", forge::raw_payload(&key, twice).unwrap()),
    ] {
        let error = verify(&text, &rules(), &keys(&key)).expect_err(fault);
        assert_eq!(code(error), ErrorCode::InvalidSoftwareStatement, "{fault}");
    }
    let wrong_issuer = sign(json!({ "iss": "https://evil.example" }));
    let error = verify(&wrong_issuer, &rules(), &keys(&key)).unwrap_err();
    assert_eq!(code(error), ErrorCode::UnapprovedSoftwareStatement);
}

#[test]
fn what_is_no_jws_is_refused_reg_s3() {
    for bad in ["", "a", "a.b.c", "..", "eyJhbGciOiJFUzI1NiJ9..", "(not a text)"] {
        let error = UnverifiedStatement::parse(bad).unwrap_err();
        assert_eq!(code(error), ErrorCode::InvalidSoftwareStatement, "{bad}");
    }
    let error = UnverifiedStatement::parse(&"x".repeat(LONGEST_STATEMENT + 1)).unwrap_err();
    assert_eq!(error.0, [StatementProblem::TooLong]);
}

#[test]
fn a_jwt_of_another_type_is_no_statement_reg_s3_sec_11() {
    let key = key();
    let text = key.sign("at+jwt", &claims(json!({}))).unwrap();
    let error = verify(&text, &rules(), &keys(&key)).unwrap_err();
    assert_eq!(error.0, [StatementProblem::Type]);
}

#[test]
fn an_algorithm_that_the_framework_does_not_list_is_refused_reg_s3() {
    let rules = StatementRules { algorithms: vec![Algorithm::Ps256], ..rules() };
    let error = checked(json!({}), &rules).unwrap_err();
    assert_eq!(code(error), ErrorCode::InvalidSoftwareStatement);
}

#[test]
fn an_issuer_that_is_absent_or_no_text_is_a_bad_statement_reg_s4() {
    let key = key();
    for bad in [json!(null), json!(7), json!(""), json!(["https://directory.example"])] {
        let text = key.sign("JWT", &claims(json!({ "iss": bad }))).unwrap();
        let error = UnverifiedStatement::parse(&text).unwrap().issuer().unwrap_err();
        assert_eq!(code(error), ErrorCode::InvalidSoftwareStatement);
    }
}

#[test]
fn a_statement_that_names_issuer_b_with_the_key_of_a_is_refused_reg_s4_peer_7() {
    refused(
        json!({ "iss": "https://other.example" }),
        &StatementProblem::IssuerUnknown { issuer: "https://other.example".to_owned() },
    );
}

#[test]
fn no_key_at_all_admits_nobody_reg_s5_peer_9() {
    let text = key().sign("JWT", &claims(json!({}))).unwrap();
    let none = JwkSet::parse_fetched(&json!({ "keys": [] })).unwrap();
    let unverified = UnverifiedStatement::parse(&text).unwrap();
    assert!(unverified.key_id().is_some_and(|wanted| none.find(wanted).is_none()));
    assert!(unverified.verify(&rules(), &none, now()).is_err());
}

#[test]
fn an_expired_statement_is_refused_and_the_skew_is_small_reg_s6() {
    refused(json!({ "exp": NOW - 10, "iat": NOW - 60 }), &StatementProblem::Expired);
    assert!(checked(json!({ "exp": NOW - 9, "iat": NOW - 60 }), &rules()).is_ok());
}

#[test]
fn a_statement_from_the_future_is_refused_although_its_age_is_small_reg_s6_gov_po_5() {
    refused(json!({ "iat": NOW + 11 }), &StatementProblem::IssuedInFuture);
    assert!(checked(json!({ "iat": NOW + 10 }), &rules()).is_ok());
    refused(json!({ "nbf": NOW + 11 }), &StatementProblem::NotYetValid);
}

#[test]
fn a_stale_statement_is_refused_although_it_has_not_expired_reg_s19() {
    refused(json!({ "iat": NOW - 301 }), &StatementProblem::TooOld { age: 301, most: 300 });
    assert!(checked(json!({ "iat": NOW - 300 }), &rules()).is_ok());
}

#[test]
fn a_lifetime_is_positive_and_bounded_reg_s19_reg_ud5() {
    let lifetime = StatementProblem::Lifetime { most: 3600 };
    refused(json!({ "exp": NOW + 4000 }), &lifetime);
    refused(json!({ "exp": 253_402_300_799_i64 }), &lifetime);
    refused(json!({ "iat": NOW + 9, "exp": NOW + 9 }), &lifetime);
}

#[test]
fn times_that_are_no_times_are_a_bad_statement_reg_s6_sec_13() {
    for claim in ["exp", "iat", "nbf"] {
        for bad in [
            json!("1"),
            json!(-1),
            json!(1e19),
            json!(9_223_372_036_854_775_807_i64),
            json!([1]),
            json!(true),
        ] {
            let error = checked(json!({ (claim): bad }), &rules()).unwrap_err();
            assert_eq!(error.0, [StatementProblem::ClaimMalformed { claim: claim.to_owned() }]);
        }
    }
}

#[test]
fn missing_times_are_refused_unless_the_framework_does_without_exp_reg_g5_reg_s6() {
    refused(json!({ "iat": null }), &StatementProblem::ClaimMissing { claim: "iat".to_owned() });
    refused(json!({ "exp": null }), &StatementProblem::ClaimMissing { claim: "exp".to_owned() });
    let rules = StatementRules { expiry_required: false, ..rules() };
    assert!(checked(json!({ "exp": null }), &rules).unwrap().expires_at().is_none());
    assert!(checked(json!({ "exp": null, "iat": NOW - 301 }), &rules).is_err());
}

#[test]
fn an_audience_that_is_there_is_ours_reg_s7() {
    assert!(checked(json!({ "aud": "https://as.example" }), &rules()).is_ok());
    assert!(
        checked(json!({ "aud": ["https://b.example", "https://as.example"] }), &rules()).is_ok()
    );
    for bad in [json!("https://as.example/"), json!("https://AS.example"), json!([]), json!(["x"])]
    {
        refused(json!({ "aud": bad }), &StatementProblem::Audience);
    }
    for bad in [json!(7), json!([7]), json!({})] {
        refused(
            json!({ "aud": bad }),
            &StatementProblem::ClaimMalformed { claim: "aud".to_owned() },
        );
    }
    let rules = StatementRules { audience_required: true, ..rules() };
    assert!(checked(json!({}), &rules).is_err());
}

#[test]
fn a_single_use_statement_can_be_named_reg_s8() {
    refused(json!({ "jti": null }), &StatementProblem::ClaimMissing { claim: "jti".to_owned() });
    for bad in [json!(""), json!(7), json!("x".repeat(256)), json!("a\u{0}")] {
        refused(
            json!({ "jti": bad }),
            &StatementProblem::ClaimMalformed { claim: "jti".to_owned() },
        );
    }
    let rules = StatementRules { jti_required: false, ..rules() };
    assert!(checked(json!({ "jti": null }), &rules).is_ok());
}

#[test]
fn a_status_that_is_not_good_makes_a_sound_statement_unapproved_reg_s9() {
    let error = checked(json!({ "org_status": "Revoked" }), &rules()).unwrap_err();
    assert_eq!(code(error), ErrorCode::UnapprovedSoftwareStatement);
    assert!(checked(json!({ "org_status": "ACTIVE" }), &rules()).is_ok());
    let error = checked(json!({ "org_status": null }), &rules()).unwrap_err();
    assert_eq!(code(error), ErrorCode::UnapprovedSoftwareStatement);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_reg_e11() {
    let changes = json!({
        "iat": NOW - 4000, "exp": NOW - 600, "aud": "https://other.example", "jti": null,
        "org_status": "Withdrawn",
    });
    let error = checked(changes, &rules()).unwrap_err();
    let body = OAuthError::from(error).body();
    let pointers: Vec<&str> = body["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        ["iat", "exp", "aud", "jti", "org_status"]
            .map(|claim| format!("/software_statement/{claim}"))
    );
    assert_eq!(body["error"], "invalid_software_statement");
}

#[test]
fn no_message_quotes_the_statement() {
    let key = key();
    let text = forge::with_broken_signature(&key, &claims(json!({}))).unwrap();
    let body = OAuthError::from(verify(&text, &rules(), &keys(&key)).unwrap_err());
    assert!(!format!("{body:?}").contains(text.split('.').next_back().unwrap()));
}
