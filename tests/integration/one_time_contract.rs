//! The contract of single-use values, on every backend: once means once (security.md §3).

use std::sync::Arc;
use std::time::Duration;

use countersign::storage::{
    Consumed, Database, OneTimeKind, OneTimeStore, OneTimeUse, StorageError,
};

use crate::support::redis::Redis;
use crate::support::samples::{at, now};
use crate::support::store::Store;

/// A backend, and as many handles on it as a test wants.
enum Backend {
    Database(Store),
    Redis(Redis),
}

impl Backend {
    async fn handle(&self) -> OneTimeStore {
        match self {
            Self::Database(store) => OneTimeStore::database(store.open()),
            Self::Redis(redis) => OneTimeStore::redis(&redis.url(), now()).await.unwrap(),
        }
    }
}

macro_rules! on_each_backend {
    ($($name:ident)+) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(Backend::Database(Store::sqlite())).await;
            })+
        }
        mod postgresql {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(store) = Store::postgresql() {
                    super::$name(Backend::Database(store)).await;
                }
            })+
        }
        mod redis {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(redis) = Redis::durable() {
                    super::$name(Backend::Redis(redis)).await;
                }
            })+
        }
    };
}

on_each_backend! {
    one_of_sixty_four_racers_is_first
    each_kind_is_used_once_and_again_after_reopening
    different_parts_are_different_values
    of_two_values_the_second_is_used_only_with_a_new_first
    of_racers_with_one_first_value_one_uses_its_second
}

fn one_time(value: &str) -> OneTimeUse {
    OneTimeUse {
        kind: OneTimeKind::ClientAssertion,
        issuer: "https://as.example".to_owned(),
        subject: "cl_1".to_owned(),
        value: value.to_owned(),
        issued_at: now(),
        expires_at: at(360),
    }
}

async fn one_of_sixty_four_racers_is_first(backend: Backend) {
    let handles = [backend.handle().await, backend.handle().await];
    for round in 0..4 {
        let racers: Vec<_> = (0..64)
            .map(|racer| {
                let store = handles[racer % 2].clone();
                let value = one_time(&format!("race-{round}"));
                tokio::spawn(async move { store.consume_once(value, now()).await.unwrap() })
            })
            .collect();
        let mut answers = Vec::new();
        for racer in racers {
            answers.push(racer.await.unwrap());
        }
        assert_eq!(answers.iter().filter(|answer| **answer == Consumed::First).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == Consumed::Again).count(), 63);
    }
}

async fn each_kind_is_used_once_and_again_after_reopening(backend: Backend) {
    let store = backend.handle().await;
    for kind in OneTimeKind::ALL {
        let value = OneTimeUse { kind, ..one_time("jti") };
        assert_eq!(store.consume_once(value, now()).await, Ok(Consumed::First), "{kind:?}");
    }
    drop(store);
    let store = backend.handle().await;
    for kind in OneTimeKind::ALL {
        let value = OneTimeUse { kind, ..one_time("jti") };
        assert_eq!(store.consume_once(value, at(300)).await, Ok(Consumed::Again), "{kind:?}");
    }
}

async fn of_two_values_the_second_is_used_only_with_a_new_first(backend: Backend) {
    let store = backend.handle().await;
    let both = async |first: &str, second: &str| {
        store.consume_both(one_time(first), one_time(second), now()).await.unwrap()
    };
    assert_eq!(both("a", "b").await, (Consumed::First, Some(Consumed::First)));
    assert_eq!(both("a", "c").await, (Consumed::Again, None));
    assert_eq!(both("d", "b").await, (Consumed::First, Some(Consumed::Again)));
    let once = async |value: &str| store.consume_once(one_time(value), now()).await.unwrap();
    assert_eq!(once("c").await, Consumed::First);
    assert_eq!(once("d").await, Consumed::Again);
}

async fn of_racers_with_one_first_value_one_uses_its_second(backend: Backend) {
    let handles = [backend.handle().await, backend.handle().await];
    let racers: Vec<_> = (0..32)
        .map(|racer| {
            let store = handles[racer % 2].clone();
            let (first, second) = (one_time("first"), one_time(&format!("second-{racer}")));
            tokio::spawn(async move { store.consume_both(first, second, now()).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.unwrap());
    }
    let both = (Consumed::First, Some(Consumed::First));
    assert_eq!(answers.iter().filter(|answer| **answer == both).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == (Consumed::Again, None)).count(), 31);
}

async fn different_parts_are_different_values(backend: Backend) {
    let store = backend.handle().await;
    let of =
        |subject: &str, value: &str| OneTimeUse { subject: subject.to_owned(), ..one_time(value) };
    for value in [of("ab", "c"), of("a", "bc"), of("", "abc"), of("abc", "")] {
        let shown = format!("{value:?}");
        assert_eq!(store.consume_once(value, now()).await, Ok(Consumed::First), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_in_the_database_outlive_their_acceptance_and_are_removed_in_batches() {
    let file = Store::sqlite();
    let db = file.open();
    let store = OneTimeStore::database(db.clone());
    for number in 0..5 {
        store.consume_once(one_time(&number.to_string()), now()).await.unwrap();
    }
    assert_eq!(db.remove_expired(at(360), 10).await, Ok(0));
    assert_eq!(db.remove_expired(at(500), 3).await, Ok(3));
    assert_eq!(db.remove_expired(at(500), 3).await, Ok(2));
    assert_eq!(db.remove_expired(at(500), 3).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_after_the_memory_is_gone_are_forgotten_and_fresh_values_pass() {
    let Some(redis) = Redis::durable() else { return };
    let store = OneTimeStore::redis(&redis.url(), now()).await.unwrap();
    let old = OneTimeUse { issued_at: at(1), ..one_time("old") };
    // This client's clock is half a minute ahead.
    let ahead = OneTimeUse { issued_at: at(31), ..one_time("ahead") };
    assert_eq!(store.consume_once(old.clone(), at(1)).await, Ok(Consumed::First));
    assert_eq!(store.consume_once(ahead.clone(), at(1)).await, Ok(Consumed::First));
    assert_eq!(redis.run("FLUSHALL").as_deref(), Some("+OK"));
    assert_eq!(store.consume_once(old.clone(), at(2)).await, Ok(Consumed::Forgotten));
    assert_eq!(store.consume_once(ahead, at(32)).await, Ok(Consumed::Forgotten));
    let fresh = OneTimeUse { issued_at: at(40), ..one_time("fresh") };
    assert_eq!(store.consume_once(fresh.clone(), at(40)).await, Ok(Consumed::First));
    assert_eq!(store.consume_once(fresh, at(41)).await, Ok(Consumed::Again));
    // Another node learns of the new epoch from the store.
    let other = OneTimeStore::redis(&redis.url(), at(41)).await.unwrap();
    assert_eq!(other.consume_once(old, at(41)).await, Ok(Consumed::Forgotten));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_is_unavailable_and_recovers_without_a_restart() {
    let Some(redis) = Redis::durable() else { return };
    let store = OneTimeStore::redis(&redis.url(), now()).await.unwrap();
    redis.signal("STOP");
    let hanging =
        tokio::time::timeout(Duration::from_secs(4), store.consume_once(one_time("lost"), now()));
    let hanging = hanging.await.expect("an answer within the bound");
    redis.signal("CONT");
    assert!(matches!(hanging, Err(StorageError::Unavailable(_))), "{hanging:?}");
    let mut answer = store.consume_once(one_time("later"), now()).await;
    for _ in 0..50 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = store.consume_once(one_time("later"), now()).await;
    }
    // The first attempt may have reached the server without its answer reaching us.
    assert!(matches!(answer, Ok(Consumed::First | Consumed::Again)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_gone_is_unavailable() {
    let Some(redis) = Redis::durable() else { return };
    let store = OneTimeStore::redis(&redis.url(), now()).await.unwrap();
    let url = redis.url();
    drop(redis);
    let refused = store.consume_once(one_time("a"), now()).await;
    assert!(matches!(refused, Err(StorageError::Unavailable(_))), "{refused:?}");
    let refused = OneTimeStore::redis(&url, now()).await;
    assert!(matches!(refused, Err(StorageError::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_durability_of_each_backend_is_told() {
    let file = Store::sqlite();
    let told = OneTimeStore::database(file.open()).durability().await;
    assert_eq!(told, Ok(Vec::new()));
    let (Some(durable), Some(forgetful)) = (Redis::durable(), Redis::forgetful()) else { return };
    let durable = OneTimeStore::redis(&durable.url(), now()).await.unwrap();
    assert_eq!(durable.durability().await, Ok(Vec::new()));
    let forgetful = OneTimeStore::redis(&forgetful.url(), now()).await.unwrap();
    let concerns = forgetful.durability().await.unwrap();
    assert_eq!(concerns.len(), 2, "{concerns:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_that_commits_for_many_also_burns_for_many() {
    let file = Store::sqlite();
    let store = Arc::new(OneTimeStore::database(file.open()));
    let burns: Vec<_> = (0..200)
        .map(|number| {
            let (store, value) = (Arc::clone(&store), one_time(&number.to_string()));
            tokio::spawn(async move { store.consume_once(value, now()).await })
        })
        .collect();
    for burn in burns {
        assert_eq!(burn.await.unwrap(), Ok(Consumed::First));
    }
    assert!(Database::pending_migrations(file.url()).unwrap().is_empty());
}
