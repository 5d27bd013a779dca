//! The database and Redis: reachable, migrated, durable, in time, and with keys that open.

use crate::cli::assembly;
use crate::cli::doctor::Finding;
use crate::cli::doctor::Level;
use crate::cli::error::CommandError;
use crate::cli::frameworks;
use crate::cli::migrate;
use crate::config::Settings;
use crate::storage::AuditFilter;
use crate::storage::Database;
use crate::storage::OneTimeStore;
use crate::storage::Page;
use crate::storage::SigningKeyRecord;
use crate::storage::StorageError;
use crate::types::Timestamp;

const DATABASE: &str = "database";
const CLOCK: &str = "clock";
const SIGNING: &str = "signing keys";
const REDIS: &str = "redis";
const SCOPES: &str = "scopes of roles";
/// How far the clock may be behind what the database knows.
const SKEW_SECONDS: i64 = 10;

/// Looks at the database, what is in it, and Redis.
pub(super) fn examine(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::failed(DATABASE, &CommandError::from(error))],
    };
    runtime.block_on(async {
        let mut findings = vec![migrated(settings)];
        if findings.iter().all(|finding| finding.level == Level::Good) {
            findings.extend(contents(settings, now).await);
        }
        findings.extend(redis(settings, now).await);
        findings
    })
}

fn migrated(settings: &Settings) -> Finding {
    let url = settings.database.url.reveal();
    if let Some(file) = migrate::missing_file(url) {
        let message = format!("there is no {} yet", file.display());
        return Finding::bad(DATABASE, message, "run `countersign migrate`");
    }
    match Database::pending_migrations(url) {
        Ok(pending) if pending.is_empty() => Finding::good(DATABASE, "reachable and migrated"),
        Ok(pending) => {
            let message = format!("it lacks {}", pending.join(", "));
            Finding::bad(DATABASE, message, "run `countersign migrate`")
        }
        Err(error) => Finding::failed(DATABASE, &migrate::unusable(&error)),
    }
}

async fn contents(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let database = match assembly::open_database(settings) {
        Ok(database) => database,
        Err(error) => return vec![Finding::failed(DATABASE, &error)],
    };
    let found = database
        .read(|reader| -> Result<_, StorageError> {
            let filter = AuditFilter { newest_first: true, ..AuditFilter::default() };
            let latest = reader.audit_events(&filter, &Page::first(1))?;
            Ok((latest.first().map(|event| event.time), reader.signing_keys()?))
        })
        .await;
    let mut findings = match found {
        Ok((latest, keys)) => vec![clock(latest, now), signing_keys(settings, &keys, now)],
        Err(error) => vec![Finding::failed(DATABASE, &migrate::unusable(&error))],
    };
    findings.extend(role_scopes(settings, &database).await);
    findings
}

/// Every scope that a role may have belongs to an API product (PEER-3).
async fn role_scopes(settings: &Settings, database: &Database) -> Option<Finding> {
    // Frameworks that do not load have a finding of their own.
    let frameworks = frameworks::load(settings).ok()?;
    match frameworks::unknown_scopes(&frameworks, database).await {
        Ok(unknown) if unknown.is_empty() => None,
        Ok(unknown) => {
            let told: Vec<_> =
                unknown.iter().map(|(name, scopes)| format!("`{name}` names `{scopes}`")).collect();
            let message = format!("no API product has what roles may have: {}", told.join("; "));
            let advice =
                "record the API product, or correct `roles.ceilings` in the framework's file";
            Some(Finding::odd(SCOPES, message, advice))
        }
        Err(error) => Some(Finding::failed(SCOPES, &migrate::unusable(&error))),
    }
}

/// Nothing in the database happened in the future.
fn clock(latest: Option<Timestamp>, now: Timestamp) -> Finding {
    match latest {
        Some(latest) if latest.since(now) > SKEW_SECONDS => {
            let behind = latest.since(now);
            let message =
                format!("it is {behind} s behind the latest event in the database ({latest})");
            Finding::bad(CLOCK, message, "let NTP set the clocks of all nodes")
        }
        Some(_) | None => Finding::good(CLOCK, format!("it is {now}, and no event is later")),
    }
}

fn signing_keys(settings: &Settings, keys: &[SigningKeyRecord], now: Timestamp) -> Finding {
    const MADE: &str = "the first start of the server makes one";
    let is_past = |instant: Option<Timestamp>| instant.is_some_and(|instant| instant <= now);
    let kept: Vec<_> = keys.iter().filter(|key| !is_past(key.remove_at)).collect();
    if kept.is_empty() {
        return Finding::odd(SIGNING, "there is none yet", MADE);
    }
    let sealing = match assembly::sealing_key(&settings.keys.directory) {
        Ok(sealing) => sealing,
        Err(error) => return Finding::failed(SIGNING, &error),
    };
    let closed = |key: &&&SigningKeyRecord| sealing.open(&key.sealed_private).is_err();
    if let Some(key) = kept.iter().find(closed) {
        let message = format!("`{}` does not open with the sealing key", key.key_id);
        return Finding::bad(SIGNING, message, "bring back the sealing key of this database");
    }
    let signs = |key: &&&SigningKeyRecord| key.activate_at <= now && !is_past(key.retire_at);
    match kept.iter().find(signs) {
        Some(key) => Finding::good(SIGNING, format!("{} open, `{}` signs", kept.len(), key.key_id)),
        None => Finding::odd(SIGNING, "none signs at this moment", MADE),
    }
}

async fn redis(settings: &Settings, now: Timestamp) -> Option<Finding> {
    let url = settings.redis.url.as_ref()?;
    let concerns = match OneTimeStore::redis(url.reveal(), now).await {
        Ok(store) => store.durability().await,
        Err(error) => Err(error),
    };
    Some(match concerns {
        Ok(concerns) if concerns.is_empty() => Finding::good(REDIS, "reachable and durable"),
        Ok(concerns) => {
            let message = format!("it may forget what was used once: {}", concerns.join("; "));
            let advice = "set `appendonly yes` and `maxmemory-policy noeviction`, on a primary";
            match settings.redis.accepted_loss {
                Some(_) => Finding::odd(REDIS, message, advice),
                None => Finding::bad(REDIS, message, advice),
            }
        }
        Err(error) => {
            let advice = "start it, correct `redis.url`, or leave it out";
            Finding::bad(REDIS, error.to_string(), advice)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_behind_the_database_is_bad() {
        let at = |seconds| Timestamp::from_epoch(seconds).unwrap();
        assert_eq!(clock(None, at(100)).level, Level::Good);
        assert_eq!(clock(Some(at(110)), at(100)).level, Level::Good);
        assert_eq!(clock(Some(at(111)), at(100)).level, Level::Bad);
    }
}
