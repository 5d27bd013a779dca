//! What is answered while a store fails: 503, nothing that could be used, and never an acceptance or
//! a promise (SEC-33, SEC-54, SEC-57, SEC-67).

use std::time::Duration;

use countersign::app::App;
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::jwks::jwks;
use countersign::endpoints::revocation::revoke;
use countersign::endpoints::token::token;
use countersign::protocol::{ErrorCode, OAuthError};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::json;

use crate::support::house::{House, body, refusal};

const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";

/// A connection of somebody else to the database of a house.
fn saboteur(house: &House) -> SqliteConnection {
    let path = house.url().strip_prefix("sqlite:").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    connection
}

async fn issued(house: &House, app: &App) -> String {
    let answer = body(token(app, &house.authenticated(FOR_A)).await);
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn is_active(house: &House, app: &App, token: &str) -> bool {
    let asked = house.by_resource_server("a", &format!("token={token}"));
    body(introspect(app, &asked).await)["active"] == true
}

async fn until(app: &App, fresh: bool) {
    for _ in 0..100 {
        if app.database.generation_is_fresh() == fresh {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the generation does not become fresh = {fresh}");
}

/// It may be tried again, and nothing in it could be taken for an answer.
fn is_passing(refused: &OAuthError) {
    assert_eq!(refused.code, ErrorCode::TemporarilyUnavailable);
    let told = refused.body();
    for member in ["access_token", "active"] {
        assert_eq!(told.get(member), None, "{told}");
    }
    for internal in ["disk", "database", "sqlite"] {
        assert!(!told.to_string().contains(internal), "{told}");
    }
}

#[tokio::test]
async fn what_may_be_out_of_date_is_not_answered() {
    let house = House::new().await;
    let app = house.node().await;
    let known = issued(&house, &app).await;
    assert!(is_active(&house, &app, &known).await);
    let mut saboteur = saboteur(&house);
    saboteur.batch_execute("ALTER TABLE change_sequence RENAME TO away").unwrap();
    until(&app, false).await;
    is_passing(&refusal(token(&app, &house.authenticated(FOR_A)).await));
    let ask = format!("token={known}");
    is_passing(&refusal(introspect(&app, &house.by_resource_server("a", &ask)).await));
    is_passing(&refusal(revoke(&app, &house.authenticated(&ask)).await));
    let keys = jwks(&app, &house.post("", None)).await;
    assert_eq!(keys.status, 200, "public keys are given away whatever happens");
    saboteur.batch_execute("ALTER TABLE away RENAME TO change_sequence").unwrap();
    until(&app, true).await;
    assert!(is_active(&house, &app, &known).await);
    assert!(token(&app, &house.authenticated(FOR_A)).await.is_ok());
}

#[tokio::test]
async fn a_revocation_that_cannot_be_stored_is_not_claimed_sec_33() {
    let house = House::new().await;
    let app = house.node().await;
    let known = issued(&house, &app).await;
    let mut saboteur = saboteur(&house);
    saboteur
        .batch_execute(
            "CREATE TRIGGER full BEFORE INSERT ON revoked_tokens \
             BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
        )
        .unwrap();
    let ask = format!("token={known}");
    is_passing(&refusal(revoke(&app, &house.authenticated(&ask)).await));
    assert!(is_active(&house, &app, &known).await);
    saboteur.batch_execute("DROP TRIGGER full").unwrap();
    assert_eq!(body(revoke(&app, &house.authenticated(&ask)).await), json!({}));
    assert!(!is_active(&house, &app, &known).await);
}

#[tokio::test]
async fn what_cannot_be_burnt_is_not_accepted_sec_54() {
    let house = House::new().await;
    let app = house.node().await;
    let mut saboteur = saboteur(&house);
    saboteur.batch_execute("BEGIN IMMEDIATE").unwrap();
    let request = house.authenticated(FOR_A);
    let asked = tokio::time::timeout(Duration::from_secs(4), token(&app, &request));
    is_passing(&refusal(asked.await.expect("the answer comes in bounded time")));
    saboteur.batch_execute("ROLLBACK").unwrap();
    assert!(token(&app, &house.authenticated(FOR_A)).await.is_ok());
}

#[tokio::test]
async fn a_token_by_a_key_that_this_node_has_not_heard_of_is_revoked_all_the_same() {
    use countersign::governance::audit::{Actor, ActorKind};
    use countersign::keyring::Rotation;
    let house = House::new().await;
    let (here, elsewhere) = (house.node().await, house.node().await);
    let actor = Actor { kind: ActorKind::Operator, id: "ada".to_owned() };
    here.keyring.rotate(Rotation::Emergency, &actor, house.clock.now()).await.unwrap();
    let known = issued(&house, &here).await;
    let ask = house.authenticated(&format!("token={known}"));
    assert_eq!(body(revoke(&elsewhere, &ask).await), json!({}));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!is_active(&house, &here, &known).await);
}
