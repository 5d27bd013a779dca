//! From settings to a server that is ready to answer: everything it consists of is opened and
//! checked, and everything that is wrong says what to do.

use std::path::Path;

use crate::app::App;
use crate::app::Parts;
use crate::cli::error::CommandError;
use crate::cli::frameworks;
use crate::cli::keys::SEALING_KEY_FILE;
use crate::cli::migrate;
use crate::cli::private_file;
use crate::clock::Clock;
use crate::config::Settings;
use crate::jose::SealingKey;
use crate::keyring::KeySchedule;
use crate::keyring::Keyring;
use crate::keyring::KeyringError;
use crate::keyring::KeyringOptions;
use crate::policy::PolicyEngine;
use crate::random;
use crate::remote::Fetcher;
use crate::remote::KeySource;
use crate::storage::Database;
use crate::storage::DatabaseOptions;
use crate::storage::OneTimeStore;
use crate::trust::Authorities;
use crate::trust::Framework;
use crate::types::Secret;
use crate::types::Timestamp;
use crate::x509::Anchors;
use crate::x509::RevocationLists;

/// Opens everything that a server consists of. The database must be migrated.
///
/// # Errors
///
/// What cannot be opened, and what to do about it.
pub async fn assemble(settings: Settings, clock: Clock) -> Result<App, CommandError> {
    let now = clock.now();
    let database = open_database(&settings)?;
    let one_time = open_one_time(&settings, &database, now).await?;
    let keyring = open_keyring(&settings, &database, now).await?;
    let policy = PolicyEngine::default_bundle()
        .map_err(|invalid| CommandError::failed(format!("the policy does not load: {invalid}")))?;
    let fetcher = Fetcher::new(extra_authorities(&settings)?.as_deref())
        .map_err(|invalid| CommandError::failed(invalid.to_string()))?;
    let frameworks = frameworks::load(&settings)?;
    for warning in frameworks.iter().flat_map(Framework::warnings) {
        tracing::warn!(%warning, "a trust framework is not as safe as it could be");
    }
    let unknown = frameworks::unknown_scopes(&frameworks, &database).await;
    for (framework, scopes) in unknown.map_err(|error| migrate::unusable(&error))? {
        tracing::warn!(%framework, %scopes, "roles name scopes that no API product has");
    }
    let resource_server_authorities = resource_server_authorities(&settings)?;
    Ok(App::new(Parts {
        resource_server_authorities,
        clock,
        database,
        one_time,
        keyring,
        policy,
        key_source: KeySource::new(fetcher),
        frameworks,
        settings,
    }))
}

/// Opens the database.
///
/// # Errors
///
/// It cannot be reached, does not keep what it commits, or is not migrated.
pub fn open_database(settings: &Settings) -> Result<Database, CommandError> {
    let options = DatabaseOptions {
        url: settings.database.url.reveal().to_owned(),
        readers: settings.database.readers,
        writers: settings.database.writers,
        queue: settings.database.queue,
    };
    Database::open(&options).map_err(|error| migrate::unusable(&error))
}

/// Opens the store of single-use values. A Redis that may forget is refused, unless the settings
/// accept it (SEC-58).
async fn open_one_time(
    settings: &Settings,
    database: &Database,
    now: Timestamp,
) -> Result<OneTimeStore, CommandError> {
    let Some(url) = &settings.redis.url else {
        return Ok(OneTimeStore::database(database.clone()));
    };
    let unusable = |error: crate::storage::StorageError| {
        CommandError::failed_with(
            format!("the Redis of `redis.url` cannot be used: {error}"),
            "start it, correct the address, or leave `redis.url` out: the database does the work",
        )
    };
    let store = OneTimeStore::redis(url.reveal(), now).await.map_err(unusable)?;
    let concerns = store.durability().await.map_err(unusable)?;
    if !concerns.is_empty() && settings.redis.accepted_loss.is_none() {
        return Err(CommandError::failed_with(
            format!("the Redis of `redis.url` may forget: {}", concerns.join("; ")),
            "set `appendonly yes` and `maxmemory-policy noeviction` on a primary, or accept the loss \
             with `redis.accepted_loss`",
        ));
    }
    for concern in concerns {
        tracing::warn!(concern, "the Redis may forget, and the settings accept it");
    }
    Ok(store)
}

async fn open_keyring(
    settings: &Settings,
    database: &Database,
    now: Timestamp,
) -> Result<Keyring, CommandError> {
    let options = KeyringOptions {
        sealing: sealing_key(&settings.keys.directory)?,
        algorithm: settings.tokens.signing_algorithm,
        schedule: schedule(settings),
        longest_token_seconds: seconds(settings.tokens.access_token_lifetime),
        event_id: random::event_id,
    };
    Keyring::open(database.clone(), options, now).await.map_err(|error| unusable_keys(&error))
}

fn unusable_keys(error: &KeyringError) -> CommandError {
    CommandError::failed_with(
        error.to_string(),
        "the signing keys in the database open with the sealing key that they were made with: \
         bring that file back, or start with an empty `signing_keys` table",
    )
}

/// When signing keys change.
#[must_use]
pub fn schedule(settings: &Settings) -> KeySchedule {
    KeySchedule {
        rotation_seconds: seconds(settings.tokens.key_rotation),
        prepublish_seconds: seconds(settings.tokens.key_prepublish),
        overlap_seconds: seconds(settings.tokens.key_retire),
    }
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Reads the key that opens the private keys in the database.
///
/// # Errors
///
/// It is not there, or is no such key.
pub fn sealing_key(folder: &Path) -> Result<SealingKey, CommandError> {
    let file = folder.join(SEALING_KEY_FILE);
    let text = private_file::read(&file)?.ok_or_else(|| {
        CommandError::failed_with(
            format!("there is no sealing key in {}", file.display()),
            "make one with `countersign keys init`, or bring back the one that this database had",
        )
    })?;
    SealingKey::from_secret(&Secret::new(text.trim())).map_err(|error| {
        CommandError::failed(format!("{} is no sealing key: {error}", file.display()))
    })
}

fn extra_authorities(settings: &Settings) -> Result<Option<String>, CommandError> {
    read(settings.trust.extra_authorities.as_deref(), "trust.extra_authorities")
}

/// Whose certificates resource servers show.
///
/// # Errors
///
/// A file cannot be read, or does not hold what it should.
pub fn resource_server_authorities(
    settings: &Settings,
) -> Result<Option<Authorities>, CommandError> {
    const ANCHORS: &str = "resource_servers.certificate_authorities";
    const REVOCATIONS: &str = "resource_servers.certificate_revocations";
    let of = &settings.resource_servers;
    let Some(anchors) = read(of.certificate_authorities.as_deref(), ANCHORS)? else {
        return Ok(None);
    };
    let anchors = Anchors::parse_pem(&anchors).map_err(|error| unusable_file(ANCHORS, &error))?;
    let lists = read(of.certificate_revocations.as_deref(), REVOCATIONS)?;
    let lists = lists.map(|lists| RevocationLists::parse_pem(&lists)).transpose();
    let lists = lists.map_err(|error| unusable_file(REVOCATIONS, &error))?;
    Ok(Some(Authorities::new(anchors, lists.unwrap_or_default())))
}

fn unusable_file(setting: &str, error: &dyn std::fmt::Display) -> CommandError {
    CommandError::failed_with(error.to_string(), format!("correct `{setting}`"))
}

fn read(file: Option<&Path>, setting: &str) -> Result<Option<String>, CommandError> {
    let Some(file) = file else { return Ok(None) };
    std::fs::read_to_string(file).map(Some).map_err(|error| {
        let message = format!("cannot read {}: {error}", file.display());
        CommandError::failed_with(message, format!("correct `{setting}`"))
    })
}
