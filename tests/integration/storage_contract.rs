//! The storage contract, transactions: all or nothing, no event without a change, and a store that
//! is busy or gone says so at once (STY-22, STY-28, SEC-57).

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use countersign::governance::audit::{AuditAction, AuditEvent};
use countersign::partners::OrganisationState;
use countersign::storage::{
    AuditFilter, Change, Database, DatabaseOptions, Page, StorageError, Writer,
};
use countersign::types::OrganisationId;

use crate::support::postgres::Postgres;
use crate::support::samples as sample;
use crate::support::samples::event;
use crate::support::store::{Store, on_each_engine};

on_each_engine! {
    migrations_run_once_and_an_older_database_is_refused
    a_refusal_leaves_nothing_behind
    a_change_without_an_event_is_refused
    an_event_without_a_change_is_not_written
    thirty_two_writers_at_once_all_commit_and_refusals_undo_only_themselves
    one_of_sixteen_changes_of_the_same_state_succeeds
    a_job_that_panics_harms_nobody_else
    a_full_queue_is_told_at_once
    a_change_is_seen_by_another_handle_within_a_second
}

async fn organisation_exists(db: &Database, tag: &str) -> bool {
    let id = sample::organisation(tag).id;
    db.read(move |r| r.organisation(&id)).await.unwrap().is_some()
}

async fn events(db: &Database) -> Vec<AuditEvent> {
    db.read(|r| r.audit_events(&AuditFilter::default(), &Page::first(1000))).await.unwrap()
}

fn insert(tx: &mut Writer<'_>, tag: &str) -> Result<Change<()>, StorageError> {
    tx.insert_organisation(&sample::organisation(tag))?;
    Ok(Change::made((), vec![event(AuditAction::OrganisationCreated, tag)]))
}

async fn suspend(db: &Database, id: OrganisationId) -> Result<(), StorageError> {
    db.write(move |tx| {
        let (active, suspended) = (OrganisationState::Active, OrganisationState::Suspended);
        tx.change_organisation_state(&id, active, suspended)?;
        Ok(Change::made((), vec![event(AuditAction::OrganisationStateChanged, &id)]))
    })
    .await
}

async fn migrations_run_once_and_an_older_database_is_refused(store: Store) {
    let refused = Database::open(&store.options()).unwrap_err();
    assert!(refused.to_string().ends_with("run `countersign migrate`"), "{refused}");
    let pending = Database::pending_migrations(store.url()).unwrap();
    assert!(!pending.is_empty());
    assert_eq!(Database::migrate(store.url()).unwrap(), pending);
    assert!(Database::migrate(store.url()).unwrap().is_empty());
    assert!(Database::pending_migrations(store.url()).unwrap().is_empty());
    if let Some(folder) = store.folder() {
        for file in std::fs::read_dir(folder).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

async fn a_refusal_leaves_nothing_behind(store: Store) {
    let db = store.open();
    let refused = db.write(|tx| {
        insert(tx, "a")?;
        Err::<Change<()>, _>(StorageError::Misconfigured("no".to_owned()))
    });
    assert_eq!(refused.await, Err(StorageError::Misconfigured("no".to_owned())));
    assert!(!organisation_exists(&db, "a").await);
    assert_eq!(events(&db).await, []);
    assert_eq!(db.generation(), 0);
}

async fn a_change_without_an_event_is_refused(store: Store) {
    let db = store.open();
    let silent = db.write(|tx| {
        insert(tx, "a")?;
        Ok(Change::nothing(()))
    });
    assert!(matches!(silent.await, Err(StorageError::Broken(_))));
    assert!(!organisation_exists(&db, "a").await);
}

async fn an_event_without_a_change_is_not_written(store: Store) {
    let db = store.open();
    let idle = |action| {
        let change = Change::made((), vec![event(action, "a")]);
        db.write(|_| Ok::<_, StorageError>(change))
    };
    idle(AuditAction::TokenRevoked).await.unwrap();
    assert_eq!(events(&db).await, []);
    // A refused registration changes no record, and must be written down nevertheless.
    idle(AuditAction::RegistrationRefused).await.unwrap();
    assert_eq!(events(&db).await.len(), 1);
}

async fn thirty_two_writers_at_once_all_commit_and_refusals_undo_only_themselves(store: Store) {
    let db = store.open();
    let writers: Vec<_> = (0..32)
        .map(|writer| {
            let db = db.clone();
            tokio::spawn(async move {
                for round in 0..8 {
                    let tag = format!("{writer}-{round}");
                    let refuse = round % 4 == 3;
                    let result = db.write(move |tx| match insert(tx, &tag)? {
                        _ if refuse => Err(StorageError::Misconfigured("no".to_owned())),
                        change => Ok(change),
                    });
                    assert_eq!(result.await.is_err(), refuse);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let kept = db.read(|r| r.organisations(&Page::first(1000))).await.unwrap();
    assert_eq!(kept.len(), 32 * 6);
    assert_eq!(events(&db).await.len(), 32 * 6);
}

async fn one_of_sixteen_changes_of_the_same_state_succeeds(store: Store) {
    let handles = [store.open(), store.open()];
    handles[0].write(|tx| insert(tx, "a")).await.unwrap();
    let racers: Vec<_> = (0..16)
        .map(|racer| {
            let db = handles[racer % 2].clone();
            tokio::spawn(async move { suspend(&db, sample::organisation("a").id).await })
        })
        .collect();
    let mut refusals = Vec::new();
    for racer in racers {
        refusals.extend(racer.await.unwrap().err());
    }
    assert_eq!(refusals, vec![StorageError::Stale { table: "organisations" }; 15]);
    assert_eq!(events(&handles[0]).await.len(), 2);
}

async fn a_job_that_panics_harms_nobody_else(store: Store) {
    let db = store.open();
    for round in 0..5 {
        let read = db.read(move |_| -> Result<(), StorageError> { panic!("on purpose {round}") });
        let write = db.write(move |tx| -> Result<Change<()>, StorageError> {
            insert(tx, "a")?;
            panic!("on purpose {round}")
        });
        let tag = format!("other-{round}");
        let other = db.write(move |tx| insert(tx, &tag));
        let (read, write, other) = tokio::join!(read, write, other);
        assert!(matches!(read, Err(StorageError::Broken(_))), "{read:?}");
        assert!(matches!(write, Err(StorageError::Broken(_))), "{write:?}");
        assert_eq!(other, Ok(()));
    }
    assert!(!organisation_exists(&db, "a").await);
}

async fn a_full_queue_is_told_at_once(store: Store) {
    Database::migrate(store.url()).unwrap();
    let options = DatabaseOptions { readers: 1, writers: 1, queue: 1, ..store.options() };
    let db = Database::open(&options).unwrap();
    let (started, wait) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let read = |job: Box<dyn FnOnce() + Send>| {
        let db = db.clone();
        tokio::spawn(async move {
            db.read(move |_| {
                job();
                Ok::<_, StorageError>(())
            })
            .await
        })
    };
    let busy = read(Box::new(move || {
        started.send(()).unwrap();
        let _released = held.recv();
    }));
    tokio::task::spawn_blocking(move || wait.recv().unwrap()).await.unwrap();
    let queued = read(Box::new(|| ()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = tokio::time::timeout(Duration::from_millis(1500), read(Box::new(|| ()))).await;
    assert!(matches!(refused, Ok(Ok(Err(StorageError::Unavailable(_))))), "{refused:?}");
    // Nobody waits for ever: the one in the queue gives up after two seconds.
    let late = tokio::time::timeout(Duration::from_secs(4), queued).await;
    assert!(matches!(late, Ok(Ok(Err(StorageError::Unavailable(_))))), "{late:?}");
    let held_up = tokio::time::timeout(Duration::from_secs(4), busy).await;
    assert!(matches!(held_up, Ok(Ok(Err(StorageError::Unavailable(_))))), "{held_up:?}");
    drop(release);
    // Work that nobody waits for any more is passed over, and then there is room again.
    let id = sample::organisation("a").id;
    for _ in 0..50 {
        let wanted = id.clone();
        match db.read(move |r| r.organisation(&wanted)).await {
            Ok(found) => return assert_eq!(found, None),
            Err(StorageError::Unavailable(_)) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("there is no room again");
}

async fn a_change_is_seen_by_another_handle_within_a_second(store: Store) {
    let (here, there) = (store.open(), store.open());
    here.write(|tx| insert(tx, "a")).await.unwrap();
    assert_eq!(here.generation(), 0, "a new organisation alters nobody's standing");
    suspend(&here, sample::organisation("a").id).await.unwrap();
    assert_eq!(here.generation(), 1, "one's own commit is known at once");
    for _ in 0..50 {
        if there.generation() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(there.generation(), 1);
    assert!(there.generation_is_fresh());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_to_postgresql_are_opened_again() {
    let Some(store) = Store::postgresql() else { return };
    let db = store.open();
    db.write(|tx| insert(tx, "a")).await.unwrap();
    let name = store.url().rsplit('/').next().unwrap().split('?').next().unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = ";
    store.postgres.as_ref().unwrap().run("postgres", &format!("{cut}'{name}'")).unwrap();
    let mut refused = 0;
    for number in 0..40 {
        let tag = format!("b{number}");
        refused += i32::from(db.write(move |tx| insert(tx, &tag)).await.is_err());
        refused += i32::from(db.read(|r| r.organisations(&Page::default())).await.is_err());
    }
    // Each connection may cost one request.
    assert!(refused <= 5, "{refused}");
    assert!(organisation_exists(&db, "b39").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_stops_is_unavailable_and_caches_fail_closed() {
    let Some(postgres) = Postgres::start() else { return };
    let store = Store::on(Arc::new(postgres));
    let db = store.open();
    db.write(|tx| insert(tx, "a")).await.unwrap();
    assert!(db.generation_is_fresh());
    store.postgres.as_ref().unwrap().signal("INT");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!db.generation_is_fresh());
    let write = db.write(|tx| insert(tx, "b")).await;
    assert!(matches!(write, Err(StorageError::Unavailable(_))), "{write:?}");
    let read = db.read(|r| r.organisations(&Page::default())).await;
    assert!(matches!(read, Err(StorageError::Unavailable(_))), "{read:?}");
}
