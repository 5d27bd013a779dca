//! What operators do about registrations: initial access tokens, and clients that nobody uses (REG-I,
//! REG-L8).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::running::{OTTO, Running};
use crate::support::samples as sample;

fn in_seconds(seconds: i64) -> String {
    sample::at(seconds).to_string()
}

fn new_token(changes: &Value) -> Value {
    let mut body = json!({
        "organisation_id": "org_a",
        "purpose": "first rehearsal",
        "framework": "directory",
        "scope": "scope:b scope:a",
        "most_uses": 2,
        "expires_at": in_seconds(3600),
    });
    let members = body.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    body
}

#[tokio::test]
async fn an_initial_access_token_is_issued_shown_once_listed_and_withdrawn() {
    let running = Running::furnished().await;
    let issued = running.post("/initial-access-tokens", new_token(&json!({}))).await;
    let secret = issued["token"].as_str().unwrap();
    assert_eq!(secret.len(), 43);
    assert_eq!(
        (&issued["scope"], &issued["most_uses"], &issued["uses"], &issued["usable_now"]),
        (&json!("scope:a scope:b"), &json!(2), &json!(0), &json!(true))
    );
    let path = format!("/initial-access-tokens/{}", issued["id"].as_str().unwrap());
    let shown = running.get(&path).await;
    assert_eq!(shown.get("token"), None);
    let listed = running.get("/initial-access-tokens?organisation_id=org_a").await;
    assert_eq!(listed["items"], json!([shown]));
    let none = running.get("/initial-access-tokens?organisation_id=org_b").await;
    assert_eq!(none["items"], json!([]));
    let step = json!({ "state": "revoked", "reason": "it leaked" });
    let revoked = running.post(&format!("{path}/state"), step.clone()).await;
    assert_eq!((&revoked["state"], &revoked["usable_now"]), (&json!("revoked"), &json!(false)));
    assert_eq!(running.refused(&format!("{path}/state"), step).await.0, 409);
    let events = running.events(issued["id"].as_str().unwrap()).await;
    let actions: Vec<_> = events.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["initial_access_token.issued", "initial_access_token.state_changed"]);
    let log = running.get("/audit-events").await.to_string();
    assert!(!log.contains(secret) && !log.contains("secret_hash"), "{log}");
}

#[tokio::test]
async fn a_token_with_defaults_is_for_one_client_and_any_framework() {
    let running = Running::furnished().await;
    let bare = json!({ "framework": null, "scope": null, "most_uses": null });
    let issued = running.post("/initial-access-tokens", new_token(&bare)).await;
    assert_eq!(
        (&issued["framework"], &issued["scope"], &issued["most_uses"]),
        (&Value::Null, &Value::Null, &json!(1))
    );
}

#[tokio::test]
async fn a_token_that_would_let_nobody_in_is_not_issued_peer_23() {
    let running = Running::furnished().await;
    for (changes, pointer) in [
        (json!({ "framework": "nowhere" }), "/framework"),
        (json!({ "expires_at": in_seconds(-1) }), "/expires_at"),
        (json!({ "expires_at": in_seconds(367 * 86_400) }), "/expires_at"),
        (json!({ "most_uses": 0 }), "/most_uses"),
        (json!({ "most_uses": 10_001 }), "/most_uses"),
        (json!({ "scope": "" }), "/scope"),
        (json!({ "scope": "a\"b" }), "/scope"),
        (json!({ "purpose": null }), "/purpose"),
        (json!({ "organisation_id": null }), "/organisation_id"),
        (json!({ "internal": true }), "/internal"),
    ] {
        let (status, refusal) =
            running.refused("/initial-access-tokens", new_token(&changes)).await;
        assert_eq!((status, &refusal["problems"][0]["pointer"]), (400, &json!(pointer)));
    }
    let nobody = new_token(&json!({ "organisation_id": "org_x" }));
    assert_eq!(running.refused("/initial-access-tokens", nobody).await.0, 404);
    let auditor = new_token(&json!({})).to_string();
    let response =
        running.send(Method::POST, "/initial-access-tokens", Some(OTTO), Some(auditor)).await;
    assert_eq!(response.status(), 403);
    assert_eq!(running.get("/initial-access-tokens").await["items"], json!([]));
}

#[tokio::test]
async fn clients_that_end_unused_are_listed() {
    let running = Running::furnished().await;
    assert_eq!(running.get("/clients/expiring").await["items"], json!([]));
    running
        .change(|tx| {
            let id = sample::client("a").id;
            tx.note_client_use(&id, sample::at(0), Some(sample::at(1)), sample::at(0))?;
            let seen = tx.client_activity(&id)?.unwrap();
            let (told, ends) = (sample::at(1), sample::at(9));
            tx.schedule_client_check(&seen, Some(told), Some(ends))
        })
        .await;
    let listed = running.get("/clients/expiring").await;
    let found = &listed["items"][0];
    assert_eq!((&found["id"], &found["framework"]), (&json!("cl_a"), &json!("directory")));
    assert_eq!(found["ends_at"], sample::at(9).to_string());
    assert_eq!(found["notified_at"], sample::at(1).to_string());
}
