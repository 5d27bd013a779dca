//! Introspection and revocation (RFC 7662, RFC 7009).

use std::time::Duration;

use countersign::app::App;
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::revocation::revoke;
use countersign::endpoints::token::token;
use countersign::governance::audit::{Actor, ActorKind, AuditAction};
use countersign::jose::{Algorithm, SigningKey};
use countersign::keyring::Rotation;
use countersign::partners::{
    ClientState, CredentialState, EntitlementState, OrganisationState, ResourceServerState,
};
use countersign::protocol::ErrorCode;
use countersign::protocol::client_authentication::ClientAuthenticationMethod;
use serde_json::{Value, json};

use crate::support::house::{House, ISSUER, body, change, refusal};
use crate::support::samples as sample;

const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";
const FOR_BOTH: &str = "grant_type=client_credentials&resource=https://api.example/a\
                        &resource=https://api.example/b";

async fn issued(house: &House, app: &App, request: &str) -> String {
    let answer = body(token(app, &house.authenticated(request)).await);
    answer["access_token"].as_str().unwrap().to_owned()
}

/// What the resource server of product `tag` is told.
async fn asked(house: &House, app: &App, tag: &str, token: &str) -> Value {
    body(introspect(app, &house.by_resource_server(tag, &format!("token={token}"))).await)
}

fn inactive() -> Value {
    json!({ "active": false })
}

async fn suspend_organisation(app: &App) {
    change(app, AuditAction::OrganisationStateChanged, |tx| {
        tx.change_organisation_state(
            &sample::organisation("a").id,
            OrganisationState::Active,
            OrganisationState::Suspended,
        )
    })
    .await;
}

#[tokio::test]
async fn a_good_token_is_active_with_all_that_a_resource_server_needs() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    let mut told = asked(&house, &app, "a", &token).await;
    assert!(told["jti"].take().is_string());
    let client_id = house.client().id;
    assert_eq!(
        told,
        json!({
            "active": true,
            "token_type": "Bearer",
            "iss": ISSUER,
            "sub": client_id,
            "client_id": client_id,
            "client_key": house.key.thumbprint(),
            "aud": "https://api.example/a",
            "iat": house.clock.now(),
            "exp": house.clock.now().plus(300),
            "jti": null,
            "scope": "scope:a",
            "org": "org_a",
            "software_id": "software-a",
            "policy_digest": app.policy.digest(),
            "entitlements": [{
                "id": "ent_a",
                "scope": "scope:a",
                "agreement": "agr_a",
                "exp": sample::entitlement("a").expires_at,
            }],
        })
    );
}

/// RFC 7662 §2.2, RFC 9701 §5: what a token is good for elsewhere is nobody else's business.
#[tokio::test]
async fn a_resource_server_learns_nothing_of_the_others() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_BOTH).await;
    for (tag, other) in [("a", "b"), ("b", "a")] {
        let told = asked(&house, &app, tag, &token).await;
        assert_eq!(told["aud"], format!("https://api.example/{tag}"));
        assert_eq!(told["entitlements"].as_array().unwrap().len(), 1);
        assert_eq!(told["entitlements"][0]["id"], format!("ent_{tag}"));
        for name in ["https://api.example/", "scope:", "ent_"] {
            assert!(!told.to_string().contains(&format!("{name}{other}")), "{told}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_inactive_and_nothing_more() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    let foreign = SigningKey::generate(Algorithm::Es256).unwrap();
    let foreign = foreign.sign("at+jwt", &json!({ "iss": ISSUER, "exp": 9_999_999_999_i64 }));
    let (cut, _) = token.split_at(token.len().saturating_sub(4));
    for bad in ["x", "a.b.c", &foreign.unwrap(), &house.assertion(), cut] {
        assert_eq!(asked(&house, &app, "a", bad).await, inactive(), "{bad}");
    }
}

#[tokio::test]
async fn a_token_for_another_resource_server_is_inactive() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    assert_eq!(asked(&house, &app, "b", &token).await, inactive());
    assert_eq!(asked(&house, &app, "a", &token).await["active"], true);
}

#[tokio::test]
async fn each_resource_server_sees_its_own_scopes_as_far_as_they_hold() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_BOTH).await;
    assert_eq!(asked(&house, &app, "a", &token).await["scope"], "scope:a");
    assert_eq!(asked(&house, &app, "b", &token).await["scope"], "scope:b");
    change(&app, AuditAction::EntitlementStateChanged, |tx| {
        tx.change_entitlement_state(
            &sample::entitlement("b").id,
            EntitlementState::Active,
            EntitlementState::Revoked,
        )
    })
    .await;
    assert_eq!(asked(&house, &app, "a", &token).await["scope"], "scope:a");
    assert_eq!(asked(&house, &app, "b", &token).await, inactive());
}

#[tokio::test]
async fn a_token_ends_at_its_second_and_with_its_agreement() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    house.clock.advance(99);
    assert_eq!(asked(&house, &app, "a", &token).await["active"], true);
    house.clock.advance(1);
    assert_eq!(asked(&house, &app, "a", &token).await, inactive());
    house.clock.advance(200);
    assert_eq!(asked(&house, &app, "a", &token).await, inactive());
}

#[tokio::test]
async fn a_suspension_is_seen_at_once_here_and_within_a_second_elsewhere() {
    let house = House::new().await;
    let (here, elsewhere) = (house.node().await, house.node().await);
    let token = issued(&house, &here, FOR_A).await;
    assert_eq!(asked(&house, &elsewhere, "a", &token).await["active"], true);
    suspend_organisation(&here).await;
    assert_eq!(asked(&house, &here, "a", &token).await, inactive());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked(&house, &elsewhere, "a", &token).await, inactive());
}

#[tokio::test]
async fn what_a_compromised_key_obtained_ends_with_it() {
    let house = House::new().await;
    let (here, elsewhere) = (house.node().await, house.node().await);
    let token = issued(&house, &here, FOR_A).await;
    assert_eq!(asked(&house, &elsewhere, "a", &token).await["active"], true);
    let id = house.credential().id;
    change(&here, AuditAction::CredentialStateChanged, move |tx| {
        tx.change_credential_state(&id, CredentialState::Active, CredentialState::Compromised)
    })
    .await;
    assert_eq!(asked(&house, &here, "a", &token).await, inactive());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked(&house, &elsewhere, "a", &token).await, inactive());
}

#[tokio::test]
async fn a_revoked_client_has_no_tokens() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    let id = house.client().id;
    change(&app, AuditAction::ClientStateChanged, move |tx| {
        tx.change_client_state(&id, ClientState::Active, ClientState::Revoked)
    })
    .await;
    assert_eq!(asked(&house, &app, "a", &token).await, inactive());
}

#[tokio::test]
async fn an_emergency_rotation_ends_every_token_at_once() {
    let house = House::new().await;
    let app = house.node().await;
    let old = issued(&house, &app, FOR_A).await;
    assert_eq!(asked(&house, &app, "a", &old).await["active"], true);
    let actor = Actor { kind: ActorKind::Operator, id: "ada".to_owned() };
    app.keyring.rotate(Rotation::Orderly, &actor, house.clock.now()).await.unwrap();
    assert_eq!(asked(&house, &app, "a", &old).await["active"], true);
    app.keyring.rotate(Rotation::Emergency, &actor, house.clock.now()).await.unwrap();
    assert_eq!(asked(&house, &app, "a", &old).await, inactive());
    let new = issued(&house, &app, FOR_A).await;
    assert_eq!(asked(&house, &app, "a", &new).await["active"], true);
}

#[tokio::test]
async fn only_resource_servers_may_ask() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    let ask = format!("token={token}");
    let mut wrong = house.by_resource_server("a", &ask);
    wrong.authorization = house.by_resource_server("b", "").authorization;
    assert_eq!(body(introspect(&app, &wrong).await), inactive());
    let refused = async |request| refusal(introspect(&app, &request).await).code;
    assert_eq!(refused(house.post(&ask, None)).await, ErrorCode::InvalidClient);
    assert_eq!(refused(house.authenticated(&ask)).await, ErrorCode::InvalidClient);
    let basic = |text: &str| {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        house.post(&ask, Some(format!("Basic {encoded}")))
    };
    for bad in ["rs_a:wrong", "rs_unknown:a", "rs_a:", "rs a:a"] {
        assert_eq!(refused(basic(bad)).await, ErrorCode::InvalidClient, "{bad}");
    }
    assert_eq!(
        refused(house.by_resource_server("a", "token_type_hint=x")).await,
        ErrorCode::InvalidRequest
    );
    change(&app, AuditAction::ResourceServerStateChanged, |tx| {
        tx.change_resource_server_state(
            &sample::resource_server("a").id,
            ResourceServerState::Active,
            ResourceServerState::Suspended,
        )
    })
    .await;
    assert_eq!(refused(house.by_resource_server("a", &ask)).await, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn a_resource_server_may_authenticate_with_a_key_and_each_assertion_counts_once() {
    let house = House::new().await;
    let app = house.node().await;
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let mut server = sample::resource_server("c");
    server.metadata.token_endpoint_auth_method = ClientAuthenticationMethod::PrivateKeyJwt;
    server.metadata.jwks = Some(json!({ "keys": [key.public_jwk()] }));
    server.secret = None;
    let id = server.id.clone();
    change(&app, AuditAction::ResourceServerCreated, move |tx| tx.insert_resource_server(&server))
        .await;
    let mut claims = house.assertion_claims();
    claims["iss"] = json!(id);
    claims["sub"] = json!(id);
    let request = house.with_assertion("token=x", &key.sign("JWT", &claims).unwrap());
    assert_eq!(body(introspect(&app, &request).await), inactive());
    assert_eq!(refusal(introspect(&app, &request).await).code, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn a_client_revokes_its_own_token_and_it_stays_revoked_elsewhere() {
    let house = House::new().await;
    let (here, elsewhere) = (house.node().await, house.node().await);
    let token = issued(&house, &here, FOR_A).await;
    assert_eq!(asked(&house, &elsewhere, "a", &token).await["active"], true);
    let request = house.authenticated(&format!("token={token}&token_type_hint=refresh_token"));
    assert_eq!(body(revoke(&here, &request).await), json!({}));
    assert_eq!(asked(&house, &here, "a", &token).await, inactive());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked(&house, &elsewhere, "a", &token).await, inactive());
    let again = house.authenticated(&format!("token={token}"));
    assert_eq!(body(revoke(&here, &again).await), json!({}));
    assert_eq!(asked(&house, &house.node().await, "a", &token).await, inactive());
}

#[tokio::test]
async fn a_revoked_token_is_found_among_however_many() {
    let house = House::new().await;
    let app = house.node().await;
    let (kept, given_up) = (issued(&house, &app, FOR_A).await, issued(&house, &app, FOR_A).await);
    for most in [100, 5000] {
        let client = house.client().id;
        change(&app, AuditAction::TokenRevoked, move |tx| {
            (0..most).try_for_each(|number| {
                tx.revoke_token(&format!("other-{number}"), &client, sample::at(600)).map(drop)
            })
        })
        .await;
        assert_eq!(asked(&house, &app, "a", &kept).await["active"], true, "{most}");
        let fresh = issued(&house, &app, FOR_A).await;
        assert_eq!(asked(&house, &app, "a", &fresh).await["active"], true, "{most}");
        let request = house.authenticated(&format!("token={given_up}"));
        assert_eq!(body(revoke(&app, &request).await), json!({}));
        assert_eq!(asked(&house, &app, "a", &given_up).await, inactive(), "{most}");
        assert_eq!(asked(&house, &house.node().await, "a", &given_up).await, inactive(), "{most}");
        assert_eq!(asked(&house, &house.node().await, "a", &kept).await["active"], true);
    }
}

#[tokio::test]
async fn an_unknown_token_is_revoked_already_and_nobody_revokes_unauthenticated() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    assert_eq!(body(revoke(&app, &house.authenticated("token=x")).await), json!({}));
    let ask = format!("token={token}");
    for request in [house.post(&ask, None), house.by_resource_server("a", &ask)] {
        assert_eq!(refusal(revoke(&app, &request).await).code, ErrorCode::InvalidClient);
    }
    assert_eq!(asked(&house, &app, "a", &token).await["active"], true);
}

#[tokio::test]
async fn nobody_revokes_the_token_of_another_client() {
    let house = House::new().await;
    let app = house.node().await;
    let token = issued(&house, &app, FOR_A).await;
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let mut other = sample::client("z");
    other.software_product_id = sample::software("a").id;
    other.organisation_id = sample::organisation("a").id;
    other.metadata.jwks_uri = None;
    other.metadata.jwks = Some(json!({ "keys": [key.public_jwk()] }));
    let id = other.id.clone();
    change(&app, AuditAction::ClientRegistered, move |tx| tx.insert_client(&other)).await;
    let mut claims = house.assertion_claims();
    claims["iss"] = json!(id);
    claims["sub"] = json!(id);
    let assertion = key.sign("JWT", &claims).unwrap();
    let request = house.with_assertion(&format!("token={token}"), &assertion);
    assert_eq!(refusal(revoke(&app, &request).await).code, ErrorCode::InvalidGrant);
    assert_eq!(asked(&house, &app, "a", &token).await["active"], true);
}
