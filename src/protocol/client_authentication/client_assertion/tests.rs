//! Each refusal of a client assertion, by the rule that it breaks.

use std::sync::LazyLock;

use serde_json::json;

use super::*;
use crate::jose::SigningKey;
use crate::jose::forge;
use crate::jose::mac_jwt;
use crate::protocol::client_authentication::Audiences;
use crate::protocol::parameters::FORM;
use crate::types::Issuer;

const NOW: i64 = 1_800_000_000;
const ALGORITHMS: &[Algorithm] = &[Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

fn keys_of(key: &SigningKey) -> JwkSet {
    JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_epoch(NOW).unwrap()
}

fn good() -> Map<String, Value> {
    let claims = json!({
        "iss": "cl_1",
        "sub": "cl_1",
        "aud": "https://as.example",
        "jti": "once",
        "iat": NOW,
        "exp": NOW + 60,
    });
    claims.as_object().unwrap().clone()
}

/// The good claims with one changed, or left out if `value` is null.
fn with(name: &str, value: Value) -> Map<String, Value> {
    let mut claims = good();
    if value.is_null() {
        claims.remove(name)
    } else {
        claims.insert(name.to_owned(), value)
    };
    claims
}

fn verify_text(assertion: &str) -> Result<VerifiedAssertion, InvalidAssertion> {
    verify_by(assertion, AudienceRule::default())
}

fn us() -> OurNames {
    OurNames {
        issuer: Issuer::parse("https://as.example").unwrap(),
        endpoints: vec!["https://as.example/token".to_owned()],
    }
}

fn verify_by(assertion: &str, rule: AudienceRule) -> Result<VerifiedAssertion, InvalidAssertion> {
    let addressee = Addressee { us: &us(), rule };
    let unverified = UnverifiedAssertion::parse(assertion, None)?;
    unverified.verify(&keys_of(&KEY), ALGORITHMS, addressee, now())
}

fn verify(claims: &Map<String, Value>) -> Result<VerifiedAssertion, InvalidAssertion> {
    verify_text(&KEY.sign("JWT", claims).unwrap())
}

fn refusal(name: &str, value: Value) -> InvalidAssertion {
    verify(&with(name, value)).unwrap_err()
}

#[test]
fn a_good_assertion_says_who_and_what_must_be_burnt() {
    let verified = verify(&good()).unwrap();
    assert_eq!(verified.client_id().as_str(), "cl_1");
    assert_eq!(verified.jti(), "once");
    assert_eq!(verified.issued_at(), now());
    assert_eq!(verified.refused_from(), now().plus(60 + CLOCK_SKEW));
    assert_eq!(verified.thumbprint(), Some(KEY.thumbprint()));
}

#[test]
fn the_client_hears_one_sentence_whatever_was_wrong() {
    let answers =
        [refusal("aud", json!("x")), refusal("exp", json!(1)), refusal("iss", json!("x"))]
            .map(|refused| OAuthError::from(refused).body());
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
    assert_eq!(answers[0]["error"], "invalid_client");
}

#[test]
fn a_type_is_needed_and_an_assertion_with_it() {
    let read = |body: String| {
        let parameters = Parameters::parse(Some(FORM), body.as_bytes(), &[]).unwrap();
        UnverifiedAssertion::from_parameters(&parameters).map(|found| found.is_some())
    };
    let assertion = KEY.sign("JWT", &good()).unwrap();
    assert_eq!(read("grant_type=x".to_owned()), Ok(false));
    assert_eq!(read(format!("client_assertion={assertion}")), Err(InvalidAssertion::AssertionType));
    assert_eq!(
        read(format!("client_assertion_type=saml&client_assertion={assertion}")),
        Err(InvalidAssertion::AssertionType)
    );
    let typed = format!("client_assertion_type={JWT_BEARER}");
    assert_eq!(read(typed.clone()), Err(InvalidAssertion::Missing));
    assert_eq!(read(format!("{typed}&client_assertion={assertion}")), Ok(true));
    assert_eq!(
        read(format!("{typed}&client_assertion={assertion}&client_id=cl_2")),
        Err(InvalidAssertion::AnotherClient)
    );
}

#[test]
fn every_claim_that_is_needed_is_needed() {
    for name in ["iss", "sub", "exp", "jti"] {
        assert_eq!(refusal(name, Value::Null), InvalidAssertion::Claim(name));
    }
    assert_eq!(refusal("aud", Value::Null), InvalidAssertion::Audience);
    assert!(verify(&with("iat", Value::Null)).is_ok());
}

#[test]
fn issuer_and_subject_are_the_client() {
    assert_eq!(refusal("iss", json!("cl_2")), InvalidAssertion::NotItsOwnIssuer);
    assert_eq!(refusal("sub", json!("cl_2")), InvalidAssertion::NotItsOwnIssuer);
    for bad in [json!(1), json!(["cl_1"]), json!({})] {
        assert_eq!(refusal("iss", bad.clone()), InvalidAssertion::Claim("iss"));
        assert_eq!(refusal("sub", bad), InvalidAssertion::Claim("sub"));
    }
    let mut odd = good();
    odd.insert("iss".to_owned(), json!("a b"));
    odd.insert("sub".to_owned(), json!("a b"));
    assert_eq!(verify(&odd), Err(InvalidAssertion::Claim("sub")));
}

#[test]
fn the_audience_is_the_issuer_as_one_text() {
    for bad in [
        json!(["https://as.example"]),
        json!("https://as.example/token"),
        json!("https://as.example/"),
        json!("https://AS.example"),
        json!(1),
    ] {
        assert_eq!(refusal("aud", bad), InvalidAssertion::Audience);
    }
}

#[test]
fn dates_are_numbers_between_1970_and_9999() {
    for name in ["exp", "nbf", "iat"] {
        for bad in [
            json!(-1),
            json!("1800000000"),
            json!(true),
            json!([NOW]),
            json!(9_223_372_036_854_775_807_u64),
            json!(18_446_744_073_709_551_615_u64),
            json!(1e22),
            json!(1e300),
        ] {
            assert_eq!(refusal(name, bad), InvalidAssertion::Claim(name));
        }
    }
    assert_eq!(refusal("exp", json!(0)), InvalidAssertion::Expired);
    assert_eq!(refusal("exp", json!(1_i64 << 53)), InvalidAssertion::Claim("exp"));
    let beyond = br#"{"iss":"cl_1","sub":"cl_1","aud":"https://as.example","jti":"a","exp":1e400}"#;
    let beyond = forge::raw_payload(&KEY, beyond).unwrap();
    assert!(matches!(verify_text(&beyond), Err(InvalidAssertion::Jws(_))));
}

#[test]
fn a_clock_may_be_a_minute_off() {
    let at = |name: &str, offset: i64| {
        let mut claims = with(name, json!(NOW + offset));
        claims.insert("exp".to_owned(), json!(NOW + 90));
        verify(&claims).err()
    };
    for fine in [-61, -59, 0, 8, 10, 60] {
        assert_eq!(at("iat", fine), None, "iat {fine}");
        assert_eq!(at("nbf", fine), None, "nbf {fine}");
    }
    for ahead in [61, 62, 3600] {
        assert_eq!(at("iat", ahead), Some(InvalidAssertion::IssuedInTheFuture));
        assert_eq!(at("nbf", ahead), Some(InvalidAssertion::NotYetValid));
    }
    let expired = |offset| {
        let mut claims = with("exp", json!(NOW + offset));
        claims.insert("iat".to_owned(), json!(NOW - 120));
        verify(&claims).err()
    };
    assert_eq!(expired(-61), Some(InvalidAssertion::Expired));
    assert_eq!(expired(-60), Some(InvalidAssertion::Expired));
    assert_eq!(expired(-59), None);
}

#[test]
fn an_assertion_lives_five_minutes_at_most() {
    assert!(verify(&with("exp", json!(NOW + 300))).is_ok());
    assert_eq!(refusal("exp", json!(NOW + 301)), InvalidAssertion::LivesTooLong(300));
    let without_iat = |offset| {
        let mut claims = with("exp", json!(NOW + offset));
        claims.remove("iat");
        verify(&claims).map(|verified| verified.issued_at())
    };
    assert_eq!(without_iat(360), Ok(now().plus(60)));
    assert_eq!(without_iat(361), Err(InvalidAssertion::LivesTooLong(300)));
    assert_eq!(refusal("iat", json!(NOW - 241)), InvalidAssertion::LivesTooLong(300));
}

#[test]
fn a_jti_is_a_text_of_1_to_256_characters() {
    for bad in [json!(""), json!(7), json!("x".repeat(257))] {
        assert_eq!(refusal("jti", bad), InvalidAssertion::Claim("jti"));
    }
    assert!(verify(&with("jti", json!("\u{e9}".repeat(256)))).is_ok());
}

#[test]
fn only_the_clients_own_key_counts() {
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let by_other = other.sign("JWT", &good()).unwrap();
    assert_eq!(verify_text(&by_other), Err(InvalidAssertion::Jws(InvalidJws::UnknownKey)));
    let claims = Value::Object(good());
    let broken = forge::with_broken_signature(&KEY, &claims).unwrap();
    assert_eq!(verify_text(&broken), Err(InvalidAssertion::Jws(InvalidJws::Signature)));
    let confused = forge::hs256_with_public_key(&KEY, &claims).unwrap();
    assert_eq!(verify_text(&confused), Err(InvalidAssertion::Method));
    let unsigned = verify_text(&forge::unsigned(&claims));
    assert!(
        matches!(unsigned, Err(InvalidAssertion::Jws(InvalidJws::Algorithm(_)))),
        "{unsigned:?}"
    );
}

#[test]
fn an_algorithm_that_is_not_allowed_is_refused_before_the_key_is_used() {
    let assertion = KEY.sign("JWT", &good()).unwrap();
    let refused = UnverifiedAssertion::parse(&assertion, None).unwrap().verify(
        &keys_of(&KEY),
        &[Algorithm::Ps256],
        Addressee { us: &us(), rule: AudienceRule::default() },
        now(),
    );
    let refusal = InvalidJws::AlgorithmNotAllowed(Algorithm::Es256);
    assert_eq!(refused, Err(InvalidAssertion::Jws(refusal)));
}

#[test]
fn another_kind_of_jwt_is_no_assertion() {
    for typ in ["JWT", "jwt", "client-authentication+jwt", "application/JWT"] {
        assert!(verify_text(&KEY.sign(typ, &good()).unwrap()).is_ok(), "{typ}");
    }
    for typ in ["at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "token-introspection+jwt", ""] {
        let refused = verify_text(&KEY.sign(typ, &good()).unwrap());
        assert_eq!(refused, Err(InvalidAssertion::Type), "{typ}");
    }
}

#[test]
fn a_claim_that_stands_twice_is_refused() {
    for payload in [
        r#"{"iss":"cl_1","sub":"cl_1","\u0069ss":"cl_1","aud":"https://as.example","jti":"a"}"#,
        r#"{"iss":"cl_1","sub":"cl_1","aud":"x","aud":"https://as.example","jti":"a","exp":1}"#,
    ] {
        let twice = forge::raw_payload(&KEY, payload.as_bytes()).unwrap();
        let refused = verify_text(&twice);
        let not_json = matches!(refused, Err(InvalidAssertion::Jws(InvalidJws::ClaimsNotJson(_))));
        assert!(not_json, "{refused:?}");
    }
}

#[test]
fn a_profile_may_allow_an_endpoint_as_audience_and_a_longer_life() {
    // REG-C5: `aud` is the token endpoint, `exp` lies half an hour ahead, there is no `kid`.
    let uk = AudienceRule { audiences: Audiences::IssuerOrEndpoint, longest_life_seconds: 1800 };
    let mut claims = with("aud", json!("https://as.example/token"));
    claims.insert("exp".to_owned(), json!(NOW + 1800));
    let assertion = KEY.sign("JWT", &claims).unwrap();
    assert!(verify_by(&assertion, uk).is_ok());
    assert_eq!(verify_text(&assertion), Err(InvalidAssertion::Audience));
    let short = AudienceRule { longest_life_seconds: 300, ..uk };
    assert_eq!(verify_by(&assertion, short), Err(InvalidAssertion::LivesTooLong(300)));
    claims.insert("exp".to_owned(), json!(NOW + 1801));
    let assertion = KEY.sign("JWT", &claims).unwrap();
    assert_eq!(verify_by(&assertion, uk), Err(InvalidAssertion::LivesTooLong(1800)));
}

#[test]
fn no_profile_lets_an_assertion_live_for_ever() {
    let endless = AudienceRule { longest_life_seconds: i64::MAX, ..AudienceRule::default() };
    let assertion = KEY.sign("JWT", &with("exp", json!(NOW + 3601))).unwrap();
    assert_eq!(verify_by(&assertion, endless), Err(InvalidAssertion::LivesTooLong(3600)));
}

const SECRET: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

fn verify_mac(claims: &Map<String, Value>) -> Result<VerifiedAssertion, InvalidAssertion> {
    let jwt = mac_jwt(&Secret::new(SECRET), &Value::Object(claims.clone())).unwrap();
    let addressee = Addressee { us: &us(), rule: AudienceRule::default() };
    let unverified = UnverifiedAssertion::parse(&jwt, None)?;
    assert!(unverified.is_made_with_a_secret());
    unverified.verify_with_secret(&Secret::new(SECRET), addressee, now())
}

#[test]
fn an_assertion_made_with_the_secret_says_who_and_what_must_be_burnt() {
    let verified = verify_mac(&good()).unwrap();
    assert_eq!((verified.client_id().as_str(), verified.jti()), ("cl_1", "once"));
    assert_eq!(verified.thumbprint(), None);
}

#[test]
fn its_claims_are_checked_like_those_of_a_signed_one() {
    for (name, value, refusal) in [
        ("aud", json!("https://as.example/token"), InvalidAssertion::Audience),
        ("exp", json!(NOW - 61), InvalidAssertion::Expired),
        ("exp", json!(NOW + 301), InvalidAssertion::LivesTooLong(300)),
        ("exp", json!(1e300), InvalidAssertion::Claim("exp")),
        ("jti", Value::Null, InvalidAssertion::Claim("jti")),
        ("iat", json!(NOW + 62), InvalidAssertion::IssuedInTheFuture),
        ("nbf", json!(NOW + 62), InvalidAssertion::NotYetValid),
        ("iss", json!("cl_2"), InvalidAssertion::NotItsOwnIssuer),
        ("sub", Value::Null, InvalidAssertion::Claim("sub")),
    ] {
        assert_eq!(verify_mac(&with(name, value)), Err(refusal), "{name}");
    }
}

#[test]
fn a_secret_and_a_key_never_stand_in_for_each_other() {
    let addressee = Addressee { us: &us(), rule: AudienceRule::default() };
    let read = |text: &str| UnverifiedAssertion::parse(text, None).unwrap();
    let made = mac_jwt(&Secret::new(SECRET), &Value::Object(good())).unwrap();
    let by_key = read(&made).verify(&keys_of(&KEY), ALGORITHMS, addressee, now());
    assert_eq!(by_key, Err(InvalidAssertion::Method));
    assert_eq!(read(&made).check_key(&keys_of(&KEY), ALGORITHMS), Err(InvalidAssertion::Method));
    let signed = KEY.sign("JWT", &good()).unwrap();
    let by_secret = read(&signed).verify_with_secret(&Secret::new(SECRET), addressee, now());
    assert_eq!(by_secret, Err(InvalidAssertion::Method));
    let another = Secret::new(SECRET.replace('0', "1"));
    let by_another = read(&made).verify_with_secret(&another, addressee, now());
    assert_eq!(by_another, Err(InvalidAssertion::Secret));
}
