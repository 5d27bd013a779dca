//! Resource servers as the bank's operators record them: keys, certificates, secrets and answers, each
//! mistake named (RFC 9701 §6, RFC 7591 §2).

use countersign::jose::{Algorithm, SigningKey};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::running::Running;
use crate::support::samples as sample;

fn new(method: &str, more: &Value) -> Value {
    let mut body = json!({
        "name": "accounts",
        "audience": "https://api.example/accounts",
        "token_endpoint_auth_method": method,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn jwks() -> Value {
    json!({ "keys": [SigningKey::generate(Algorithm::Es256).unwrap().public_jwk()] })
}

fn path(created: &Value) -> String {
    format!("/resource-servers/{}", created["id"].as_str().unwrap())
}

fn pointers(refusal: &Value) -> Vec<&str> {
    let problems = refusal["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["pointer"].as_str().unwrap()).collect()
}

/// Asks about no token: 200 for whoever is believed, 401 for everybody else.
async fn asks(running: &Running, id: &str, secret: &str) -> StatusCode {
    let url = format!("{}/introspect", running.public_url());
    let request = running.client().post(url).basic_auth(id, Some(secret));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body("token=x").send().await.unwrap().status()
}

#[tokio::test]
async fn each_method_is_recorded_with_what_it_needs_and_shown_as_it_is() {
    for (method, more, has_secret) in [
        ("client_secret_basic", json!({}), true),
        ("client_secret_post", json!({}), true),
        ("client_secret_jwt", json!({ "token_endpoint_auth_signing_alg": "HS256" }), true),
        ("private_key_jwt", json!({ "jwks": jwks() }), false),
        ("private_key_jwt", json!({ "jwks_uri": "https://api.example/jwks" }), false),
    ] {
        let running = Running::new().await;
        let created = running.post("/resource-servers", new(method, &more)).await;
        assert_eq!(created.get("secret").is_some(), has_secret, "{method}");
        let shown = running.get(&path(&created)).await;
        assert_eq!(shown["token_endpoint_auth_method"], method);
        assert_eq!(shown["has_secret"], has_secret);
        assert!(shown.get("secret").is_none());
        for (name, value) in more.as_object().unwrap() {
            assert_eq!(&shown[name], value, "{method}");
        }
    }
}

#[tokio::test]
async fn certificates_are_recorded_where_they_can_be_shown() {
    let running = Running::with_mutual_tls().await;
    let subject = json!({ "tls_client_auth_san_dns": "api.example" });
    // This bank names no authority, so that one is not to be had.
    let (status, refused) =
        running.refused("/resource-servers", new("tls_client_auth", &subject)).await;
    assert_eq!(status, 400);
    assert!(pointers(&refused).contains(&"/token_endpoint_auth_method"), "{refused}");
    let uncertified = new("self_signed_tls_client_auth", &json!({ "jwks": jwks() }));
    let (status, refused) = running.refused("/resource-servers", uncertified).await;
    assert_eq!((status, pointers(&refused)), (400, vec!["/jwks"]));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once_and_nothing_is_recorded() {
    let running = Running::new().await;
    let body = json!({
        "name": "",
        "audience": "accounts",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "none",
        "jwks": { "keys": [{ "kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ", "d": "AQ" }] },
        "jwks_uri": "http://api.example/jwks",
        "tls_client_auth_subject_dn": "CN=api",
        "introspection_signed_response_alg": "none",
        "introspection_encrypted_response_enc": "A128GCM",
        "client_secret": "chosen",
    });
    let (status, refused) = running.refused("/resource-servers", body).await;
    assert_eq!(status, 400);
    let found = pointers(&refused);
    for pointer in [
        "/name",
        "/audience",
        "/token_endpoint_auth_signing_alg",
        "/jwks/keys/0",
        "/jwks_uri",
        "/tls_client_auth_subject_dn",
        "/client_secret",
    ] {
        assert!(found.contains(&pointer), "{pointer}: {found:?}");
    }
    assert_eq!(running.get("/resource-servers").await["items"], json!([]));
    for body in [json!({ "jwks": "x" }), json!({ "jwks": { "keys": [] } }), json!({ "jwks": 7 })] {
        let (status, refused) =
            running.refused("/resource-servers", new("private_key_jwt", &body)).await;
        assert_eq!((status, pointers(&refused)), (400, vec!["/jwks"]), "{body}");
    }
}

#[tokio::test]
async fn keys_change_and_a_change_is_checked_as_a_whole() {
    let running = Running::new().await;
    let created =
        running.post("/resource-servers", new("private_key_jwt", &json!({ "jwks": jwks() }))).await;
    let next = jwks();
    let updated = running.patch(&path(&created), json!({ "jwks": next, "name": "payments" })).await;
    assert_eq!((&updated["jwks"], &updated["name"]), (&next, &json!("payments")));
    let both = json!({ "jwks_uri": "https://api.example/jwks" });
    let (status, refused) = running.told(Method::PATCH, &path(&created), Some(&both)).await;
    assert_eq!((status, pointers(&refused)), (StatusCode::BAD_REQUEST, vec!["/jwks"]));
    let moved = json!({ "jwks_uri": "https://api.example/jwks", "jwks": null });
    let updated = running.patch(&path(&created), moved).await;
    assert!(updated.get("jwks").is_none());
    let events = running.events(created["id"].as_str().unwrap()).await;
    let actions: Vec<_> = events.iter().map(|(action, _)| action.as_str()).collect();
    let expected =
        ["resource_server.created", "resource_server.updated", "resource_server.updated"];
    assert_eq!(actions, expected);
    // Nothing is different: nothing is written.
    running.patch(&path(&created), json!({ "name": "payments" })).await;
    assert_eq!(running.events(created["id"].as_str().unwrap()).await.len(), 3);
}

#[tokio::test]
async fn a_new_secret_ends_the_one_before_at_once_or_as_was_said() {
    let running = Running::new().await;
    let created = running.post("/resource-servers", new("client_secret_basic", &json!({}))).await;
    let (id, path) = (created["id"].as_str().unwrap(), path(&created));
    let first = created["secret"].as_str().unwrap();
    let rotate = async |more: Value| {
        let mut body = json!({ "reason": "yearly" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        running.post(&format!("{path}/secret"), body).await
    };
    let overlapping = rotate(json!({ "overlap_seconds": 3600 })).await;
    let second = overlapping["secret"].as_str().unwrap();
    assert_eq!(overlapping["earlier_secret_ends_at"], sample::at(3600).to_string());
    for secret in [first, second] {
        assert_eq!(asks(&running, id, secret).await, 200);
    }
    let at_once = rotate(json!({})).await;
    let third = at_once["secret"].as_str().unwrap();
    assert!(at_once.get("earlier_secret_ends_at").is_none());
    for (secret, status) in [(first, 401), (second, 401), (third, 200)] {
        assert_eq!(asks(&running, id, secret).await, status);
    }
    let log = running.get("/audit-events").await.to_string();
    assert!(log.contains("resource_server.secret_rotated") && log.contains("yearly"));
    for secret in [first, second, third] {
        assert!(!log.contains(secret), "{log}");
    }
    for bad in [json!({}), json!({ "reason": "x", "overlap_seconds": 604_801 })] {
        assert_eq!(running.refused(&format!("{path}/secret"), bad).await.0, 400);
    }
}

#[tokio::test]
async fn a_secret_goes_with_the_method_that_it_was_made_for() {
    let running = Running::new().await;
    let created = running.post("/resource-servers", new("client_secret_basic", &json!({}))).await;
    let path = path(&created);
    let to = |method: &str| json!({ "token_endpoint_auth_method": method });
    assert_eq!(running.patch(&path, to("client_secret_post")).await["has_secret"], true);
    // A hash makes no codes.
    assert_eq!(running.patch(&path, to("client_secret_jwt")).await["has_secret"], false);
    let secret = format!("{path}/secret");
    let made = running.post(&secret, json!({ "reason": "the first of its kind" })).await;
    assert_eq!(made["has_secret"], true);
    let keyed = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks() });
    assert_eq!(running.patch(&path, keyed).await["has_secret"], false);
    let (status, refused) = running.refused(&secret, json!({ "reason": "x" })).await;
    assert_eq!((status, &refused["error"]), (409, &json!("conflict")));
}
