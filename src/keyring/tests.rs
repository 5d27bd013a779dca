//! Rotation against a real database.

use serde_json::json;

use super::*;
use crate::governance::audit::{Actor, ActorKind, AuditAction};
use crate::jose::InvalidJws;
use crate::jose::UnverifiedJws;
use crate::storage::{Change, DatabaseOptions, Writer};

const SCHEDULE: KeySchedule =
    KeySchedule { rotation_seconds: 1000, prepublish_seconds: 100, overlap_seconds: 400 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_epoch(1_800_000_000).unwrap().plus(seconds)
}

fn numbered(now: Timestamp) -> AuditEventId {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    AuditEventId::from_random(&format!("{now}{}", NEXT.fetch_add(1, Ordering::SeqCst)))
}

fn operator() -> Actor {
    Actor { kind: ActorKind::Operator, id: "olivia".to_owned() }
}

struct House {
    _directory: tempfile::TempDir,
    url: String,
    options: KeyringOptions,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("keys.sqlite").display());
        Database::migrate(&url).unwrap();
        let options = KeyringOptions {
            sealing: SealingKey::generate().unwrap(),
            algorithm: Algorithm::Es256,
            schedule: SCHEDULE,
            longest_token_seconds: 100,
            event_id: numbered,
        };
        Self { _directory: directory, url, options }
    }

    /// A node of its own, with its own connections and caches.
    async fn node(&self, now: Timestamp) -> Keyring {
        let database = Database::open(&DatabaseOptions::new(&self.url)).unwrap();
        Keyring::open(database, self.options.clone(), now).await.unwrap()
    }
}

fn published(keys: &Keys, now: Timestamp) -> usize {
    keys.jwks(now)["keys"].as_array().unwrap().len()
}

fn token(keys: &Keys, now: Timestamp) -> UnverifiedJws {
    let text = keys.signer(now).unwrap().sign("at+jwt", &json!({ "jti": "1" })).unwrap();
    UnverifiedJws::parse(&text).unwrap()
}

#[tokio::test]
async fn the_first_start_makes_a_key_and_a_restart_finds_it() {
    let house = House::new();
    let first = house.node(at(0)).await.last_loaded();
    let key_id = first.signer(at(0)).unwrap().key_id().to_owned();
    let again = house.node(at(10)).await.last_loaded();
    assert_eq!(again.signer(at(10)).unwrap().key_id(), key_id);
    assert_eq!(published(&again, at(10)), 1);
}

#[tokio::test]
async fn the_schedule_publishes_a_successor_before_it_signs() {
    let house = House::new();
    let keyring = house.node(at(0)).await;
    keyring.ensure(at(899)).await.unwrap();
    assert_eq!(published(&keyring.last_loaded(), at(899)), 1);
    keyring.ensure(at(900)).await.unwrap();
    keyring.ensure(at(960)).await.unwrap();
    let keys = keyring.keys(at(960)).await.unwrap();
    assert_eq!(published(&keys, at(960)), 2);
    let last_of_the_first = token(&keys, at(999));
    let first_of_the_second = token(&keys, at(1000));
    assert_ne!(last_of_the_first.header().key_id, first_of_the_second.header().key_id);
    assert!(keys.verify(last_of_the_first.clone(), at(1399)).is_ok());
    assert_eq!(keys.verify(last_of_the_first, at(1400)), Err(InvalidJws::UnknownKey));
}

#[tokio::test]
async fn two_nodes_that_rotate_at_once_leave_one_successor() {
    let house = House::new();
    let (one, other) = (house.node(at(0)).await, house.node(at(0)).await);
    let (first, second) = tokio::join!(one.ensure(at(950)), other.ensure(at(950)));
    assert_eq!((first, second), (Ok(()), Ok(())));
    let third = house.node(at(950)).await.last_loaded();
    assert_eq!(published(&third, at(950)), 2);
}

#[tokio::test]
async fn a_command_rotates_once() {
    let house = House::new();
    let keyring = house.node(at(0)).await;
    keyring.rotate(Rotation::Orderly, &operator(), at(10)).await.unwrap();
    let again = keyring.rotate(Rotation::Orderly, &operator(), at(11)).await;
    assert_eq!(again.unwrap_err(), KeyringError::AlreadyRotating);
    assert_eq!(published(&keyring.last_loaded(), at(11)), 2);
}

#[tokio::test]
async fn an_emergency_ends_every_other_key_at_once() {
    let house = House::new();
    let keyring = house.node(at(0)).await;
    let old = token(&keyring.last_loaded(), at(5));
    keyring.rotate(Rotation::Orderly, &operator(), at(10)).await.unwrap();
    let keys = keyring.rotate(Rotation::Emergency, &operator(), at(20)).await.unwrap();
    assert_eq!(published(&keys, at(20)), 1);
    assert_eq!(keys.verify(old, at(20)), Err(InvalidJws::UnknownKey));
    let new = token(&keys, at(20));
    assert!(keys.verify(new, at(21)).is_ok());
    keyring.ensure(at(30)).await.unwrap();
    assert_eq!(published(&keyring.last_loaded(), at(30)), 1);
    assert_eq!(published(&keyring.last_loaded(), at(110)), 1);
}

#[tokio::test]
async fn another_node_sees_a_rotation() {
    let house = House::new();
    let (one, other) = (house.node(at(0)).await, house.node(at(0)).await);
    one.rotate(Rotation::Emergency, &operator(), at(20)).await.unwrap();
    let wanted = token(&one.last_loaded(), at(20)).header().key_id.clone();
    for _ in 0..40 {
        let keys = other.keys(at(20)).await.unwrap();
        if keys.signer(at(20)).map(|key| key.key_id().to_owned()) == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the other node did not notice within two seconds");
}

#[tokio::test]
async fn another_sealing_key_opens_nothing() {
    let house = House::new();
    drop(house.node(at(0)).await);
    let database = Database::open(&DatabaseOptions::new(&house.url)).unwrap();
    let options =
        KeyringOptions { sealing: SealingKey::generate().unwrap(), ..house.options.clone() };
    let refused = Keyring::open(database, options, at(1)).await.unwrap_err();
    assert!(matches!(refused, KeyringError::Sealed { .. }), "{refused}");
}

#[tokio::test]
async fn keys_that_would_go_before_their_tokens_do_not_open_sec_70() {
    let house = House::new();
    let open = async |longest_token_seconds| {
        let database = Database::open(&DatabaseOptions::new(&house.url)).unwrap();
        let options = KeyringOptions { longest_token_seconds, ..house.options.clone() };
        Keyring::open(database, options, at(0)).await
    };
    assert!(open(100).await.is_ok());
    let refused = open(101).await.unwrap_err();
    assert_eq!(refused, KeyringError::OverlapTooShort { least: 401 });
}

#[tokio::test]
async fn a_key_that_is_gone_is_deleted_and_the_log_says_so() {
    let house = House::new();
    let keyring = house.node(at(0)).await;
    keyring.ensure(at(900)).await.unwrap();
    keyring.ensure(at(1399)).await.unwrap();
    assert_eq!(keyring.database.read(stored).await.unwrap().len(), 2);
    keyring.ensure(at(1400)).await.unwrap();
    let left = keyring.database.read(stored).await.unwrap();
    assert_eq!(left.len(), 1);
    keyring.ensure(at(1401)).await.unwrap();
    assert_eq!(actions(&keyring).await.last().unwrap(), "signing_key.removed");
    assert_eq!(actions(&keyring).await.len(), 4);
    let again = house.node(at(1402)).await.last_loaded();
    assert_eq!(again.signer(at(1402)).unwrap().key_id(), left[0].key_id);
}

#[tokio::test]
async fn a_key_that_is_gone_and_no_longer_opens_does_not_stop_the_start() {
    let house = House::new();
    let other =
        KeyringOptions { sealing: SealingKey::generate().unwrap(), ..house.options.clone() };
    let database = || Database::open(&DatabaseOptions::new(&house.url)).unwrap();
    let before = Keyring::open(database(), other, at(0)).await.unwrap();
    let old = before.last_loaded().signer(at(0)).unwrap().key_id().to_owned();
    let withdrawn = old.clone();
    let event = before.event(
        AuditAction::SigningKeyRetired,
        &old,
        &KeyTimes::at_once(at(5)),
        &operator(),
        at(5),
    );
    let withdrawal = move |writer: &mut Writer<'_>| -> Result<_, StorageError> {
        writer.withdraw_signing_key(&withdrawn, at(5))?;
        Ok(Change::made((), vec![event]))
    };
    before.database.write(withdrawal).await.unwrap();
    let refused = Keyring::open(database(), house.options.clone(), at(4)).await.unwrap_err();
    assert!(matches!(refused, KeyringError::Sealed { .. }), "{refused}");
    let keyring = Keyring::open(database(), house.options.clone(), at(5)).await.unwrap();
    let new = keyring.last_loaded().signer(at(5)).unwrap().key_id().to_owned();
    assert_ne!(new, old);
    let left = keyring.database.read(stored).await.unwrap();
    assert_eq!(left.iter().map(|key| &key.key_id).collect::<Vec<_>>(), [&new]);
}

#[tokio::test]
async fn every_change_of_keys_is_in_the_audit_log() {
    let house = House::new();
    let keyring = house.node(at(0)).await;
    keyring.rotate(Rotation::Orderly, &operator(), at(10)).await.unwrap();
    let expected = ["signing_key.created", "signing_key.created", "signing_key.retired"];
    assert_eq!(actions(&keyring).await, expected);
}

async fn actions(keyring: &Keyring) -> Vec<String> {
    let events = keyring
        .database
        .read(|reader| {
            reader.audit_events(
                &crate::storage::AuditFilter::default(),
                &crate::storage::Page::first(100),
            )
        })
        .await
        .unwrap();
    events.iter().map(|event| event.action.name().to_owned()).collect()
}
