//! The life of a registration: who may manage it, how it is found again, and how it ends (REG-R, U, H,
//! L, I and S15 to S18).

use std::sync::Arc;

use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Answer, Incoming, Method};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::registration::unused::look_after;
use countersign::endpoints::registration::{manage, plan, recover, register};
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::partners::{
    ClientState, CredentialState, EntitlementState, InitialAccessToken, InitialAccessTokenState,
};
use countersign::protocol::ErrorCode;
use countersign::types::{FrameworkName, InitialAccessTokenId, ScopeSet, Secret};
use serde_json::{Value, json};

use crate::support::house::{body, change, refusal};
use crate::support::partner::{
    Partner, Registered, Remembered, merged, not_managed, refused, told, with_bearer,
};
use crate::support::samples as sample;
use crate::support::store::{Store, on_each_engine};

/// The line of the framework's file that says whose word opens the management URL.
const BY_TOKEN: &str = "authorisation = \"registration_access_token\"";
const BY_CLIENT: &str = "authorisation = \"client_credentials\"";
const ACCEPTED: &str = "initial_access_token = \"accepted\"";
const MANY: &str = "duplicates = \"allow_many\"";

fn plain(partner: &Partner) -> Incoming {
    partner.house.post("", None)
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str())
}

fn keyed(incoming: Incoming, key: &str) -> Incoming {
    Incoming { idempotency_key: Some(Secret::new(key)), ..incoming }
}

async fn access_token(partner: &Partner, app: &App, client: &Registered, scope: &str) -> String {
    let answer = body(token(app, &partner.token_request(&client.id, scope)).await);
    answer["access_token"].as_str().unwrap().to_owned()
}

fn answered(answer: Result<Answer, Failure>) -> Answer {
    answer.map_err(Failure::into_error).unwrap()
}

// Whose word opens the management URL.

#[tokio::test]
async fn a_client_manages_itself_with_its_own_access_token_where_the_framework_says_so_reg_r1() {
    let partner = Partner::new().await;
    let app = partner.node_with(&[(BY_TOKEN, BY_CLIENT)]).await;
    let client = partner.registered(&app, "scope:a").await;
    // R2: token and address are shown together or not at all.
    assert_eq!(client.body.get("registration_access_token"), None);
    assert_eq!(client.body.get("registration_client_uri"), None);
    let access = access_token(&partner, &app, &client, "scope:a").await;
    let id = client.id.as_str();
    let request = |method, base| with_bearer(id, &access, method, base);
    let read = body(manage(&app, &request(Method::Get, plain(&partner))).await);
    assert_eq!(read["client_id"], id);
    let put = request(Method::Put, partner.registration("scope:a scope:b"));
    assert_eq!(body(manage(&app, &put).await)["scope"], "scope:a scope:b");
    let gone = answered(manage(&app, &request(Method::Delete, plain(&partner))).await);
    assert_eq!(gone.status, 204);
    for method in [Method::Get, Method::Put, Method::Delete] {
        assert_eq!(not_managed(&app, &request(method, plain(&partner))).await, "invalid_token");
    }
}

#[tokio::test]
async fn another_clients_token_opens_nothing_and_stays_good_reg_h5_t9() {
    let partner = Partner::new().await;
    let app = partner.node_with(&[(BY_TOKEN, BY_CLIENT)]).await;
    let (client, other) =
        (partner.registered(&app, "scope:a").await, partner.registered(&app, "scope:a").await);
    let access = access_token(&partner, &app, &client, "scope:a").await;
    for id in [other.id.as_str(), "cl_unknown", ""] {
        for method in [Method::Get, Method::Put, Method::Delete, Method::Post, Method::Other] {
            let request = with_bearer(id, &access, method, plain(&partner));
            assert_eq!(not_managed(&app, &request).await, "invalid_token", "{id}");
        }
    }
    let own = with_bearer(client.id.as_str(), &access, Method::Get, plain(&partner));
    assert_eq!(answered(manage(&app, &own).await).status, 200);
}

#[tokio::test]
async fn a_token_without_the_scope_of_management_is_403_reg_h6_r9() {
    let partner = Partner::new().await;
    let scoped = format!("{BY_CLIENT}\nscope = \"scope:b\"");
    let app = partner.node_with(&[(BY_TOKEN, &scoped)]).await;
    let client = partner.registered(&app, "scope:a scope:b").await;
    let (without, with) = (
        access_token(&partner, &app, &client, "scope:a").await,
        access_token(&partner, &app, &client, "scope:b").await,
    );
    let id = client.id.as_str();
    for method in [Method::Get, Method::Put, Method::Delete, Method::Patch] {
        let request = with_bearer(id, &without, method, plain(&partner));
        assert_eq!(not_managed(&app, &request).await, "insufficient_scope");
    }
    let read = with_bearer(id, &with, Method::Get, plain(&partner));
    assert_eq!(answered(manage(&app, &read).await).status, 200);
    // Who has lost the scope has lost what it opens, whatever the token says.
    let held = client.id.clone();
    change(&app, AuditAction::EntitlementStateChanged, move |tx| {
        let held = tx.entitlement_for(&held, &sample::scope("b"))?.unwrap();
        tx.change_entitlement_state(&held.id, held.state, EntitlementState::Revoked)
    })
    .await;
    assert_eq!(not_managed(&app, &read).await, "insufficient_scope");
}

#[tokio::test]
async fn a_token_ends_for_management_with_the_key_that_obtained_it() {
    let partner = Partner::new().await;
    let app = partner.node_with(&[(BY_TOKEN, BY_CLIENT)]).await;
    let client = partner.registered(&app, "scope:a").await;
    let access = access_token(&partner, &app, &client, "scope:a").await;
    let read = with_bearer(client.id.as_str(), &access, Method::Get, plain(&partner));
    assert_eq!(answered(manage(&app, &read).await).status, 200);
    let id = client.id.clone();
    change(&app, AuditAction::CredentialStateChanged, move |tx| {
        let key = tx.credentials_of(&id)?.remove(0);
        tx.change_credential_state(&key.id, key.state, CredentialState::Revoked)
    })
    .await;
    assert_eq!(not_managed(&app, &read).await, "invalid_token");
}

#[tokio::test]
async fn what_is_no_access_token_of_ours_opens_nothing() {
    let partner = Partner::new().await;
    let app = partner.node_with(&[(BY_TOKEN, BY_CLIENT)]).await;
    let client = partner.registered(&app, "scope:a").await;
    let now = partner.house.clock.now();
    let claims = json!({ "iss": "https://as.example", "sub": client.id, "exp": now.plus(60) });
    let forged = partner.key.sign("at+jwt", &claims).unwrap();
    let statement = partner.statement();
    for bad in ["", "x", forged.as_str(), statement.as_str()] {
        let request = with_bearer(client.id.as_str(), bad, Method::Get, plain(&partner));
        assert_eq!(not_managed(&app, &request).await, "invalid_token");
    }
}

#[tokio::test]
async fn a_deleted_clients_token_is_revoked_when_it_is_shown_reg_h4() {
    let partner = Partner::new().await;
    let app = partner.node_with(&[(BY_TOKEN, BY_CLIENT)]).await;
    let client = partner.registered(&app, "scope:a").await;
    let access = access_token(&partner, &app, &client, "scope:a").await;
    let request = |method| with_bearer(client.id.as_str(), &access, method, plain(&partner));
    assert_eq!(answered(manage(&app, &request(Method::Delete)).await).status, 204);
    let before = Remembered::of(&app).await;
    assert_eq!(not_managed(&app, &request(Method::Get)).await, "invalid_token");
    assert_eq!(Remembered::of(&app).await.actions_since(&before), ["token.revoked"]);
    assert_eq!(not_managed(&app, &request(Method::Get)).await, "invalid_token");
    assert_eq!(Remembered::of(&app).await.actions_since(&before), ["token.revoked"]);
}

#[tokio::test]
async fn a_verb_that_is_off_is_405_for_the_client_and_401_for_strangers_reg_h7_r8() {
    let partner = Partner::new().await;
    let verbs = "methods = [\"GET\", \"PUT\", \"DELETE\"]";
    let app = partner.node_with(&[(verbs, "methods = [\"GET\"]")]).await;
    let client = partner.registered(&app, "scope:a").await;
    for method in [Method::Put, Method::Delete] {
        let request = client.managed(method, partner.registration("scope:a"));
        assert_eq!(not_managed(&app, &request).await, "method_not_allowed");
        let stranger = with_bearer(client.id.as_str(), "x", method, plain(&partner));
        assert_eq!(not_managed(&app, &stranger).await, "invalid_token");
    }
    let read = client.managed(Method::Get, plain(&partner));
    assert_eq!(answered(manage(&app, &read).await).status, 200);
}

// Versions.

#[tokio::test]
async fn an_update_for_another_version_is_refused_and_changes_nothing_reg_u7() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let created = answered(register(&app, &partner.registration("scope:a")).await);
    let client = Registered::of(&created);
    let read = answered(manage(&app, &client.managed(Method::Get, plain(&partner))).await);
    let tag = header(&read, "etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "a strong tag: {tag}");
    assert_eq!(header(&created, "etag"), Some(&*tag));
    let put = |if_match: &str| Incoming {
        if_match: Some(if_match.to_owned()),
        ..client.managed(Method::Put, partner.registration("scope:b"))
    };
    let shape = Remembered::of(&app).await.shape(&client.id);
    for other in ["\"other\"", "W/\"1\"", "", "1"] {
        let refused = refusal(manage(&app, &put(other)).await);
        assert_eq!(refused.code, ErrorCode::PreconditionFailed, "{other}");
    }
    assert_eq!(Remembered::of(&app).await.shape(&client.id), shape);
    let updated = answered(manage(&app, &put(&tag)).await);
    let next = header(&updated, "etag").unwrap().to_owned();
    assert_ne!(next, tag);
    assert_eq!(refusal(manage(&app, &put(&tag)).await).code, ErrorCode::PreconditionFailed);
    let delete = |if_match: &str| Incoming {
        if_match: Some(if_match.to_owned()),
        ..client.managed(Method::Delete, plain(&partner))
    };
    assert_eq!(refusal(manage(&app, &delete(&tag)).await).code, ErrorCode::PreconditionFailed);
    let read = client.managed(Method::Get, plain(&partner));
    let seen = Incoming { if_none_match: Some(next.clone()), ..read.clone() };
    let unchanged = answered(manage(&app, &seen).await);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(header(&unchanged, "etag"), Some(&*next));
    let older = Incoming { if_none_match: Some(tag), ..read };
    assert_eq!(answered(manage(&app, &older).await).status, 200);
    assert_eq!(answered(manage(&app, &delete(&next)).await).status, 204);
}

async fn of_two_updates_for_one_version_one_is_made_sec_78(store: Store) {
    let partner = Partner::on(store).await;
    let app = partner.node().await;
    let created = answered(register(&app, &partner.registration("scope:a")).await);
    let (client, tag) = (Registered::of(&created), header(&created, "etag").unwrap().to_owned());
    let nodes = [Arc::new(partner.node().await), Arc::new(partner.node().await)];
    let mut racers = tokio::task::JoinSet::new();
    for (app, scope) in nodes.iter().cycle().zip(["scope:a", "scope:b"].repeat(4)) {
        let request = client.managed(Method::Put, partner.registration(scope));
        let request = Incoming { if_match: Some(tag.clone()), ..request };
        let app = Arc::clone(app);
        racers.spawn(async move { told(manage(&app, &request).await) });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let lost = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(lost.into_iter().all(|code| code == "precondition_failed"), "{answers:?}");
}

// What is single-use, and what may be shown again.

#[tokio::test]
async fn the_statement_of_the_registration_may_be_shown_again_where_the_framework_says_so_reg_u5() {
    let partner = Partner::new().await;
    let again = format!("{BY_TOKEN}\nstatement_on_update = false");
    let (strict, lax) = (partner.node().await, partner.node_with(&[(BY_TOKEN, &again)]).await);
    let statement = partner.statement();
    let client =
        Registered::of(&answered(register(&lax, &partner.presenting(&statement, "scope:a")).await));
    let put = || client.managed(Method::Put, partner.presenting(&statement, "scope:a scope:b"));
    assert_eq!(not_managed(&strict, &put()).await, "invalid_software_statement");
    assert_eq!(body(manage(&lax, &put()).await)["scope"], "scope:a scope:b");
    // It is good for this client's update, not for another client.
    assert_eq!(
        refused(&lax, &partner.presenting(&statement, "scope:a")).await,
        "invalid_software_statement"
    );
}

// A lost answer.

async fn a_registration_asked_for_again_makes_no_second_client_reg_e10_w1(store: Store) {
    let partner = Partner::on(store).await;
    let app = partner.node().await;
    let statement = partner.statement();
    let request = || keyed(partner.presenting(&statement, "scope:a"), "lost-1");
    let first = Registered::of(&answered(register(&app, &request()).await));
    let before = Remembered::of(&app).await;
    let answer = answered(register(&app, &request()).await);
    assert_eq!(answer.status, 201);
    let second = Registered::of(&answer);
    assert_eq!(second.id, first.id);
    let unless_token =
        |body: &Value| merged(body.clone(), &json!({ "registration_access_token": null }));
    assert_eq!(unless_token(&second.body), unless_token(&first.body));
    let after = Remembered::of(&app).await;
    assert_eq!(after.clients.len(), before.clients.len());
    assert_eq!(after.actions_since(&before), ["client.management_token_replaced"]);
    // The token that was never seen is good no longer; the new one is.
    assert_ne!(first.token(), second.token());
    let read = |client: &Registered| client.managed(Method::Get, plain(&partner));
    assert_eq!(not_managed(&app, &read(&first)).await, "invalid_token");
    assert_eq!(answered(manage(&app, &read(&second)).await).status, 200);
    // A fresh statement will do as well.
    let fresh = keyed(partner.registration("scope:a"), "lost-1");
    assert_eq!(Registered::of(&answered(register(&app, &fresh).await)).id, first.id);
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_its_content_and_its_owner_reg_e10() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let first = answered(register(&app, &keyed(partner.registration("scope:a"), "k")).await);
    let other = keyed(partner.registration("scope:b"), "k");
    let refused_other = refusal(register(&app, &other).await);
    assert_eq!(refused_other.code, ErrorCode::Conflict);
    assert!(refused_other.description.contains("Idempotency-Key"));
    let next = keyed(partner.registration("scope:a"), "k2");
    assert_ne!(
        Registered::of(&answered(register(&app, &next).await)).id,
        Registered::of(&first).id
    );
    for bad in ["", "a b", "\u{e9}", &"x".repeat(256)] {
        let request = keyed(partner.registration("scope:a"), bad);
        assert_eq!(refused(&app, &request).await, "invalid_request", "{bad}");
    }
    // The very same bytes are no proof: whoever overheard them obtains nothing.
    let bytes = keyed(partner.registration("scope:a"), "k3");
    answered(register(&app, &bytes).await);
    assert_eq!(refused(&app, &bytes).await, "invalid_client_metadata");
    // After a day the key is free.
    partner.house.clock.advance(86_400);
    let late = keyed(partner.registration("scope:b"), "k");
    let late = told(register(&app, &late).await);
    assert!(late.as_ref().is_ok() || late == Err("unapproved_software_statement".to_owned()));
}

#[tokio::test]
async fn a_deleted_client_is_not_found_again_by_its_idempotency_key() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let request = || keyed(partner.registration("scope:a"), "k");
    let first = Registered::of(&answered(register(&app, &request()).await));
    answered(manage(&app, &first.managed(Method::Delete, plain(&partner))).await);
    let second = Registered::of(&answered(register(&app, &request()).await));
    assert_ne!(first.id, second.id);
}

async fn many_at_once_with_one_key_make_one_client_reg_t10(store: Store) {
    let partner = Partner::on(store).await;
    let nodes = [Arc::new(partner.node().await), Arc::new(partner.node().await)];
    let mut racers = tokio::task::JoinSet::new();
    for app in nodes.iter().cycle().take(8) {
        let request = keyed(partner.registration("scope:a"), "k");
        let app = Arc::clone(app);
        racers.spawn(async move { told(register(&app, &request).await) });
    }
    let answers = racers.join_all().await;
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().unwrap().1["client_id"].as_str().unwrap())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    // The house has one client of its own.
    assert_eq!(Remembered::of(&nodes[0]).await.clients.len(), 2);
}

// Software that has a client already.

async fn software_that_is_registered_gets_its_client_back_reg_s18_r10(store: Store) {
    let partner = Partner::on(store).await;
    let framework = [(MANY, "duplicates = \"idempotent_return\"")];
    let app = partner.node_with(&framework).await;
    let first = partner.registered(&app, "scope:a").await;
    let before = Remembered::of(&app).await;
    let answer = answered(register(&app, &partner.registration("scope:b")).await);
    assert_eq!(answer.status, 200);
    let second = Registered::of(&answer);
    assert_eq!((&second.id, &second.body["scope"]), (&first.id, &json!("scope:a")));
    let after = Remembered::of(&app).await;
    assert_eq!(after.actions_since(&before), ["client.management_token_replaced"]);
    let read = |client: &Registered| client.managed(Method::Get, plain(&partner));
    assert_eq!(not_managed(&app, &read(&first)).await, "invalid_token");
    answered(manage(&app, &read(&second)).await);
    // At once, too, there is one.
    answered(manage(&app, &second.managed(Method::Delete, plain(&partner))).await);
    let nodes = [
        Arc::new(partner.node_with(&framework).await),
        Arc::new(partner.node_with(&framework).await),
    ];
    let mut racers = tokio::task::JoinSet::new();
    for app in nodes.iter().cycle().take(6) {
        let request = partner.registration("scope:a");
        let app = Arc::clone(app);
        racers.spawn(async move { told(register(&app, &request).await).unwrap() });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|(_, body)| body["client_id"] == answers[0].1["client_id"]));
}

#[tokio::test]
async fn a_registration_replaces_the_one_before_and_an_empty_one_cancels_it_reg_ud3() {
    let partner = Partner::new().await;
    let app = partner.node_with(&[(MANY, "duplicates = \"update\"")]).await;
    let first = partner.registered(&app, "scope:a").await;
    let before = Remembered::of(&app).await;
    let answer = answered(register(&app, &partner.registration("scope:b")).await);
    assert_eq!(answer.status, 200);
    let second = Registered::of(&answer);
    assert_eq!((&second.id, &second.body["scope"]), (&first.id, &json!("scope:b")));
    assert_eq!(Remembered::of(&app).await.actions_since(&before), ["client.updated"]);
    answered(manage(&app, &second.managed(Method::Get, plain(&partner))).await);
    // What the bank has withdrawn, a registration does not bring back either.
    let id = first.id.clone();
    change(&app, AuditAction::EntitlementStateChanged, move |tx| {
        let held = tx.entitlement_for(&id, &sample::scope("b"))?.unwrap();
        tx.change_entitlement_state(&held.id, held.state, EntitlementState::Revoked)
    })
    .await;
    let again = partner.registration("scope:b");
    assert_eq!(refused(&app, &again).await, "unapproved_software_statement");
    let cancelled = partner.registration_with("", &json!({ "grant_types": [] }));
    let answer = answered(register(&app, &cancelled).await);
    let shown: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &shown["grant_types"]), (200, &json!([])));
    assert_eq!(Remembered::of(&app).await.client(&first.id).state, ClientState::Retired);
    assert!(!partner.gets_token(&app, &first.id, "scope:a").await);
    let anew = partner.registered(&app, "scope:a").await;
    assert_ne!(anew.id, first.id);
}

#[tokio::test]
async fn a_stopped_client_is_not_brought_back_by_registering_again() {
    let partner = Partner::new().await;
    for policy in ["idempotent_return", "update"] {
        let partner_policy = format!("duplicates = \"{policy}\"");
        let app = partner.node_with(&[(MANY, &partner_policy)]).await;
        let client = partner.registered(&app, "scope:a").await;
        let id = client.id.clone();
        change(&app, AuditAction::ClientStateChanged, move |tx| {
            tx.change_client_state(&id, ClientState::Active, ClientState::Suspended)
        })
        .await;
        let shape = Remembered::of(&app).await.shape(&client.id);
        assert_eq!(refused(&app, &partner.registration("scope:b")).await, "access_denied");
        assert_eq!(Remembered::of(&app).await.shape(&client.id), shape);
        answered(manage(&app, &client.managed(Method::Delete, plain(&partner))).await);
    }
}

// Quotas.

#[tokio::test]
async fn a_rate_that_is_used_up_is_429_for_its_owner_alone_reg_s16_t12() {
    let partner = Partner::new().await;
    let quotas = "[quotas]\nregistrations_per_software_per_hour = 2\n\n[management]";
    let app = partner.node_with(&[("[management]", quotas)]).await;
    let request = || keyed(partner.registration("scope:a"), "k");
    answered(register(&app, &request()).await);
    partner.registered(&app, "scope:a").await;
    let before = Remembered::of(&app).await;
    let statement = partner.statement();
    let many = refusal(register(&app, &partner.presenting(&statement, "scope:a")).await);
    assert_eq!((many.code, many.retry_after), (ErrorCode::TooManyRequests, Some(1800)));
    let after = Remembered::of(&app).await;
    assert_eq!(after.clients.len(), before.clients.len());
    assert_eq!(after.actions_since(&before), ["registration.refused"]);
    // W6: whoever asks for a lost answer is not counted.
    answered(register(&app, &request()).await);
    // Another software of the same organisation is not held up, and the statement was not used up.
    let other = json!({ "software_id": "other" });
    let other = merged(
        partner.request_claims(&partner.statement_with(&other), "scope:a"),
        &json!({ "iss": "other" }),
    );
    answered(register(&app, &partner.posted(&other)).await);
    let unlimited = partner.node().await;
    answered(register(&unlimited, &partner.presenting(&statement, "scope:a")).await);
}

async fn an_organisation_has_so_many_clients_and_no_more_reg_s16(store: Store) {
    let partner = Partner::on(store).await;
    // The house has one client of its own.
    let quotas = "[quotas]\nclients_per_organisation = 3\n\n[management]";
    let mut racers = tokio::task::JoinSet::new();
    for number in 0..6 {
        let app = partner.node_with(&[("[management]", quotas)]).await;
        let name = format!("software-{number}");
        let statement = partner.statement_with(&json!({ "software_id": name }));
        let claims = partner.request_claims(&statement, "scope:a");
        let request = partner.posted(&merged(claims, &json!({ "iss": name })));
        racers.spawn(async move { told(register(&app, &request).await) });
    }
    let answers = racers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2, "{answers:?}");
    let full = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(full.into_iter().all(|code| code == ErrorCode::TooManyRequests.as_str()));
    let app = partner.node().await;
    assert_eq!(Remembered::of(&app).await.clients.len(), 3);
}

// Initial access tokens.

/// Issues an initial access token as an operator would.
async fn issue(app: &App, secret: &str, changes: impl FnOnce(&mut InitialAccessToken)) {
    let mut token = InitialAccessToken {
        id: InitialAccessTokenId::from_random(secret),
        secret_hash: Secret::new(secret).hash(),
        purpose: "rehearsal".to_owned(),
        organisation_id: sample::organisation("a").id,
        framework: None,
        scope: None,
        most_uses: 1,
        uses: 0,
        expires_at: sample::at(50),
        state: InitialAccessTokenState::Active,
        created_at: sample::now(),
    };
    changes(&mut token);
    change(app, AuditAction::InitialAccessTokenIssued, move |tx| {
        tx.insert_initial_access_token(&token)
    })
    .await;
}

fn leave(incoming: Incoming, secret: &str) -> Incoming {
    Incoming { authorization: Some(Secret::new(format!("Bearer {secret}"))), ..incoming }
}

#[tokio::test]
async fn an_initial_access_token_lets_in_as_often_as_it_says_reg_i1_to_i3() {
    let partner = Partner::new().await;
    let required = "initial_access_token = \"required\"";
    let app = partner.node_with(&[(ACCEPTED, required)]).await;
    issue(&app, "one", |_| {}).await;
    let none = refusal(register(&app, &partner.registration("scope:a")).await);
    assert_eq!(none.code, ErrorCode::InvalidToken);
    for bad in ["two", "", "a b"] {
        let request = leave(partner.registration("scope:a"), bad);
        assert_eq!(refused(&app, &request).await, "invalid_token", "{bad}");
    }
    // A registration that is refused uses nothing up.
    let refused_one = leave(partner.registration("scope:c"), "one");
    assert_eq!(refused(&app, &refused_one).await, "unapproved_software_statement");
    let request = || keyed(leave(partner.registration("scope:a"), "one"), "k");
    let client = Registered::of(&answered(register(&app, &request()).await));
    let spent = leave(partner.registration("scope:a"), "one");
    assert_eq!(refused(&app, &spent).await, "invalid_token");
    // Whoever asks for a lost answer has used it up already, and is answered.
    assert_eq!(Registered::of(&answered(register(&app, &request()).await)).id, client.id);
    let mut event = Remembered::of(&app).await.events.into_iter();
    let event = event.rfind(|event| {
        event.action == AuditAction::ClientRegistered && event.object.id == client.id.as_str()
    });
    assert_eq!(event.unwrap().detail["initial_access_token"], "iat_one");
    assert!(!Remembered::of(&app).await.text().contains("Bearer"));
}

#[tokio::test]
async fn an_initial_access_token_binds_whom_it_lets_in_reg_i2() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let ceiling = Some(ScopeSet::parse("scope:a").unwrap());
    issue(&app, "narrow", |token| token.scope.clone_from(&ceiling)).await;
    issue(&app, "elsewhere", |token| {
        token.framework = Some(FrameworkName::parse("other").unwrap());
    })
    .await;
    issue(&app, "late", |token| token.expires_at = sample::now()).await;
    issue(&app, "revoked", |token| token.state = InitialAccessTokenState::Revoked).await;
    change(&app, AuditAction::OrganisationCreated, |tx| {
        tx.insert_organisation(&sample::organisation("b"))
    })
    .await;
    issue(&app, "others", |token| token.organisation_id = sample::organisation("b").id).await;
    let with = |secret: &str, scope: &str| leave(partner.registration(scope), secret);
    for (secret, scope, code) in [
        ("elsewhere", "scope:a", "insufficient_scope"),
        ("others", "scope:a", "insufficient_scope"),
        ("narrow", "scope:b", "insufficient_scope"),
        ("late", "scope:a", "invalid_token"),
        ("revoked", "scope:a", "invalid_token"),
    ] {
        assert_eq!(refused(&app, &with(secret, scope)).await, code, "{secret}");
    }
    let client =
        Registered::of(&answered(register(&app, &with("narrow", "scope:a scope:b")).await));
    assert_eq!(client.body["scope"], "scope:a");
    // The ceiling holds at every update, too (PEER-22, PEER-24).
    let put = |scope: &str| client.managed(Method::Put, partner.registration(scope));
    assert_eq!(body(manage(&app, &put("scope:a scope:b")).await)["scope"], "scope:a");
    assert_eq!(not_managed(&app, &put("scope:b")).await, "insufficient_scope");
}

#[tokio::test]
async fn a_framework_may_take_no_initial_access_tokens() {
    let partner = Partner::new().await;
    let none = "initial_access_token = \"refused\"";
    let app = partner.node_with(&[(ACCEPTED, none)]).await;
    issue(&app, "one", |_| {}).await;
    let request = leave(partner.registration("scope:a"), "one");
    assert_eq!(refused(&app, &request).await, "insufficient_scope");
    partner.registered(&app, "scope:a").await;
}

// Plans.

#[tokio::test]
async fn a_plan_says_what_a_registration_would_bring_and_uses_nothing_up_reg_g8() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    issue(&app, "one", |_| {}).await;
    let before = Remembered::of(&app).await;
    let request = leave(partner.registration("scope:a scope:c"), "one");
    let answer = answered(plan(&app, &request).await);
    let planned: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &planned["outcome"]), (200, &json!("create")));
    assert_eq!(Remembered::of(&app).await.counts(), before.counts());
    // The very same request registers afterwards, and brings what was said.
    let client = Registered::of(&answered(register(&app, &request).await));
    for (member, value) in planned["metadata"].as_object().unwrap() {
        assert_eq!(client.body.get(member), Some(value), "{member}");
    }
    assert_eq!(client.body["decisions"], planned["decision"]["items"]);
    assert_eq!(client.body["policy_digest"], planned["decision"]["policy_digest"]);
}

#[tokio::test]
async fn a_plan_tells_what_would_be_refused_and_demands_the_same_proof() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let planned = |incoming| {
        let app = &app;
        async move { body(plan(app, &incoming).await) }
    };
    let nothing = planned(partner.registration("scope:c")).await;
    assert_eq!(nothing["outcome"], "refuse");
    assert_eq!(nothing["refusal"]["error"], "unapproved_software_statement");
    let evil =
        partner.registration_with("scope:a", &json!({ "redirect_uris": ["https://evil.example"] }));
    assert_eq!(refusal(plan(&app, &evil).await).code, ErrorCode::InvalidRedirectUri);
    let stranger =
        countersign::jose::SigningKey::generate(countersign::jose::Algorithm::Es256).unwrap();
    let claims = partner.request_claims(&partner.statement(), "scope:a");
    let forged = partner.posted_text(&stranger.sign("JWT", &claims).unwrap());
    assert_eq!(refusal(plan(&app, &forged).await).code, ErrorCode::InvalidClientMetadata);
    for (policy, outcome) in
        [("reject", "refuse_as_duplicate"), ("idempotent_return", "return"), ("update", "update")]
    {
        let policy = format!("duplicates = \"{policy}\"");
        let node = partner.node_with(&[(MANY, &policy)]).await;
        if policy.contains("reject") {
            partner.registered(&node, "scope:a").await;
        }
        let planned = body(plan(&node, &partner.registration("scope:a")).await);
        assert_eq!(planned["outcome"], outcome);
        assert!(planned["registered_at"].as_str().unwrap().contains("/register/cl_"));
    }
}

// A lost management token.

#[tokio::test]
async fn a_lost_management_token_is_recovered_by_a_registered_key_reg_r10() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a").await;
    let before = Remembered::of(&app).await;
    let at = |id: &str, base: Incoming| Incoming {
        authorization: None,
        ..with_bearer(id, "", Method::Post, base)
    };
    let form = |id: &str| at(id, partner.token_request(&client.id, "scope:a"));
    let answer = answered(recover(&app, &form(client.id.as_str())).await);
    let again = Registered::of(&answer);
    assert_eq!((answer.status, &again.id), (200, &client.id));
    let read = |client: &Registered| client.managed(Method::Get, plain(&partner));
    assert_eq!(not_managed(&app, &read(&client)).await, "invalid_token");
    answered(manage(&app, &read(&again)).await);
    assert_eq!(
        Remembered::of(&app).await.actions_since(&before),
        ["client.management_token_replaced"]
    );
    // Nobody recovers another's, and nobody without proof.
    let other = partner.registered(&app, "scope:a").await;
    assert_eq!(
        refusal(recover(&app, &form(other.id.as_str())).await).code,
        ErrorCode::InvalidToken
    );
    let bare = at(client.id.as_str(), partner.house.post("", None));
    assert_eq!(refusal(recover(&app, &bare).await).code, ErrorCode::InvalidClient);
    answered(manage(&app, &read(&again)).await);
}

#[tokio::test]
async fn a_lost_management_token_is_recovered_by_a_fresh_statement_with_proof_reg_r10() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a").await;
    let at = |base: Incoming| Incoming {
        authorization: None,
        ..with_bearer(client.id.as_str(), "", Method::Post, base)
    };
    let statement = partner.statement();
    let request = at(partner.presenting(&statement, "scope:a"));
    let again = Registered::of(&answered(recover(&app, &request).await));
    assert_eq!(again.id, client.id);
    answered(manage(&app, &again.managed(Method::Get, plain(&partner))).await);
    // Both work once: the request, and the statement.
    assert_eq!(refusal(recover(&app, &request).await).code, ErrorCode::InvalidClientMetadata);
    let used = at(partner.presenting(&statement, "scope:a"));
    assert_eq!(refusal(recover(&app, &used).await).code, ErrorCode::InvalidSoftwareStatement);
    let other = json!({ "software_id": "other" });
    let other = merged(
        partner.request_claims(&partner.statement_with(&other), "scope:a"),
        &json!({ "iss": "other" }),
    );
    let other = at(partner.posted(&other));
    assert_eq!(refusal(recover(&app, &other).await).code, ErrorCode::UnapprovedSoftwareStatement);
    // A client that the bank has stopped recovers nothing, by either way.
    let id = client.id.clone();
    change(&app, AuditAction::ClientStateChanged, move |tx| {
        tx.change_client_state(&id, ClientState::Active, ClientState::Quarantined)
    })
    .await;
    for request in [partner.registration("scope:a"), partner.token_request(&client.id, "scope:a")] {
        assert_eq!(refusal(recover(&app, &at(request)).await).code, ErrorCode::AccessDenied);
    }
}

// The end.

#[tokio::test]
async fn a_deletion_ends_tokens_permissions_keys_and_management_at_once_reg_u8_peer_26() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a").await;
    let access = access_token(&partner, &app, &client, "scope:a").await;
    let before = Remembered::of(&app).await;
    answered(manage(&app, &client.managed(Method::Delete, plain(&partner))).await);
    let asked = partner.house.by_resource_server("a", &format!("token={access}"));
    assert_eq!(body(introspect(&app, &asked).await), json!({ "active": false }));
    let refused = refusal(token(&app, &partner.token_request(&client.id, "scope:a")).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    let after = Remembered::of(&app).await;
    assert_eq!(after.client(&client.id).state, ClientState::Retired);
    let held = after.entitlements.iter().filter(|held| held.client_id == client.id);
    assert!(held.into_iter().all(|held| held.state == EntitlementState::Revoked));
    let keys = after.credentials.iter().filter(|key| key.client_id == client.id);
    assert!(keys.into_iter().all(|key| key.state == CredentialState::Revoked));
    assert_eq!(after.actions_since(&before), ["client.deleted"]);
    let read = client.managed(Method::Get, plain(&partner));
    assert_eq!(not_managed(&app, &read).await, "invalid_token");
}

const DAY: i64 = 86_400;

/// A framework whose unused clients end after 90 days, told 30 days before.
const UNUSED: &str =
    "[unused]\nexpire_after_seconds = 7776000\nnotice_seconds = 2592000\n\n[management]";

async fn an_unused_client_is_told_and_ends_once_on_all_nodes_reg_l8_w4(store: Store) {
    let partner = Partner::on(store).await;
    let app = partner.node_with(&[("[management]", UNUSED)]).await;
    let client = partner.registered(&app, "scope:a").await;
    assert_eq!(client.body["client_unused_expires_after"], 90 * DAY);
    assert_eq!(client.body.get("client_unused_expires_at"), None);
    let now = partner.house.clock.now();
    let other = partner.node_with(&[("[management]", UNUSED)]).await;
    let before = Remembered::of(&app).await;
    assert_eq!(look_after(&app, 10, now.plus(59 * DAY)).await, Ok(0));
    let (one, two) = tokio::join!(
        look_after(&app, 10, now.plus(60 * DAY)),
        look_after(&other, 10, now.plus(60 * DAY))
    );
    assert!(one.is_ok() && two.is_ok());
    let told = Remembered::of(&app).await;
    assert_eq!(told.actions_since(&before), ["client.expiry_notified"]);
    let read = client.managed(Method::Get, plain(&partner));
    let shown = body(manage(&app, &read).await);
    assert_eq!(shown["client_unused_expires_at"], now.plus(90 * DAY).epoch());
    assert_eq!(look_after(&app, 10, now.plus(89 * DAY)).await, Ok(0));
    let (one, two) = tokio::join!(
        look_after(&app, 10, now.plus(90 * DAY)),
        look_after(&other, 10, now.plus(90 * DAY))
    );
    assert!(one.is_ok() && two.is_ok());
    let ended = Remembered::of(&app).await;
    assert_eq!(ended.actions_since(&told), ["client.expired"]);
    assert_eq!(ended.client(&client.id).state, ClientState::Retired);
    let refused = refusal(token(&app, &partner.token_request(&client.id, "scope:a")).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    assert_eq!(look_after(&app, 10, now.plus(900 * DAY)).await, Ok(0));
}

#[tokio::test]
async fn a_client_that_is_used_stays_reg_l8() {
    let partner = Partner::new().await;
    let app = partner.node_with(&[("[management]", UNUSED)]).await;
    let client = partner.registered(&app, "scope:a").await;
    let now = partner.house.clock.now();
    look_after(&app, 10, now.plus(60 * DAY)).await.unwrap();
    let read = client.managed(Method::Get, plain(&partner));
    let told = answered(manage(&app, &read).await);
    // The house's agreement lasts a hundred seconds, so that the use is early; it counts all the same.
    partner.house.clock.advance(9);
    access_token(&partner, &app, &client, "scope:a").await;
    let used = answered(manage(&app, &read).await);
    let shown: Value = serde_json::from_slice(&used.body).unwrap();
    assert_eq!(shown.get("client_unused_expires_at"), None);
    assert_ne!(header(&used, "etag"), header(&told, "etag"));
    let before = Remembered::of(&app).await;
    assert_eq!(look_after(&app, 10, now.plus(60 * DAY)).await, Ok(0));
    assert_eq!(look_after(&app, 10, now.plus(9 + 60 * DAY)).await, Ok(1));
    assert_eq!(Remembered::of(&app).await.actions_since(&before), ["client.expiry_notified"]);
}

on_each_engine!(
    of_two_updates_for_one_version_one_is_made_sec_78
    a_registration_asked_for_again_makes_no_second_client_reg_e10_w1
    many_at_once_with_one_key_make_one_client_reg_t10
    software_that_is_registered_gets_its_client_back_reg_s18_r10
    an_organisation_has_so_many_clients_and_no_more_reg_s16
    an_unused_client_is_told_and_ends_once_on_all_nodes_reg_l8_w4
);
