//! Clients whose keys are fetched from where they keep them, and stores that do not answer
//! (RFC 7523, SEC-57, SEC-67, SEC-70).

use std::collections::BTreeMap;
use std::time::Duration;

use countersign::app::App;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::{Algorithm, SigningKey};
use countersign::protocol::ErrorCode;
use countersign::remote::{FetchRules, Fetcher, KeySource};
use countersign::storage::OneTimeStore;
use countersign::types::HttpsUri;
use serde_json::json;

use crate::support::house::{House, change, refusal};
use crate::support::redis::Redis;
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";

fn offering(keys: &[&SigningKey]) -> Reply {
    let keys = keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>();
    Reply::json(json!({ "keys": keys }).to_string())
}

/// A node that may ask the client's own server for its keys.
async fn node_of_a_client_with_jwks_uri(house: &House) -> (App, TlsServer) {
    let server = TlsServer::start(offering(&[&house.key])).await;
    let mut app = house.node().await;
    app.key_source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    let rules = FetchRules { allowed_hosts: vec!["localhost".to_owned()], allow_loopback: true };
    app.fetch_rules = BTreeMap::from([(sample::framework(), rules)]);
    let mut client = house.client();
    client.metadata.jwks = None;
    client.metadata.jwks_uri = Some(HttpsUri::parse(server.uri("/jwks")).unwrap());
    change(&app, AuditAction::ClientUpdated, move |tx| tx.update_client(&client)).await;
    (app, server)
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_a_kid_is_unknown() {
    let house = House::new().await;
    let (app, server) = node_of_a_client_with_jwks_uri(&house).await;
    for _ in 0..3 {
        assert!(token(&app, &house.authenticated(FOR_A)).await.is_ok());
    }
    assert_eq!(server.requests(), 1);
    let next = SigningKey::generate(Algorithm::Es256).unwrap();
    server.answer_with(offering(&[&house.key, &next]));
    house.clock.advance(61);
    let by_next = || {
        let assertion = next.sign("JWT", &house.assertion_claims()).unwrap();
        house.with_assertion(FOR_A, &assertion)
    };
    assert!(token(&app, &by_next()).await.is_ok());
    assert!(token(&app, &by_next()).await.is_ok());
    assert_eq!(server.requests(), 2);
    let id = house.client().id;
    let seen = app.database.read(move |reader| reader.credentials_of(&id)).await.unwrap();
    let seen = seen.iter().find(|key| key.thumbprint == next.thumbprint()).unwrap();
    assert_eq!(seen.key_id.as_deref(), Some(next.key_id()));
    assert_eq!(seen.not_after, house.clock.now().plus(365 * 86_400));
}

#[tokio::test]
async fn a_thousand_unknown_kids_cause_one_fetch_sec_70() {
    let house = House::new().await;
    let (app, server) = node_of_a_client_with_jwks_uri(&house).await;
    assert!(token(&app, &house.authenticated(FOR_A)).await.is_ok());
    let strange = SigningKey::generate(Algorithm::Es256).unwrap();
    house.clock.advance(61);
    for _ in 0..1000 {
        let assertion = strange.sign("JWT", &house.assertion_claims()).unwrap();
        let refused = refusal(token(&app, &house.with_assertion(FOR_A, &assertion)).await);
        assert_eq!(refused.code, ErrorCode::InvalidClient);
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_host_that_no_framework_allows_is_not_asked_sec_17() {
    let house = House::new().await;
    let (mut app, server) = node_of_a_client_with_jwks_uri(&house).await;
    app.fetch_rules = BTreeMap::from([(sample::framework(), FetchRules::default())]);
    let refused = refusal(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn keys_that_cannot_be_had_now_are_no_proof_against_the_client() {
    let house = House::new().await;
    let (app, server) = node_of_a_client_with_jwks_uri(&house).await;
    server.answer_with(Reply::new("503 Service Unavailable", "Content-Type: text/plain", ""));
    let refused = refusal(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::TemporarilyUnavailable);
}

#[tokio::test]
async fn without_the_replay_store_there_is_no_token_and_with_it_there_is_one_again() {
    let Some(redis) = Redis::durable() else { return };
    let house = House::new().await;
    let mut app = house.node().await;
    app.one_time = OneTimeStore::redis(&redis.url(), house.clock.now()).await.unwrap();
    house.clock.advance(2);
    assert!(token(&app, &house.authenticated(FOR_A)).await.is_ok());
    redis.signal("STOP");
    let request = house.authenticated(FOR_A);
    let asked = tokio::time::timeout(Duration::from_secs(5), token(&app, &request));
    let refused = refusal(asked.await.expect("the answer comes in bounded time"));
    assert_eq!(refused.code, ErrorCode::TemporarilyUnavailable);
    assert_eq!(refused.body().get("access_token"), None);
    redis.signal("CONT");
    for _ in 0..40 {
        if token(&app, &house.authenticated(FOR_A)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server did not recover");
}
