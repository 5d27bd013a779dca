//! Each rule of REG-E1, E6, E8, S1, S2, S11 and S12 on a registration request, by its number.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::jose::Algorithm;
use crate::jose::JwkSet;
use crate::jose::SigningKey;
use crate::jose::forge;
use crate::protocol::error::ErrorCode;
use crate::protocol::error::OAuthError;
use crate::protocol::registration::EnvelopeClaim;
use crate::protocol::registration::LARGEST_BODY;
use crate::protocol::registration::RegistrationRequest;
use crate::protocol::registration::RequestError;
use crate::protocol::registration::RequestFormat;
use crate::protocol::registration::RequestProblem;
use crate::protocol::registration::RequestRules;
use crate::protocol::registration::VerifiedRequest;
use crate::types::Timestamp;

const NOW: i64 = 1_800_000_000;

fn rules() -> RequestRules {
    RequestRules {
        required: EnvelopeClaim::ALL.into(),
        algorithms: vec![Algorithm::Es256],
        types: vec!["JWT".to_owned()],
        issuer: "software-1".to_owned(),
        audiences: vec!["https://as.example".to_owned()],
        max_lifetime_seconds: 300,
        skew_seconds: 60,
    }
}

fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "software-1", "aud": "https://as.example", "iat": NOW, "exp": NOW + 300, "jti": "r1",
        "client_name": "Acme", "software_statement": "ey.ey.x",
    });
    for (name, value) in serde_json::from_value::<Map<_, _>>(changes).unwrap() {
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

fn verify(text: &str, key: &SigningKey) -> Result<VerifiedRequest, RequestError> {
    verify_by(&rules(), text, key)
}

fn verify_by(
    rules: &RequestRules,
    text: &str,
    key: &SigningKey,
) -> Result<VerifiedRequest, RequestError> {
    let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
    match RegistrationRequest::parse(Some("application/jwt"), text.as_bytes())? {
        RegistrationRequest::Json(_) => panic!("it is signed"),
        RegistrationRequest::Signed(request) => {
            request.verify(rules, &keys, Timestamp::from_epoch(NOW).unwrap())
        }
    }
}

fn checked(changes: Value) -> Result<VerifiedRequest, RequestError> {
    let key = key();
    verify(&key.sign("JWT", &claims(changes)).unwrap(), &key)
}

#[track_caller]
fn refused(changes: Value, problem: RequestProblem) {
    let error = checked(changes).unwrap_err();
    assert_eq!(error.0, [problem]);
    assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClientMetadata);
}

#[test]
fn three_content_types_are_understood_whatever_their_parameters_reg_e1() {
    for good in ["application/json", "application/json; charset=utf-8", "Application/JSON ;x=y"] {
        let request = RegistrationRequest::parse(Some(good), b"{}").unwrap();
        assert_eq!(request.format(), RequestFormat::Json);
    }
    let jws = key().sign("JWT", &claims(json!({}))).unwrap();
    for (media_type, format) in
        [("application/jwt", RequestFormat::Jwt), ("application/jose; a=b", RequestFormat::Jose)]
    {
        let body = format!("{jws}\r\n");
        let request = RegistrationRequest::parse(Some(media_type), body.as_bytes()).unwrap();
        assert_eq!(request.format(), format);
    }
    for bad in [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
        Some("application/json, text/html"),
    ] {
        let error = RegistrationRequest::parse(bad, b"{}").unwrap_err();
        assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClientMetadata, "{bad:?}");
    }
}

#[test]
fn a_body_is_capped_strict_and_shallow_reg_e8() {
    let parse = |body: &[u8]| RegistrationRequest::parse(Some("application/json"), body);
    for bad in ["", "[]", "null", "{", r#"{"a":1,"a":2}"#, "{}{}", "\u{feff}{}"] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(parse(b"{\"a\":\"\xff\"}").is_err());
    assert!(parse(format!("{{\"a\":{}{}}}", "[".repeat(50), "]".repeat(50)).as_bytes()).is_err());
    let error = parse(&vec![b' '; LARGEST_BODY + 1]).unwrap_err();
    assert_eq!(OAuthError::from(error).code, ErrorCode::PayloadTooLarge);
}

#[test]
fn a_signed_request_that_can_never_hold_is_refused_by_its_header_reg_s1() {
    let key = key();
    for text in [
        forge::unsigned(&claims(json!({}))),
        forge::hs256_with_public_key(&key, &claims(json!({}))).unwrap(),
        "a.b.c".to_owned(),
        String::new(),
        "{}".to_owned(),
    ] {
        let error =
            RegistrationRequest::parse(Some("application/jwt"), text.as_bytes()).unwrap_err();
        assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClientMetadata, "{text}");
    }
}

#[test]
fn a_statement_is_required_and_must_be_one_reg_s2_reg_s3() {
    for (body, code) in [
        (json!({}), ErrorCode::InvalidClientMetadata),
        (json!({ "software_statement": null }), ErrorCode::InvalidClientMetadata),
        (json!({ "software_statement": "" }), ErrorCode::InvalidClientMetadata),
        (json!({ "software_statement": 7 }), ErrorCode::InvalidSoftwareStatement),
        (json!({ "software_statement": "x" }), ErrorCode::InvalidSoftwareStatement),
    ] {
        let request =
            RegistrationRequest::parse(Some("application/json"), body.to_string().as_bytes());
        assert_eq!(request.unwrap().software_statement().unwrap_err().code(), code, "{body}");
    }
}

#[test]
fn a_request_signed_by_the_software_is_metadata_without_its_envelope_reg_e6_reg_s11() {
    let request = checked(json!({ "sub": "x", "nbf": NOW })).unwrap();
    assert_eq!(request.members()["client_name"], "Acme");
    assert_eq!((request.jti(), request.expires_at().epoch()), (Some("r1"), NOW + 300));
    for claim in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        assert!(request.members().get(claim).is_none(), "{claim}");
    }
}

#[test]
fn a_request_signed_by_another_key_is_refused_reg_s11() {
    let (ours, other) = (key(), key());
    for text in [
        other.sign("JWT", &claims(json!({}))).unwrap(),
        forge::with_key_id(&other, ours.key_id(), &claims(json!({}))).unwrap(),
        forge::with_broken_signature(&ours, &claims(json!({}))).unwrap(),
    ] {
        let error = verify(&text, &ours).unwrap_err();
        assert!(matches!(error.0[..], [RequestProblem::Signature(_)]), "{error}");
        assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClientMetadata);
    }
}

#[test]
fn a_jwt_of_another_type_is_no_request_reg_s11_sec_11() {
    let key = key();
    let error = verify(&key.sign("dpop+jwt", &claims(json!({}))).unwrap(), &key).unwrap_err();
    assert_eq!(error.0, [RequestProblem::Type]);
}

#[test]
fn the_envelope_is_complete_reg_s12() {
    for claim in ["iss", "aud", "iat", "exp", "jti"] {
        refused(json!({ (claim): null }), RequestProblem::ClaimMissing(claim));
        refused(json!({ (claim): {} }), RequestProblem::ClaimMalformed(claim));
    }
    refused(json!({ "exp": 1e19 }), RequestProblem::ClaimMalformed("exp"));
}

#[test]
fn the_envelope_is_from_the_software_and_for_us_reg_s12() {
    refused(json!({ "iss": "software-2" }), RequestProblem::Issuer);
    refused(json!({ "iss": "SOFTWARE-1" }), RequestProblem::Issuer);
    refused(json!({ "aud": "https://other.example" }), RequestProblem::Audience);
    refused(json!({ "aud": ["https://as.example/"] }), RequestProblem::Audience);
    assert!(checked(json!({ "aud": ["x", "https://as.example"] })).is_ok());
}

#[test]
fn the_envelope_is_fresh_and_short_lived_reg_s12() {
    refused(json!({ "iat": NOW - 400, "exp": NOW - 120 }), RequestProblem::Expired);
    refused(json!({ "iat": NOW + 61, "exp": NOW + 300 }), RequestProblem::InFuture("iat"));
    refused(json!({ "nbf": NOW + 61 }), RequestProblem::InFuture("nbf"));
    assert!(checked(json!({ "iat": NOW + 60, "exp": NOW + 360 })).is_ok());
    refused(json!({ "exp": NOW + 301 }), RequestProblem::Lifetime { most: 300 });
    refused(json!({ "iat": NOW - 86_400 }), RequestProblem::Lifetime { most: 300 });
    refused(json!({ "iat": NOW + 50, "exp": NOW + 50 }), RequestProblem::Lifetime { most: 300 });
}

#[test]
fn what_a_framework_does_not_demand_may_be_absent_and_is_never_wrong_reg_s12() {
    let key = key();
    let lenient = RequestRules { required: [EnvelopeClaim::Exp].into(), ..rules() };
    let check = |changes| {
        let text = key.sign("JWT", &claims(changes)).unwrap();
        verify_by(&lenient, &text, &key).map_err(|error| error.0)
    };
    let bare = check(json!({ "iss": null, "aud": null, "iat": null, "jti": null })).unwrap();
    assert_eq!((bare.jti(), bare.issued_at().epoch()), (None, NOW));
    assert_eq!(check(json!({ "exp": null, "iat": null })), Err(vec![missing("exp")]));
    let wrong = json!({ "iss": "x", "aud": "x", "iat": null, "exp": NOW + 301, "jti": 1 });
    assert_eq!(
        check(wrong).unwrap_err(),
        [
            RequestProblem::Issuer,
            RequestProblem::Audience,
            RequestProblem::Lifetime { most: 300 },
            RequestProblem::ClaimMalformed("jti"),
        ]
    );

    let endless = RequestRules { required: [EnvelopeClaim::Iat].into(), ..rules() };
    let check = |changes| {
        let text = key.sign("JWT", &claims(changes)).unwrap();
        verify_by(&endless, &text, &key).map_err(|error| error.0)
    };
    let bare = check(json!({ "exp": null })).unwrap();
    assert_eq!(bare.expires_at().epoch(), NOW + 300);
    let old = json!({ "exp": null, "iat": NOW - 300 });
    assert_eq!(check(old), Err(vec![RequestProblem::Expired]));

    let timeless = RequestRules { required: [].into(), ..rules() };
    let text = key.sign("JWT", &claims(json!({ "exp": null, "iat": null }))).unwrap();
    assert_eq!(verify_by(&timeless, &text, &key).unwrap_err().0, [missing("exp")]);
}

fn missing(claim: &'static str) -> RequestProblem {
    RequestProblem::ClaimMissing(claim)
}

#[test]
fn everything_that_is_wrong_with_the_envelope_is_told_at_once_reg_e11() {
    let error =
        checked(json!({ "iss": "x", "aud": "y", "exp": NOW - 1, "jti": null })).unwrap_err();
    assert_eq!(error.0.len(), 5, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_body_panics(
        content_type in "(application/(json|jwt|jose))?(;.{0,4})?",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(request) = RegistrationRequest::parse(Some(&content_type), &body) {
            prop_assert!(request.software_statement().is_err());
        }
    }
}
