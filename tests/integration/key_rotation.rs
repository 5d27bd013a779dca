//! The signing keys change while several nodes serve (SEC-70), on each engine.

use std::time::Duration;

use countersign::app::App;
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::token::token;
use countersign::governance::audit::{Actor, ActorKind};
use countersign::jose::UnverifiedJws;
use countersign::keyring::{KeySchedule, KeyState, KeyringError, Rotation};
use countersign::storage::{Reader, SigningKeyRecord, StorageError};
use serde_json::{Value, json};

use crate::support::house::{House, body};
use crate::support::samples as sample;
use crate::support::store::{Store, on_each_engine};

const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";
/// Everything happens within the hundred seconds of the house's agreement.
const SCHEDULE: KeySchedule =
    KeySchedule { rotation_seconds: 50, prepublish_seconds: 10, overlap_seconds: 600 };

fn operator() -> Actor {
    Actor { kind: ActorKind::Operator, id: "ada".to_owned() }
}

async fn house(store: Store) -> House {
    let mut house = House::on(store).await;
    house.schedule = SCHEDULE;
    house
}

async fn issued(house: &House, app: &App) -> String {
    let answer = body(token(app, &house.authenticated(FOR_A)).await);
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn asked(house: &House, app: &App, token: &str) -> Value {
    body(introspect(app, &house.by_resource_server("a", &format!("token={token}"))).await)
}

/// How many keys are in each state, as the database has it.
async fn states(house: &House, app: &App) -> Vec<KeyState> {
    let now = house.clock.now();
    let keys = app.keyring.reload(now).await.unwrap();
    keys.states(now).map(|(_, state)| state).collect()
}

fn stored(reader: &mut Reader<'_>) -> Result<Vec<SigningKeyRecord>, StorageError> {
    reader.signing_keys()
}

async fn a_token_signed_a_second_before_rotation_holds_to_its_end(store: Store) {
    let house = house(store).await;
    let app = house.node().await;
    house.clock.advance(40);
    app.keyring.ensure(house.clock.now()).await.unwrap();
    assert_eq!(states(&house, &app).await, [KeyState::Active, KeyState::Prepublished]);
    house.clock.advance(9);
    let last = issued(&house, &app).await;
    house.clock.advance(1);
    assert_eq!(states(&house, &app).await, [KeyState::Retiring, KeyState::Active]);
    let next = issued(&house, &app).await;
    let key_id = |token: &str| UnverifiedJws::parse(token).unwrap().header().key_id.clone();
    assert_ne!(key_id(&last), key_id(&next));
    house.clock.advance(49);
    for node in [&app, &house.node().await] {
        assert_eq!(asked(&house, node, &last).await["active"], true);
    }
    // The agreement ends now; the signature holds for as long as the token.
    let end = sample::at(49 + 300);
    let keys = app.keyring.last_loaded();
    assert!(keys.verify(UnverifiedJws::parse(&last).unwrap(), end).is_ok());
}

async fn nodes_that_rotate_by_schedule_at_once_leave_one_successor(store: Store) {
    let house = house(store).await;
    let nodes = [house.node().await, house.node().await, house.node().await];
    house.clock.advance(45);
    let now = house.clock.now();
    let [one, two, three] = &nodes;
    let all =
        tokio::join!(one.keyring.ensure(now), two.keyring.ensure(now), three.keyring.ensure(now));
    assert_eq!(all, (Ok(()), Ok(()), Ok(())));
    for node in &nodes {
        assert_eq!(states(&house, node).await, [KeyState::Active, KeyState::Prepublished]);
    }
    house.clock.advance(10);
    assert_eq!(states(&house, one).await, [KeyState::Retiring, KeyState::Active]);
}

async fn nodes_that_rotate_by_command_at_once_leave_one_active_key(store: Store) {
    let house = house(store).await;
    let (one, other) = (house.node().await, house.node().await);
    let now = house.clock.now();
    let by = operator();
    let both = tokio::join!(
        one.keyring.rotate(Rotation::Orderly, &by, now),
        other.keyring.rotate(Rotation::Orderly, &by, now)
    );
    let refused: Vec<_> = [both.0, both.1].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused, [KeyringError::AlreadyRotating]);
    assert_eq!(states(&house, &one).await, [KeyState::Active, KeyState::Prepublished]);
    let both = tokio::join!(
        one.keyring.rotate(Rotation::Emergency, &by, now),
        other.keyring.rotate(Rotation::Emergency, &by, now)
    );
    assert!(both.0.is_ok() && both.1.is_ok());
    for node in [&one, &other] {
        assert_eq!(states(&house, node).await, [KeyState::Active]);
    }
}

async fn an_emergency_kills_old_tokens_at_introspection_at_once(store: Store) {
    let house = house(store).await;
    let (here, elsewhere) = (house.node().await, house.node().await);
    let old = issued(&house, &here).await;
    assert_eq!(asked(&house, &elsewhere, &old).await["active"], true);
    here.keyring.rotate(Rotation::Emergency, &operator(), house.clock.now()).await.unwrap();
    assert_eq!(asked(&house, &here, &old).await, json!({ "active": false }));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked(&house, &elsewhere, &old).await, json!({ "active": false }));
    let new = issued(&house, &elsewhere).await;
    assert_eq!(asked(&house, &here, &new).await["active"], true);
    here.keyring.ensure(house.clock.now()).await.unwrap();
    let stored = here.database.read(stored).await.unwrap();
    assert_eq!(stored.len(), 1, "what is gone is deleted");
}

on_each_engine! {
    a_token_signed_a_second_before_rotation_holds_to_its_end
    nodes_that_rotate_by_schedule_at_once_leave_one_successor
    nodes_that_rotate_by_command_at_once_leave_one_active_key
    an_emergency_kills_old_tokens_at_introspection_at_once
}
