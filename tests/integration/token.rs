//! The token endpoint (RFC 6749 §4.4, RFC 7523, RFC 8707, RFC 9068).

use std::sync::Arc;

use countersign::endpoints::exchange::{Answer, Caching};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::{Algorithm, SigningKey, UnverifiedJws, forge};
use countersign::partners::{ClientState, CredentialState, EntitlementState, OrganisationState};
use countersign::protocol::ErrorCode;
use serde_json::{Map, Value, json};

use crate::support::house::{House, ISSUER, body, change, refusal};
use crate::support::samples as sample;

const GRANT: &str = "grant_type=client_credentials";
const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";

fn claims(answer: &Value) -> Map<String, Value> {
    let jws = UnverifiedJws::parse(answer["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(jws.header().typ.as_deref(), Some("at+jwt"));
    jws.unverified_claims().clone()
}

/// The reason codes of the first decision.
fn reasons(answer: &Value) -> Vec<&str> {
    let reasons = answer["decisions"][0]["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_client_in_good_standing_gets_a_token_that_says_where_its_right_comes_from() {
    let house = House::new().await;
    let app = house.node().await;
    let answer = token(&app, &house.authenticated(FOR_A)).await.unwrap();
    assert_eq!(answer.caching, Caching::Never);
    let answer = body(Ok(answer));
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["scope"], "scope:a");
    assert_eq!(answer["expires_in"], 300);
    assert_eq!(answer.get("decisions"), None);
    let claims = claims(&answer);
    let client_id = house.client().id.to_string();
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!(client_id)),
        ("client_id", json!(client_id)),
        ("aud", json!("https://api.example/a")),
        ("iat", json!(house.clock.now())),
        ("exp", json!(house.clock.now().plus(300))),
        ("scope", json!("scope:a")),
        ("org", json!("org_a")),
        ("software_id", json!("software-a")),
        ("policy_digest", json!(app.policy.digest())),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
}

#[tokio::test]
async fn an_assertion_is_used_once_on_every_node() {
    let house = House::new().await;
    let (one, other) = (house.node().await, house.node().await);
    let request = house.authenticated(FOR_A);
    assert!(token(&one, &request).await.is_ok());
    for app in [&one, &other] {
        let refused = refusal(token(app, &request).await);
        assert_eq!(refused.code, ErrorCode::InvalidClient);
        assert_eq!(refused.detail.as_deref(), Some("the assertion was used before"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_racers_with_one_assertion_one_wins() {
    let house = House::new().await;
    let nodes = [Arc::new(house.node().await), Arc::new(house.node().await)];
    let request = house.authenticated(FOR_A);
    let mut racers = tokio::task::JoinSet::new();
    for app in nodes.iter().cycle().take(32) {
        let (app, request) = (Arc::clone(app), request.clone());
        racers.spawn(async move { token(&app, &request).await });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let refused = answers.into_iter().filter(Result::is_err).map(refusal);
    assert!(refused.into_iter().all(|refused| refused.code == ErrorCode::InvalidClient));
}

#[tokio::test]
async fn a_forged_assertion_does_not_burn_the_genuine_one_sec_53() {
    let house = House::new().await;
    let app = house.node().await;
    let claims = house.assertion_claims();
    let forged = forge::with_broken_signature(&house.key, &claims).unwrap();
    let refused = refusal(token(&app, &house.with_assertion(FOR_A, &forged)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    let genuine = house.key.sign("JWT", &claims).unwrap();
    assert!(token(&app, &house.with_assertion(FOR_A, &genuine)).await.is_ok());
}

#[tokio::test]
async fn a_refused_request_does_not_hand_its_assertion_back() {
    let house = House::new().await;
    let app = house.node().await;
    let assertion = house.assertion();
    let unknown = format!("{GRANT}&scope=unknown");
    let refused = refusal(token(&app, &house.with_assertion(&unknown, &assertion)).await);
    assert_eq!(refused.code, ErrorCode::InvalidScope);
    let refused = refusal(token(&app, &house.with_assertion(FOR_A, &assertion)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn whoever_does_not_authenticate_hears_one_sentence() {
    let house = House::new().await;
    let app = house.node().await;
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let mut unknown = house.assertion_claims();
    unknown["iss"] = json!("cl_unknown");
    unknown["sub"] = json!("cl_unknown");
    let mut past = house.assertion_claims();
    past["exp"] = json!(house.clock.now().plus(-300));
    let by = |key: &SigningKey, claims: &Value| {
        house.with_assertion(FOR_A, &key.sign("JWT", claims).unwrap())
    };
    let requests = [
        house.post(FOR_A, None),
        by(&house.key, &unknown),
        by(&house.key, &past),
        by(&other, &house.assertion_claims()),
        house.by_resource_server("a", FOR_A),
        house.post(&format!("{FOR_A}&client_id={}", house.client().id), None),
    ];
    let mut heard = Vec::new();
    for request in requests {
        heard.push(refusal(token(&app, &request).await).body());
    }
    heard.dedup();
    let sentence = "client authentication failed";
    assert_eq!(heard, [json!({ "error": "invalid_client", "error_description": sentence })]);
}

#[tokio::test]
async fn a_client_signs_with_the_algorithm_that_it_registered_sec_10() {
    let house = House::new().await;
    let app = house.node().await;
    let second = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let register = async |algorithm: Option<&str>| {
        let mut client = house.client();
        let keys = [house.key.public_jwk(), second.public_jwk()];
        client.metadata.jwks = Some(json!({ "keys": keys }));
        client.metadata.token_endpoint_auth_signing_alg = algorithm.map(str::to_owned);
        change(&app, AuditAction::ClientUpdated, move |tx| tx.update_client(&client)).await;
    };
    let by = |key: &SigningKey| {
        house.with_assertion(FOR_A, &key.sign("JWT", &house.assertion_claims()).unwrap())
    };
    register(Some("ES256")).await;
    assert!(token(&app, &by(&house.key)).await.is_ok());
    let refused = refusal(token(&app, &by(&second)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    assert!(refused.detail.unwrap().contains("`EdDSA` is not allowed"));
    register(Some("EdDSA")).await;
    assert!(token(&app, &by(&second)).await.is_ok());
    assert_eq!(refusal(token(&app, &by(&house.key)).await).code, ErrorCode::InvalidClient);
    register(Some("RS256")).await;
    assert_eq!(refusal(token(&app, &by(&house.key)).await).code, ErrorCode::InvalidClient);
    register(None).await;
    assert!(token(&app, &by(&house.key)).await.is_ok());
    assert!(token(&app, &by(&second)).await.is_ok());
}

#[tokio::test]
async fn nobody_learns_from_a_refusal_which_clients_exist_sec_29() {
    let house = House::new().await;
    let app = house.node().await;
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    let named = |id: &str| {
        let mut claims = house.assertion_claims();
        claims["iss"] = json!(id);
        claims["sub"] = json!(id);
        claims
    };
    let id = house.client().id;
    let forged = forge::with_broken_signature(&house.key, &named(id.as_str())).unwrap();
    let real = refusal(token(&app, &house.with_assertion(FOR_A, &forged)).await);
    assert_eq!(real.detail.as_deref(), Some("the client assertion: the signature does not verify"));
    assert_eq!(app.decoys.verified(), 0);
    let unknown = named("cl_unknown");
    let eddsa = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let covered = [
        forge::with_broken_signature(&stranger, &unknown).unwrap(),
        stranger.sign("JWT", &unknown).unwrap(),
        eddsa.sign("JWT", &unknown).unwrap(),
        stranger.sign("JWT", &named(id.as_str())).unwrap(),
        eddsa.sign("JWT", &named(id.as_str())).unwrap(),
    ];
    for (assertion, verified) in covered.iter().zip(1..) {
        let refused = refusal(token(&app, &house.with_assertion(FOR_A, assertion)).await);
        assert_eq!(refused.body().to_string(), real.body().to_string());
        assert_eq!(refused.code, real.code);
        assert_eq!(app.decoys.verified(), verified);
    }
    let before = app.decoys.verified();
    for id in ["rs_unknown", "rs_a", "cl_unknown"] {
        let assertion = stranger.sign("JWT", &named(id)).unwrap();
        let request = house.with_assertion("token=x", &assertion);
        let refused = refusal(introspect(&app, &request).await);
        assert_eq!(refused.body().to_string(), real.body().to_string(), "{id}");
    }
    assert_eq!(app.decoys.verified(), before + 3);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_decides_the_code() {
    let house = House::new().await;
    let app = house.node().await;
    let code = async |body: &str| refusal(token(&app, &house.authenticated(body)).await).code;
    assert_eq!(code("scope=scope:a").await, ErrorCode::InvalidRequest);
    assert_eq!(code("grant_type=password").await, ErrorCode::UnsupportedGrantType);
    assert_eq!(code(&format!("{GRANT}&scope=%22")).await, ErrorCode::InvalidScope);
    assert_eq!(code(&format!("{FOR_A}&scope=scope:a")).await, ErrorCode::InvalidRequest);
    assert_eq!(code(&format!("{FOR_A}&client_id=cl_b")).await, ErrorCode::InvalidClient);
    assert_eq!(code(&format!("{FOR_A}&client_secret=x")).await, ErrorCode::InvalidRequest);
    assert_eq!(code(&format!("{GRANT}&resource=urn:x:other")).await, ErrorCode::InvalidTarget);
    assert_eq!(code(GRANT).await, ErrorCode::InvalidTarget);
    assert_eq!(code(&format!("{GRANT}&scope=scope:a+scope:b")).await, ErrorCode::InvalidScope);
    let mut json = house.authenticated(FOR_A);
    json.content_type = Some("application/json".to_owned());
    assert_eq!(refusal(token(&app, &json).await).code, ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn a_resource_chooses_the_audience() {
    let house = House::new().await;
    let app = house.node().await;
    let one = format!("{GRANT}&resource=https://api.example/b");
    let answer = body(token(&app, &house.authenticated(&one)).await);
    assert_eq!(answer["scope"], "scope:b");
    assert_eq!(claims(&answer)["aud"], "https://api.example/b");
    let both = format!("{one}&resource=https://api.example/a");
    let answer = body(token(&app, &house.authenticated(&both)).await);
    assert_eq!(answer["scope"], "scope:a scope:b");
    let audiences = json!(["https://api.example/a", "https://api.example/b"]);
    assert_eq!(claims(&answer)["aud"], audiences);
}

#[tokio::test]
async fn a_suspended_organisation_gets_no_token_and_hears_why() {
    let house = House::new().await;
    let app = house.node().await;
    assert!(token(&app, &house.authenticated(FOR_A)).await.is_ok());
    change(&app, AuditAction::OrganisationStateChanged, |tx| {
        tx.change_organisation_state(
            &sample::organisation("a").id,
            OrganisationState::Active,
            OrganisationState::Suspended,
        )
    })
    .await;
    let refused = refusal(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
    let told = refused.body();
    assert_eq!(told["decisions"][0]["item"], "scope:scope:a");
    assert_eq!(told["decisions"][0]["outcome"], "refused");
    assert_eq!(reasons(&told), ["organisation_not_active"]);
}

#[tokio::test]
async fn an_agreement_that_ends_at_midnight_ends_tokens_at_midnight() {
    let house = House::new().await;
    let app = house.node().await;
    house.clock.advance(99);
    assert!(token(&app, &house.authenticated(FOR_A)).await.is_ok());
    house.clock.advance(1);
    let refused = refusal(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
    assert_eq!(reasons(&refused.body()), ["agreement_lapsed"]);
}

#[tokio::test]
async fn what_can_be_granted_is_granted_and_the_rest_is_explained() {
    let house = House::new().await;
    let app = house.node().await;
    change(&app, AuditAction::EntitlementStateChanged, |tx| {
        tx.change_entitlement_state(
            &sample::entitlement("b").id,
            EntitlementState::Active,
            EntitlementState::Revoked,
        )
    })
    .await;
    let both =
        "scope=scope:a+scope:b&resource=https://api.example/a&resource=https://api.example/b";
    let answer = body(token(&app, &house.authenticated(&format!("{GRANT}&{both}"))).await);
    assert_eq!(answer["scope"], "scope:a");
    assert_eq!(claims(&answer)["aud"], "https://api.example/a");
    assert_eq!(answer["decisions"][1]["reasons"][0]["code"], "entitlement_not_active");
    // By default only what is in use is meant, so that one resource is left.
    let answer = body(token(&app, &house.authenticated(GRANT)).await);
    assert_eq!(answer["scope"], "scope:a");
}

#[tokio::test]
async fn a_compromised_key_gets_no_token() {
    let house = House::new().await;
    let app = house.node().await;
    let id = house.credential().id;
    change(&app, AuditAction::CredentialStateChanged, move |tx| {
        tx.change_credential_state(&id, CredentialState::Active, CredentialState::Compromised)
    })
    .await;
    let refused = refusal(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
    assert_eq!(reasons(&refused.body()), ["credential_not_active"]);
}

#[tokio::test]
async fn a_tombstone_is_no_client() {
    let house = House::new().await;
    let (app, elsewhere) = (house.node().await, house.node().await);
    let id = house.client().id;
    change(&app, AuditAction::ClientDeleted, move |tx| {
        tx.change_client_state(&id, ClientState::Active, ClientState::Retired)
    })
    .await;
    let refused = refusal(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    let refused = refusal(token(&elsewhere, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn an_answer_prints_no_token() {
    let house = House::new().await;
    let app = house.node().await;
    let answer: Answer = token(&app, &house.authenticated(FOR_A)).await.unwrap();
    assert!(!format!("{answer:?}").contains("eyJ"));
}
