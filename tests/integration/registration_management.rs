//! Management of a registration (RFC 7592, REG-R, REG-U).

use std::sync::Arc;

use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Answer, Incoming, Method};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::registration::{manage, register};
use countersign::endpoints::token::token;
use countersign::governance::audit::{ActorKind, AuditAction};
use countersign::jose::{Algorithm, SigningKey};
use countersign::partners::{ClientState, CredentialState, EntitlementState};
use countersign::protocol::ErrorCode;
use countersign::types::{ClientId, Scope, Secret};
use serde_json::{Value, json};

use crate::support::house::{body, change, refusal};
use crate::support::partner::{
    Partner, Registered, Remembered, SOFTWARE, end_agreement, merged, not_managed, object, told,
    with_bearer,
};
use crate::support::samples as sample;
use crate::support::store::{Store, on_each_engine};

/// A client and the node that it registered at.
async fn registered(partner: &Partner, scope: &str) -> (App, Registered) {
    let app = partner.node().await;
    let client = partner.registered(&app, scope).await;
    (app, client)
}

fn read(partner: &Partner, client: &Registered) -> Incoming {
    client.managed(Method::Get, partner.house.post("", None))
}

fn deletion(partner: &Partner, client: &Registered) -> Incoming {
    client.managed(Method::Delete, partner.house.post("", None))
}

/// An update with a fresh statement, in which some claims of the request are others.
fn update(partner: &Partner, client: &Registered, scope: &str, changes: &Value) -> Incoming {
    client.managed(Method::Put, partner.registration_with(scope, changes))
}

fn ok(answer: Result<Answer, Failure>) -> Value {
    body(answer)
}

async fn change_state(app: &App, id: &ClientId, from: ClientState, to: ClientState) {
    let id = id.clone();
    change(app, AuditAction::ClientStateChanged, move |tx| tx.change_client_state(&id, from, to))
        .await;
}

/// Withdraws a scope from a client as the bank would.
async fn revoke_entitlement(app: &App, id: &ClientId, scope: &str) {
    let (id, scope) = (id.clone(), Scope::parse(scope).unwrap());
    change(app, AuditAction::EntitlementStateChanged, move |tx| {
        let held = tx.entitlement_for(&id, &scope)?.unwrap();
        tx.change_entitlement_state(&held.id, held.state, EntitlementState::Revoked)
    })
    .await;
}

/// The scopes that a client holds in each state.
async fn held(app: &App, id: &ClientId) -> Vec<(String, EntitlementState)> {
    let all = Remembered::of(app).await.entitlements;
    let its = all.into_iter().filter(|held| held.client_id == *id);
    its.map(|held| (held.scope.to_string(), held.state)).collect()
}

#[tokio::test]
async fn a_client_reads_what_it_was_told_when_it_registered_rfc_7592_2_1() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a scope:a:write scope:c").await;
    let before = Remembered::of(&app).await;
    for _ in 0..2 {
        assert_eq!(ok(manage(&app, &read(&partner, &client)).await), client.body);
    }
    assert_eq!(Remembered::of(&app).await.counts(), before.counts());
}

#[tokio::test]
async fn an_update_replaces_the_registration_and_keeps_who_it_is_reg_u1_u6() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let token_before = body(token(&app, &partner.token_request(&client.id, "scope:a")).await);
    let before = Remembered::of(&app).await;
    let request = update(
        &partner,
        &client,
        "scope:b",
        &json!({ "redirect_uris": ["https://fern.example/other"], "contacts": ["mailto:a@fern.example"] }),
    );
    let answer = ok(manage(&app, &request).await);
    for member in
        ["client_id", "client_id_issued_at", "registration_access_token", "registration_client_uri"]
    {
        assert_eq!(answer[member], client.body[member], "{member}");
    }
    assert_eq!(answer["scope"], "scope:b");
    assert_eq!(answer["redirect_uris"], json!(["https://fern.example/other"]));
    assert_ne!(answer["software_statement"], client.body["software_statement"]);
    let after = Remembered::of(&app).await;
    assert_eq!(after.actions_since(&before), ["client.updated"]);
    assert_eq!(after.since(&before)[0].object, object("client", client.id.as_str()));
    assert_eq!(after.decisions.len(), before.decisions.len() + 1);
    let held = held(&app, &client.id).await;
    let expected = [("scope:a", EntitlementState::Reduced), ("scope:b", EntitlementState::Active)];
    assert_eq!(held, expected.map(|(scope, state)| (scope.to_owned(), state)));
    assert!(!partner.gets_token(&app, &client.id, "scope:a").await);
    assert!(partner.gets_token(&app, &client.id, "scope:b").await);
    // A token from before has lost what the client has lost.
    let asked = format!("token={}", token_before["access_token"].as_str().unwrap());
    let asked = partner.house.by_resource_server("a", &asked);
    assert_eq!(body(introspect(&app, &asked).await), json!({ "active": false }));
    assert_eq!(ok(manage(&app, &read(&partner, &client)).await), answer);
    partner.house.clock.advance(1);
    let both = ok(manage(&app, &update(&partner, &client, "scope:a scope:b", &json!({}))).await);
    assert_eq!(both["scope"], "scope:a scope:b");
    assert!(partner.gets_token(&app, &client.id, "scope:a").await);
}

#[tokio::test]
async fn what_is_read_can_be_sent_back_and_changes_nothing_reg_u3_sec_21() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    // Members of a key that we do not keep, and everything else that a request may hold.
    let mut key = partner.key.public_jwk();
    key["x5t#S256"] = json!("ignored");
    key["key_ops"] = json!(["verify"]);
    let keys = json!({ "software_jwks": { "keys": [key] } });
    let rich = json!({
        "client_name": "ignored",
        "redirect_uris": ["https://fern.example/other"],
        "contacts": ["mailto:more@fern.example", "ops@fern.example"],
        "token_endpoint_auth_signing_alg": "ES256",
        "default_max_age": null,
        "unknown": [],
    });
    let scope = "scope:a scope:a:write scope:c";
    let claims = merged(partner.request_claims(&partner.statement_with(&keys), scope), &rich);
    let client = Registered::of(&register(&app, &partner.posted(&claims)).await.unwrap());
    partner.house.clock.advance(1);
    let before = Remembered::of(&app).await;
    let shown = ok(manage(&app, &read(&partner, &client)).await);
    let strip = json!({
        "registration_access_token": null, "registration_client_uri": null,
        "client_secret_expires_at": null, "client_id_issued_at": null,
        "software_statement": partner.statement_with(&keys),
    });
    let sent_back = merged(partner.request_claims("", ""), &shown);
    let request = partner.posted(&merged(sent_back, &strip));
    let answer = ok(manage(&app, &client.managed(Method::Put, request)).await);
    let after = Remembered::of(&app).await;
    assert_eq!(after.client(&client.id).metadata, before.client(&client.id).metadata);
    assert_eq!(after.entitlements, before.entitlements);
    assert_eq!(after.credentials, before.credentials);
    let same = json!({ "software_statement": null, "decisions": null });
    assert_eq!(merged(answer, &same), merged(shown, &same));
}

#[tokio::test]
async fn a_client_that_waits_for_people_can_be_sent_back_too() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a:write").await;
    let answer = ok(manage(&app, &update(&partner, &client, "", &json!({}))).await);
    assert_eq!(answer.get("scope"), None);
    assert!(held(&app, &client.id).await.is_empty());
}

/// Sends updates that must be refused with their codes and change nothing of the client.
async fn change_nothing(app: &App, client: &Registered, updates: &[(&str, Incoming, &str)]) {
    let shape = Remembered::of(app).await.shape(&client.id);
    for (name, request, code) in updates {
        assert_eq!(not_managed(app, request).await, *code, "{name}");
        assert_eq!(Remembered::of(app).await.shape(&client.id), shape, "{name}");
    }
}

#[tokio::test]
async fn an_update_that_breaks_a_rule_changes_nothing_reg_u2_to_u4() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let before = Remembered::of(&app).await;
    let with = |changes: Value| update(&partner, &client, "scope:b", &changes);
    let json = Incoming { content_type: Some("application/json".into()), ..with(json!({})) };
    let evil = json!({ "redirect_uris": ["https://evil.example"] });
    let nothing = update(&partner, &client, "scope:c", &json!({}));
    let updates = [
        ("another client", with(json!({ "client_id": "cl_a" })), "invalid_request"),
        ("its token", with(json!({ "registration_access_token": "x" })), "invalid_request"),
        ("its address", with(json!({ "registration_client_uri": "x" })), "invalid_request"),
        ("its age", with(json!({ "client_id_issued_at": 1 })), "invalid_request"),
        ("a secret", with(json!({ "client_secret": "mine" })), "invalid_request"),
        ("a secret's end", with(json!({ "client_secret_expires_at": 0 })), "invalid_request"),
        ("a redirect", with(evil), "invalid_redirect_uri"),
        ("keys", with(json!({ "jwks_uri": "https://evil.example" })), "invalid_client_metadata"),
        ("nothing granted", nothing, "unapproved_software_statement"),
    ];
    change_nothing(&app, &client, &updates).await;
    let after = Remembered::of(&app).await;
    assert_eq!(after.actions_since(&before), ["registration.refused"; 9]);
    assert!(!after.text().contains("eyJ"));
    change_nothing(&app, &client, &[("JSON", json, "invalid_client_metadata")]).await;
    assert!(partner.gets_token(&app, &client.id, "scope:a").await);
}

#[tokio::test]
async fn an_update_needs_a_fresh_statement_about_its_own_software_reg_u5() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let put = |request: Incoming| client.managed(Method::Put, request);
    let fresh =
        |changes: Value| put(partner.presenting(&partner.statement_with(&changes), "scope:b"));
    let none = partner.registration_with("scope:b", &json!({ "software_statement": null }));
    let used = client.body["software_statement"].as_str().unwrap();
    let other = partner.statement_with(&json!({ "software_id": "other" }));
    let other = merged(partner.request_claims(&other, "scope:b"), &json!({ "iss": "other" }));
    let (bad, unapproved) = ("invalid_software_statement", "unapproved_software_statement");
    let updates = [
        ("no statement", put(none), "invalid_client_metadata"),
        ("the old statement", put(partner.presenting(used, "scope:b")), bad),
        ("an expired one", fresh(json!({ "exp": partner.house.clock.now().plus(-60) })), bad),
        ("a stranger's word", fresh(json!({ "iss": "https://x.invalid" })), unapproved),
        ("a revoked owner", fresh(json!({ "org_status": "Revoked" })), unapproved),
        ("other software", put(partner.posted(&other)), unapproved),
        ("another owner", fresh(json!({ "org_id": "dir-b" })), unapproved),
    ];
    change_nothing(&app, &client, &updates).await;
    assert!(!Remembered::of(&app).await.text().contains("eyJ"));
}

#[tokio::test]
async fn a_software_id_of_another_framework_is_other_software_reg_t2() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let other = partner.framework(&[
        ("name = \"directory\"", "name = \"other\""),
        ("issuers = [\"https://localhost:8445\"]", "issuers = [\"https://other.example\"]"),
    ]);
    let both =
        [("directory.toml".to_owned(), partner.framework(&[])), ("other.toml".to_owned(), other)];
    let app_of_both = partner.node_of(both).await;
    change(&app, AuditAction::OrganisationCreated, |tx| {
        tx.insert_organisation(&countersign::partners::Organisation {
            framework: countersign::types::FrameworkName::parse("other").unwrap(),
            ..sample::organisation("b")
        })?;
        tx.insert_agreement(&sample::agreement("b"))
    })
    .await;
    let shape = Remembered::of(&app).await.shape(&client.id);
    let theirs = json!({ "iss": "https://other.example", "org_id": "dir-b" });
    let request = partner.presenting(&partner.statement_with(&theirs), "scope:b");
    let request = client.managed(Method::Put, request);
    assert_eq!(not_managed(&app_of_both, &request).await, "unapproved_software_statement");
    assert_eq!(Remembered::of(&app).await.shape(&client.id), shape);
}

#[tokio::test]
async fn what_the_bank_has_withdrawn_is_not_revived_by_an_update_gov_rv_7() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a scope:b").await;
    revoke_entitlement(&app, &client.id, "scope:a").await;
    let answer = ok(manage(&app, &update(&partner, &client, "scope:a scope:b", &json!({}))).await);
    assert_eq!(answer["scope"], "scope:b");
    assert_eq!(answer["decisions"][0]["reasons"][0]["code"], "entitlement_not_active");
    let still = [("scope:a", EntitlementState::Revoked), ("scope:b", EntitlementState::Active)];
    let still = still.map(|(scope, state)| (scope.to_owned(), state));
    assert_eq!(held(&app, &client.id).await, still);
    assert!(!partner.gets_token(&app, &client.id, "scope:a").await);
    let request = update(&partner, &client, "scope:a", &json!({}));
    assert_eq!(not_managed(&app, &request).await, "unapproved_software_statement");
    assert_eq!(held(&app, &client.id).await, still);
    // Nor by giving it up first.
    partner.house.clock.advance(1);
    assert!(manage(&app, &update(&partner, &client, "", &json!({}))).await.is_ok());
    let request = update(&partner, &client, "scope:a", &json!({}));
    assert_eq!(not_managed(&app, &request).await, "unapproved_software_statement");
}

#[tokio::test]
async fn a_key_that_the_bank_has_withdrawn_neither_updates_nor_comes_back() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let known = Remembered::of(&app).await.credentials;
    let known = known.into_iter().find(|key| key.client_id == client.id).unwrap();
    let id = known.id.clone();
    change(&app, AuditAction::CredentialStateChanged, move |tx| {
        tx.change_credential_state(&id, CredentialState::Active, CredentialState::Compromised)
    })
    .await;
    let refused = refusal(manage(&app, &update(&partner, &client, "scope:a", &json!({}))).await);
    assert_eq!(refused.code, ErrorCode::UnapprovedSoftwareStatement);
    assert_eq!(refused.members["reasons"][0]["code"], "credential_not_active");
    // The next key of the software does both, and leaves the old one where it is.
    let next = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = json!({ "keys": [partner.key.public_jwk(), next.public_jwk()] });
    let statement = partner.statement_with(&json!({ "software_jwks": keys }));
    let claims = partner.request_claims(&statement, "scope:a");
    let request = partner.posted_text(&next.sign("JWT", &claims).unwrap());
    ok(manage(&app, &client.managed(Method::Put, request)).await);
    let keys = Remembered::of(&app).await.credentials;
    let state = |thumbprint: &str| {
        let its = |key: &&_| -> bool {
            let key: &countersign::partners::Credential = key;
            key.client_id == client.id && key.thumbprint == thumbprint
        };
        keys.iter().find(its).unwrap().state
    };
    assert_eq!(state(partner.key.thumbprint()), CredentialState::Compromised);
    assert_eq!(state(next.thumbprint()), CredentialState::Active);
    assert!(!partner.gets_token(&app, &client.id, "scope:a").await);
    let by_next = partner.token_request_by(&next, &client.id, "scope:a");
    assert!(token(&app, &by_next).await.is_ok());
}

#[tokio::test]
async fn an_update_is_no_review_gov_rc_3() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let before = Remembered::of(&app).await.entitlements;
    partner.house.clock.advance(50);
    ok(manage(&app, &update(&partner, &client, "scope:a", &json!({}))).await);
    assert_eq!(Remembered::of(&app).await.entitlements, before);
}

#[tokio::test]
async fn an_update_gets_no_more_than_the_contract_allows_now() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let shape = Remembered::of(&app).await.shape(&client.id);
    end_agreement(&app).await;
    let refused = refusal(manage(&app, &update(&partner, &client, "scope:a", &json!({}))).await);
    assert_eq!(refused.members["decisions"][0]["reasons"][0]["code"], "agreement_lapsed");
    assert_eq!(Remembered::of(&app).await.shape(&client.id), shape);
}

#[tokio::test]
async fn a_deleted_client_is_gone_everywhere_reg_u8() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let elsewhere = partner.node().await;
    let issued = body(token(&elsewhere, &partner.token_request(&client.id, "scope:a")).await);
    let before = Remembered::of(&app).await;
    let answer = manage(&app, &deletion(&partner, &client)).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let after = Remembered::of(&app).await;
    assert_eq!(after.client(&client.id).state, ClientState::Retired);
    assert_eq!(after.actions_since(&before), ["client.deleted"]);
    let event = after.since(&before)[0].clone();
    assert_eq!(
        (event.actor.kind, event.actor.id.as_str()),
        (ActorKind::Client, client.id.as_str())
    );
    for node in [&app, &elsewhere] {
        for request in [
            read(&partner, &client),
            update(&partner, &client, "scope:a", &json!({})),
            deletion(&partner, &client),
        ] {
            assert_eq!(not_managed(node, &request).await, "invalid_token");
        }
    }
    // The other node has learnt of it within a second.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let asked = format!("token={}", issued["access_token"].as_str().unwrap());
    for node in [&app, &elsewhere] {
        let request = partner.token_request(&client.id, "scope:a");
        assert_eq!(refusal(token(node, &request).await).code, ErrorCode::InvalidClient);
        let asked = partner.house.by_resource_server("a", &asked);
        assert_eq!(body(introspect(node, &asked).await), json!({ "active": false }));
    }
    assert_eq!(after.counts(), Remembered::of(&app).await.counts());
    // Its name is never given again, and its software may register anew.
    assert_ne!(partner.registered(&app, "scope:a").await.id, client.id);
}

#[tokio::test]
async fn a_place_that_a_deleted_client_had_is_free_reg_q4() {
    let partner = Partner::new().await;
    let only_one = ("duplicates = \"allow_many\"", "duplicates = \"reject\"");
    let app = partner.node_with(&[only_one]).await;
    let client = partner.registered(&app, "scope:a").await;
    assert!(register(&app, &partner.registration("scope:a")).await.is_err());
    manage(&app, &deletion(&partner, &client)).await.unwrap();
    partner.registered(&app, "scope:a").await;
}

#[tokio::test]
async fn only_its_own_token_manages_a_client_and_a_wrong_one_harms_nobody_reg_h4_h5() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let other = partner.registered(&app, "scope:a").await;
    let before = Remembered::of(&app).await;
    let plain = || partner.house.post("", None);
    let access = body(token(&app, &partner.token_request(&client.id, "scope:a")).await);
    let access = access["access_token"].as_str().unwrap();
    let id = client.id.as_str();
    let hash = Secret::new(client.token()).hash();
    for method in
        [Method::Get, Method::Put, Method::Delete, Method::Post, Method::Patch, Method::Other]
    {
        for bad in [
            with_bearer(id, other.token(), method, plain()),
            with_bearer(other.id.as_str(), client.token(), method, plain()),
            with_bearer("cl_unknown", client.token(), method, plain()),
            with_bearer("", client.token(), method, plain()),
            with_bearer("../cl_a", client.token(), method, plain()),
            with_bearer("\u{0}", client.token(), method, plain()),
            with_bearer(&"x".repeat(10_000), client.token(), method, plain()),
            with_bearer(id, "", method, plain()),
            with_bearer(id, " ", method, plain()),
            with_bearer(id, "=", method, plain()),
            with_bearer(id, "\u{e9}", method, plain()),
            with_bearer(id, access, method, plain()),
            with_bearer(id, hash.as_str(), method, plain()),
            with_bearer(id, client.token().split_at(1).1, method, plain()),
            with_bearer(id, &format!("{}a", client.token()), method, plain()),
            with_bearer(id, &"x".repeat(100_000), method, plain()),
            Incoming { authorization: None, ..with_bearer(id, "", method, plain()) },
            Incoming {
                authorization: Some(Secret::new(format!("Basic {}", client.token()))),
                ..with_bearer(id, "", method, plain())
            },
        ] {
            assert_eq!(not_managed(&app, &bad).await, "invalid_token");
        }
    }
    assert_eq!(Remembered::of(&app).await.counts(), before.counts());
    assert_eq!(ok(manage(&app, &read(&partner, &client)).await), client.body);
    assert_eq!(ok(manage(&app, &read(&partner, &other)).await), other.body);
}

#[tokio::test]
async fn who_is_asking_comes_before_what_is_asked_reg_r8() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    for method in [Method::Post, Method::Patch, Method::Other] {
        let request = client.managed(method, partner.registration("scope:a"));
        assert_eq!(not_managed(&app, &request).await, "method_not_allowed");
        let stranger = Incoming { authorization: None, ..request };
        assert_eq!(not_managed(&app, &stranger).await, "invalid_token");
    }
}

#[tokio::test]
async fn a_stopped_client_sees_how_it_stands_and_may_end_but_not_change() {
    let partner = Partner::new().await;
    for stopped in [ClientState::Suspended, ClientState::Quarantined] {
        let (app, client) = registered(&partner, "scope:a").await;
        change_state(&app, &client.id, ClientState::Active, stopped).await;
        assert_eq!(ok(manage(&app, &read(&partner, &client)).await), client.body);
        let shape = Remembered::of(&app).await.shape(&client.id);
        let request = update(&partner, &client, "scope:b", &json!({}));
        assert_eq!(not_managed(&app, &request).await, "access_denied");
        assert_eq!(Remembered::of(&app).await.shape(&client.id), shape);
        let answer = manage(&app, &deletion(&partner, &client)).await.unwrap();
        assert_eq!(answer.status, 204);
    }
    let (app, client) = registered(&partner, "scope:a").await;
    change_state(&app, &client.id, ClientState::Active, ClientState::Revoked).await;
    assert_eq!(not_managed(&app, &read(&partner, &client)).await, "invalid_token");
}

#[tokio::test]
async fn where_registration_is_off_nothing_is_managed() {
    let partner = Partner::new().await;
    let (mut app, client) = registered(&partner, "scope:a").await;
    app.features.registration = false;
    assert_eq!(not_managed(&app, &read(&partner, &client)).await, "not_found");
}

#[tokio::test]
async fn a_client_shows_only_so_many_keys_in_its_life() {
    let partner = Partner::new().await;
    let (app, client) = registered(&partner, "scope:a").await;
    let seen = sample::credential("a");
    let id = client.id.clone();
    change(&app, AuditAction::CredentialSeen, move |tx| {
        for number in 0..499 {
            tx.insert_credential(&countersign::partners::Credential {
                id: countersign::types::CredentialId::from_random(&format!("{number}")),
                client_id: id.clone(),
                thumbprint: format!("{number}"),
                ..seen.clone()
            })?;
        }
        Ok(())
    })
    .await;
    ok(manage(&app, &update(&partner, &client, "scope:a", &json!({}))).await);
    let shape = Remembered::of(&app).await.shape(&client.id);
    let next = SigningKey::generate(Algorithm::EdDsa).unwrap().public_jwk();
    let keys = json!({ "software_jwks": { "keys": [partner.key.public_jwk(), next] } });
    let request = partner.presenting(&partner.statement_with(&keys), "scope:a");
    let request = client.managed(Method::Put, request);
    assert_eq!(not_managed(&app, &request).await, "invalid_client_metadata");
    assert_eq!(Remembered::of(&app).await.shape(&client.id), shape);
}

/// Sends everything at once, to two nodes in turn.
async fn race(nodes: [App; 2], requests: Vec<Incoming>) -> Vec<Result<(u16, Value), String>> {
    let nodes = nodes.map(Arc::new);
    let mut racers = tokio::task::JoinSet::new();
    for (app, request) in nodes.iter().cycle().zip(requests) {
        let app = Arc::clone(app);
        racers.spawn(async move { told(manage(&app, &request).await) });
    }
    racers.join_all().await
}

async fn updates_and_deletions_at_once_have_no_mixture_sec_78(store: Store) {
    let partner = Partner::on(store).await;
    let (app, client) = registered(&partner, "scope:a").await;
    let fresh = |partner: &Partner, scope: &str| update(partner, &client, scope, &json!({}));
    let requests =
        ["scope:a", "scope:b"].into_iter().cycle().take(8).map(|scope| fresh(&partner, scope));
    let requests = requests.collect();
    let answers = race([partner.node().await, partner.node().await], requests).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok((200, _)))), "{answers:?}");
    let registered = Remembered::of(&app).await.client(&client.id).metadata.scope.to_string();
    let active: Vec<_> = held(&app, &client.id).await;
    let active = active.into_iter().filter(|(_, state)| *state == EntitlementState::Active);
    assert_eq!(active.map(|(scope, _)| scope).collect::<Vec<_>>(), [registered]);
    let requests = (0..8).map(|number| match number % 4 {
        1 => fresh(&partner, "scope:a"),
        2 => fresh(&partner, "scope:b"),
        _ => deletion(&partner, &client),
    });
    let requests = requests.collect();
    let answers = race([partner.node().await, partner.node().await], requests).await;
    let gone = answers.iter().filter(|answer| matches!(answer, Ok((204, _))));
    assert_eq!(gone.count(), 1, "{answers:?}");
    for code in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(code, "invalid_token");
    }
    let after = Remembered::of(&app).await;
    assert_eq!(after.client(&client.id).state, ClientState::Retired);
    let deleted = after.events.iter().filter(|event| event.action == AuditAction::ClientDeleted);
    assert_eq!(deleted.count(), 1);
    assert!(after.events.iter().all(|event| event.object != object("software", SOFTWARE)
        || event.action == AuditAction::RegistrationRefused));
}
on_each_engine!(updates_and_deletions_at_once_have_no_mixture_sec_78);
