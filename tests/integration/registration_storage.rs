//! What registrations are counted, paced and remembered by, on both engines (REG-E10, I2, S16, L8).

use countersign::governance::audit::AuditAction;
use countersign::partners::{
    Client, ClientState, CredentialState, EntitlementState, InitialAccessToken,
    InitialAccessTokenState,
};
use countersign::storage::{Change, Database, RegistrationRetry, StorageError, Writer};
use countersign::types::{ClientId, InitialAccessTokenId, Secret};

use crate::support::samples as sample;
use crate::support::samples::{at, now};
use crate::support::store::{Store, on_each_engine};

/// Changes something as an operator would.
async fn change<T: Send + 'static>(
    database: &Database,
    job: impl FnOnce(&mut Writer<'_>) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let event = sample::event(AuditAction::ClientUpdated, "x");
    database.write(move |tx| Ok(Change::made(job(tx)?, vec![event]))).await
}

fn token(most_uses: u32) -> InitialAccessToken {
    InitialAccessToken {
        id: InitialAccessTokenId::from_random("1"),
        secret_hash: Secret::new("leave").hash(),
        purpose: "rehearsal".to_owned(),
        organisation_id: sample::organisation("a").id,
        framework: Some(sample::framework()),
        scope: None,
        most_uses,
        uses: 0,
        expires_at: at(100),
        state: InitialAccessTokenState::Active,
        created_at: now(),
    }
}

async fn a_rate_is_kept_by_all_nodes_together(store: Store) {
    let nodes = [store.open(), store.open()];
    let pace = |node: usize, seconds: i64| {
        nodes[node].write(move |tx| -> Result<_, StorageError> {
            Ok(Change::nothing(tx.pace("organisation:a", 4, at(seconds))?))
        })
    };
    for node in [0, 1, 0, 1] {
        assert_eq!(pace(node, 0).await, Ok(None));
    }
    // Four in an hour is one in a quarter of it: so long the next one waits.
    assert_eq!(pace(0, 0).await, Ok(Some(900)));
    assert_eq!(pace(1, 899).await, Ok(Some(1)));
    assert_eq!(pace(1, 900).await, Ok(None));
    assert_eq!(pace(0, 900).await, Ok(Some(900)));
    // Whoever waited long gets the whole burst again, and no more than that.
    for _ in 0..4 {
        assert_eq!(pace(0, 100_000).await, Ok(None));
    }
    assert_eq!(pace(1, 100_000).await, Ok(Some(900)));
    let other = nodes[0].write(|tx| -> Result<_, StorageError> {
        Ok(Change::nothing((tx.pace("organisation:b", 1, now())?, tx.pace("none", 0, now())?)))
    });
    assert_eq!(other.await, Ok((None, Some(3600))));
    assert!(nodes[0].remove_expired(at(1_000_000), 100).await.unwrap() > 0);
}

async fn uses_of_an_initial_access_token_are_counted_by_the_store_reg_i2(store: Store) {
    let database = store.open();
    change(&database, |tx| {
        tx.insert_organisation(&sample::organisation("a"))?;
        tx.insert_initial_access_token(&token(3))
    })
    .await
    .unwrap();
    let id = token(3).id;
    let mut racers = tokio::task::JoinSet::new();
    for node in [store.open(), store.open()].into_iter().cycle().take(8) {
        let id = id.clone();
        racers.spawn(async move {
            change(&node, move |tx| tx.use_initial_access_token(&id, now())).await
        });
    }
    let used = racers.join_all().await;
    assert_eq!(used.iter().filter(|use_| use_.is_ok()).count(), 3, "{used:?}");
    let stale = |error: &StorageError| matches!(error, StorageError::Stale { .. });
    assert!(used.iter().filter_map(|use_| use_.as_ref().err()).all(stale));
    let found = database
        .read(|r| r.initial_access_token_with(&Secret::new("leave").hash()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found, InitialAccessToken { uses: 3, ..token(3) });
    assert!(!found.is_usable(now()));
}

async fn an_initial_access_token_ends_by_time_and_by_the_bank(store: Store) {
    let database = store.open();
    change(&database, |tx| {
        tx.insert_organisation(&sample::organisation("a"))?;
        tx.insert_initial_access_token(&token(3))
    })
    .await
    .unwrap();
    let use_at = |seconds: i64| {
        change(&database, move |tx| tx.use_initial_access_token(&token(3).id, at(seconds)))
    };
    assert_eq!(use_at(99).await, Ok(()));
    assert!(use_at(100).await.is_err());
    change(&database, |tx| {
        let (from, to) = (InitialAccessTokenState::Active, InitialAccessTokenState::Revoked);
        tx.change_initial_access_token_state(&token(3).id, from, to)
    })
    .await
    .unwrap();
    assert!(use_at(1).await.is_err());
}

async fn an_idempotency_key_is_taken_once_until_it_is_forgotten_reg_e10(store: Store) {
    let database = store.open();
    change(&database, |tx| sample::insert_everything(tx, "a")).await.unwrap();
    let retry = |content: &str, seconds: i64| RegistrationRetry {
        key: "k".to_owned(),
        content: content.to_owned(),
        client_id: sample::client("a").id,
        expires_at: at(seconds),
    };
    let insert = |retry: RegistrationRetry, seconds: i64| {
        database.write(move |tx| -> Result<_, StorageError> {
            tx.insert_registration_retry(&retry, at(seconds))?;
            Ok(Change::nothing(()))
        })
    };
    let find = |seconds: i64| database.read(move |r| r.registration_retry("k", at(seconds)));
    assert_eq!(insert(retry("one", 10), 0).await, Ok(()));
    assert!(matches!(insert(retry("two", 20), 9).await, Err(StorageError::Exists { .. })));
    assert_eq!(find(9).await.unwrap(), Some(retry("one", 10)));
    assert_eq!(find(10).await.unwrap(), None);
    assert_eq!(insert(retry("two", 20), 10).await, Ok(()));
    assert_eq!(find(10).await.unwrap(), Some(retry("two", 20)));
}

async fn what_a_client_holds_ends_with_it_reg_u8(store: Store) {
    let database = store.open();
    change(&database, |tx| sample::insert_everything(tx, "a")).await.unwrap();
    let id = sample::client("a").id;
    let ended = id.clone();
    change(&database, move |tx| {
        tx.note_client_use(&ended, at(0), Some(at(5)), now())?;
        tx.change_client_state(&ended, ClientState::Active, ClientState::Retired)
    })
    .await
    .unwrap();
    let (held, keys, waiting) = database
        .read(move |r| -> Result<_, StorageError> {
            Ok((r.entitlements_of(&id)?, r.credentials_of(&id)?, r.clients_to_check(at(9), 10)?))
        })
        .await
        .unwrap();
    assert_eq!(held.iter().map(|one| one.state).collect::<Vec<_>>(), [EntitlementState::Revoked]);
    assert_eq!(keys.iter().map(|one| one.state).collect::<Vec<_>>(), [CredentialState::Revoked]);
    assert_eq!(waiting, []);
}

async fn a_use_is_noted_once_a_day_and_one_node_alone_looks_after_a_client_reg_l8(store: Store) {
    let database = store.open();
    let id = ClientId::from_random("second");
    let second = Client { id: id.clone(), ..sample::client("a") };
    change(&database, move |tx| {
        sample::insert_everything(tx, "a")?;
        tx.insert_client_with(&second, None, Some(at(5)))
    })
    .await
    .unwrap();
    let seen = database.read(|r| r.clients_to_check(at(5), 10)).await.unwrap().remove(0);
    assert_eq!((seen.id.clone(), seen.since(), seen.last_used_at), (id.clone(), now(), None));
    assert!(database.read(|r| r.clients_to_check(at(4), 10)).await.unwrap().is_empty());
    let look = |seen| {
        change(&database, move |tx| tx.schedule_client_check(&seen, Some(at(5)), Some(at(15))))
    };
    assert_eq!(look(seen.clone()).await, Ok(()));
    assert!(matches!(look(seen).await, Err(StorageError::Stale { .. })));
    let used = |seconds: i64| {
        let id = id.clone();
        database.write(move |tx| -> Result<_, StorageError> {
            let check = Some(at(seconds).plus(1000));
            tx.note_client_use(&id, at(seconds).plus(-86_400), check, at(seconds))?;
            Ok(Change::nothing(()))
        })
    };
    used(10).await.unwrap();
    used(20).await.unwrap();
    let activity = |id| database.read(move |r| r.client_activity(&id));
    let found = activity(id.clone()).await.unwrap().unwrap();
    assert_eq!((found.last_used_at, found.notified_at), (Some(at(10)), None));
    assert_eq!(found.check_at, Some(at(1010)));
    used(86_410).await.unwrap();
    assert_eq!(activity(id.clone()).await.unwrap().unwrap().last_used_at, Some(at(86_410)));
}

on_each_engine!(
    a_rate_is_kept_by_all_nodes_together
    uses_of_an_initial_access_token_are_counted_by_the_store_reg_i2
    an_initial_access_token_ends_by_time_and_by_the_bank
    an_idempotency_key_is_taken_once_until_it_is_forgotten_reg_e10
    what_a_client_holds_ends_with_it_reg_u8
    a_use_is_noted_once_a_day_and_one_node_alone_looks_after_a_client_reg_l8
);
