//! The documents in which the server describes itself (RFC 8414, RFC 7517).

use countersign::endpoints::discovery::{oauth_metadata, openid_metadata};
use countersign::endpoints::exchange::{Answer, Caching};
use countersign::endpoints::jwks::jwks;
use countersign::governance::audit::{Actor, ActorKind};
use countersign::jose::JwkSet;
use countersign::keyring::Rotation;
use serde_json::{Value, json};

use crate::support::house::{House, ISSUER};

fn document(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.content_type), (200, "application/json"));
    assert!(matches!(answer.caching, Caching::Seconds(_)));
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn both_documents_name_the_issuer_and_only_endpoints_under_it() {
    let house = House::new().await;
    let app = house.node().await;
    for document in [document(&oauth_metadata(&app)), document(&openid_metadata(&app))] {
        assert_eq!(document["issuer"], ISSUER);
        assert_eq!(document["grant_types_supported"], json!(["client_credentials"]));
        let algorithms = &document["token_endpoint_auth_signing_alg_values_supported"];
        assert_eq!(algorithms, &json!(["ES256", "PS256", "EdDSA"]));
        for (name, value) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name.ends_with("_uri") {
                assert!(value.as_str().unwrap().starts_with(&format!("{ISSUER}/")), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_rotation_is_in_the_key_set_at_once() {
    let house = House::new().await;
    let app = house.node().await;
    let published = async || {
        let answer = jwks(&app, &house.post("", None)).await;
        JwkSet::parse(&document(&answer)).unwrap().keys().len()
    };
    assert_eq!(published().await, 1);
    let actor = Actor { kind: ActorKind::Operator, id: "ada".to_owned() };
    app.keyring.rotate(Rotation::Orderly, &actor, house.clock.now()).await.unwrap();
    assert_eq!(published().await, 2);
}
