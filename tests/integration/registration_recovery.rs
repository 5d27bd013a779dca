//! Registration access tokens that end (PEER-25), and what comes back to an owner who has lost what a
//! client was given (REG-R10, W1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::app::App;
use countersign::endpoints::exchange::{Incoming, Method};
use countersign::endpoints::registration::{manage, recover, register};
use countersign::endpoints::token::token;
use countersign::partners::CredentialState;
use countersign::trust::Frameworks;
use countersign::types::Secret;
use serde_json::{Value, json};

use crate::support::house::{body, refusal};
use crate::support::partner::{Partner, Registered, Remembered, merged, not_managed, with_bearer};

const BY_TOKEN: &str = "authorisation = \"registration_access_token\"";
const HOUR: i64 = 3600;
const SECRETS: &str = "environment = \"sandbox\"\n[clients]\n\
    authentication_methods = [\"private_key_jwt\", \"client_secret_basic\"]\n";

fn read(partner: &Partner, client: &Registered) -> Incoming {
    client.managed(Method::Get, partner.house.post("", None))
}

fn at(client: &Registered, base: Incoming) -> Incoming {
    let at = with_bearer(client.id.as_str(), "", Method::Post, base);
    Incoming { authorization: None, ..at }
}

#[tokio::test]
async fn a_management_token_ends_where_the_framework_says_so_and_is_recovered_peer_25() {
    let partner = Partner::new().await;
    let ending = format!("{BY_TOKEN}\ntoken_lifetime_seconds = {HOUR}");
    let (plain, app) = (partner.node().await, partner.node_with(&[(BY_TOKEN, &ending)]).await);
    // One from before tokens ended is as old as its client.
    let older = partner.registered(&plain, "scope:a").await;
    partner.house.clock.advance(10);
    let client = partner.registered(&app, "scope:a").await;
    partner.house.clock.advance(HOUR - 11);
    for living in [&older, &client] {
        body(manage(&app, &read(&partner, living)).await);
    }
    partner.house.clock.advance(1);
    assert_eq!(not_managed(&app, &read(&partner, &older)).await, "invalid_token");
    body(manage(&app, &read(&partner, &client)).await);
    partner.house.clock.advance(10);
    for method in [Method::Get, Method::Put, Method::Delete, Method::Patch] {
        let request = client.managed(method, partner.house.post("", None));
        assert_eq!(not_managed(&app, &request).await, "invalid_token", "{method:?}");
    }
    // Nobody moves its end.
    let (drawn, _) = client.token().rsplit_once('.').unwrap();
    let later = format!("{drawn}.{}", partner.house.clock.now().epoch());
    let forged = with_bearer(client.id.as_str(), &later, Method::Get, partner.house.post("", None));
    assert_eq!(not_managed(&app, &forged).await, "invalid_token");
    let form = partner.token_request(&client.id, "scope:a");
    let again = Registered::of(&recover(&app, &at(&client, form)).await.unwrap());
    body(manage(&app, &read(&partner, &again)).await);
    // Where tokens do not end, this one does not either (REG-R4).
    body(manage(&plain, &read(&partner, &again)).await);
}

/// A node in whose market clients may have secrets.
async fn node(partner: &Partner) -> App {
    let mut app = partner.house.node_with(SECRETS).await;
    let framework = ("directory.toml".to_owned(), partner.framework(&[]));
    app.frameworks = Frameworks::new([framework]).unwrap();
    app
}

fn asking(partner: &Partner) -> Incoming {
    let statement = partner.statement_with(&json!({ "software_environment": "sandbox" }));
    let basic = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    partner.posted(&merged(partner.request_claims(&statement, "scope:a"), &basic))
}

fn with_secret(partner: &Partner, client: &Registered, secret: &str) -> Incoming {
    let header = format!("Basic {}", STANDARD.encode(format!("{}:{secret}", client.id)));
    partner.house.post("grant_type=client_credentials&scope=scope:a", Some(header))
}

fn secret(answer: &Value) -> &str {
    answer["client_secret"].as_str().unwrap()
}

#[tokio::test]
async fn whoever_recovers_by_a_statement_gets_another_secret_and_the_old_one_ends_reg_r10() {
    let partner = Partner::new().await;
    let app = node(&partner).await;
    let client = Registered::of(&register(&app, &asking(&partner)).await.unwrap());
    let old = secret(&client.body).to_owned();
    body(token(&app, &with_secret(&partner, &client, &old)).await);
    let again = Registered::of(&recover(&app, &at(&client, asking(&partner))).await.unwrap());
    let new = secret(&again.body).to_owned();
    assert_ne!(old, new);
    assert!(again.body["client_secret_expires_at"].as_i64().is_some());
    assert!(token(&app, &with_secret(&partner, &client, &old)).await.is_err());
    body(token(&app, &with_secret(&partner, &client, &new)).await);
    let held = Remembered::of(&app).await.credentials;
    let of_client = held.iter().filter(|one| one.client_id == client.id && one.secret.is_some());
    let mut states: Vec<_> = of_client.map(|one| one.state).collect();
    states.sort_unstable();
    assert_eq!(states, [CredentialState::Active, CredentialState::Revoked]);
    // It is shown once: reading shows none.
    assert_eq!(body(manage(&app, &read(&partner, &again)).await).get("client_secret"), None);
    // Whoever shows the secret has not lost it.
    let by_key = at(&client, partner.house.post("", None));
    let shown = with_secret(&partner, &client, &new);
    let by_key =
        Incoming { authorization: shown.authorization, content_type: shown.content_type, ..by_key };
    let kept = body(recover(&app, &by_key).await);
    assert_eq!(kept.get("client_secret"), None);
    body(token(&app, &with_secret(&partner, &client, &new)).await);
}

#[tokio::test]
async fn a_lost_answer_brings_its_secret_with_it_reg_e10_w1() {
    let partner = Partner::new().await;
    let app = node(&partner).await;
    let key = Some(Secret::new("once"));
    let request = || Incoming { idempotency_key: key.clone(), ..asking(&partner) };
    let lost = Registered::of(&register(&app, &request()).await.unwrap());
    let again = Registered::of(&register(&app, &request()).await.unwrap());
    assert_eq!(again.id, lost.id);
    let (old, new) = (secret(&lost.body), secret(&again.body));
    assert!(token(&app, &with_secret(&partner, &lost, old)).await.is_err());
    body(token(&app, &with_secret(&partner, &lost, new)).await);
}

#[tokio::test]
async fn a_client_is_given_only_so_many_secrets() {
    let partner = Partner::new().await;
    let app = node(&partner).await;
    let client = Registered::of(&register(&app, &asking(&partner)).await.unwrap());
    for _ in 1..64 {
        recover(&app, &at(&client, asking(&partner))).await.unwrap();
    }
    let refused = refusal(recover(&app, &at(&client, asking(&partner))).await);
    assert_eq!(refused.code.as_str(), "access_denied");
}
