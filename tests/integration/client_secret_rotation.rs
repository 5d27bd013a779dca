//! The bank gives a client a new secret: the one before ends at once, or as was said, with what it
//! obtained.

use countersign::partners::credential::StoredSecret;
use countersign::partners::{Credential, CredentialState};
use countersign::types::{CredentialId, Secret};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::running::Running;
use crate::support::samples as sample;

const FIRST: &str = "first-secret";
const ON: &str = "[clients]\nauthentication_methods = [\"client_secret_basic\"]\n";

/// A server with a client that has one secret.
async fn running() -> Running {
    let running = Running::with_settings(ON).await;
    running
        .change(|tx| {
            sample::insert_everything(tx, "a")?;
            tx.insert_resource_server(&sample::resource_server("a"))?;
            let mut client = sample::client("a");
            client.metadata.token_endpoint_auth_method = "client_secret_basic".to_owned();
            client.metadata.token_endpoint_auth_signing_alg = None;
            client.metadata.jwks_uri = None;
            tx.update_client(&client)?;
            tx.insert_credential(&Credential {
                id: CredentialId::from_random("first"),
                thumbprint: "crd_first".to_owned(),
                secret: Some(StoredSecret::Hashed(Secret::new(FIRST).hash())),
                not_after: sample::at(10_000),
                state: CredentialState::Active,
                ..sample::credential("a")
            })
        })
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    running
}

async fn rotated(running: &Running, more: Value) -> Value {
    let mut body = json!({ "reason": "it was mailed" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    running.post("/clients/cl_a/secret", body).await
}

async fn post(running: &Running, path: &str, id: &str, secret: &str, body: String) -> Value {
    let url = format!("{}{path}", running.public_url());
    let request = running.client().post(url).basic_auth(id, Some(secret));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(body).send().await.unwrap();
    let status = response.status();
    let mut told: Value = response.json().await.unwrap();
    told["status"] = json!(status.as_u16());
    told
}

/// A token that was obtained with this secret, if it is good.
async fn token(running: &Running, secret: &str) -> Option<String> {
    let body = "grant_type=client_credentials&scope=scope:a".to_owned();
    let told = post(running, "/token", "cl_a", secret, body).await;
    assert!(told["status"] == 200 || told["error"] == "invalid_client", "{told}");
    told["access_token"].as_str().map(str::to_owned)
}

async fn is_active(running: &Running, token: &str) -> bool {
    let told = post(running, "/introspect", "rs_a", "a", format!("token={token}")).await;
    told["active"].as_bool().unwrap()
}

#[tokio::test]
async fn a_new_secret_ends_the_one_before_with_all_that_it_obtained() {
    let running = running().await;
    let obtained = token(&running, FIRST).await.unwrap();
    assert!(is_active(&running, &obtained).await);
    let new = rotated(&running, json!({})).await;
    assert_eq!(new["client_id"], "cl_a");
    assert_eq!(new["earlier_secrets_end_at"], sample::now().to_string());
    let secret = new["secret"].as_str().unwrap();
    assert!(token(&running, FIRST).await.is_none());
    assert!(!is_active(&running, &obtained).await);
    let obtained = token(&running, secret).await.unwrap();
    assert!(is_active(&running, &obtained).await);
    let credentials = running.get("/clients/cl_a/credentials").await.to_string();
    assert!(!credentials.contains(secret), "{credentials}");
    let log = running.get("/audit-events").await.to_string();
    assert!(log.contains("client.secret_rotated") && log.contains("it was mailed"), "{log}");
    assert!(!log.contains(secret) && !log.contains(FIRST), "{log}");
    let events = running.events("crd_first").await;
    let (action, detail) = events.last().unwrap();
    assert_eq!((action.as_str(), &detail["to"]), ("credential.state_changed", &json!("revoked")));
}

#[tokio::test]
async fn both_secrets_are_good_for_as_long_as_was_said() {
    let running = running().await;
    let obtained = token(&running, FIRST).await.unwrap();
    let new = rotated(&running, json!({ "overlap_seconds": 600 })).await;
    assert_eq!(new["earlier_secrets_end_at"], sample::at(600).to_string());
    for secret in [FIRST, new["secret"].as_str().unwrap()] {
        assert!(token(&running, secret).await.is_some(), "{secret}");
    }
    assert!(is_active(&running, &obtained).await);
    let first = running.get("/credentials/crd_first").await;
    assert_eq!(first["state"], "retiring");
    assert_eq!(first["not_after"], sample::at(600).to_string());
    // An overlap never makes an earlier secret last longer.
    rotated(&running, json!({ "overlap_seconds": 3600 })).await;
    let first = running.get("/credentials/crd_first").await;
    assert_eq!(first["not_after"], sample::at(600).to_string());
    // And it can be cut short.
    let last = rotated(&running, json!({ "overlap_seconds": 0 })).await;
    for secret in [FIRST, new["secret"].as_str().unwrap()] {
        assert!(token(&running, secret).await.is_none(), "{secret}");
    }
    assert!(token(&running, last["secret"].as_str().unwrap()).await.is_some());
}

#[tokio::test]
async fn only_a_client_that_has_a_secret_gets_another() {
    let keyed = Running::furnished().await;
    let body = || json!({ "reason": "x" });
    let (status, told) = keyed.refused("/clients/cl_a/secret", body()).await;
    assert_eq!((status, &told["error"]), (409, &json!("conflict")));
    assert_eq!(keyed.refused("/clients/cl_nobody/secret", body()).await.0, 404);
    let running = running().await;
    for bad in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": "x", "overlap_seconds": -1 }),
        json!({ "reason": "x", "overlap_seconds": 604_801 }),
        json!({ "reason": "x", "secret": "chosen" }),
    ] {
        assert_eq!(running.refused("/clients/cl_a/secret", bad.clone()).await.0, 400, "{bad}");
    }
    let end = json!({ "state": "revoked", "reason": "gone" });
    running.post("/clients/cl_a/state", end).await;
    assert_eq!(running.refused("/clients/cl_a/secret", body()).await.0, 409);
    let auditor = running
        .send(
            reqwest::Method::POST,
            "/clients/cl_a/secret",
            Some(crate::support::running::OTTO),
            Some(body().to_string()),
        )
        .await;
    assert_eq!(auditor.status(), StatusCode::FORBIDDEN);
}
