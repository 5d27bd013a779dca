//! The server's own signing keys: sealed in the database, imported once, rotated without downtime
//! (SEC-70).
//!
//! A key's state is a function of now, so that rotation needs nothing to run at its instant. Each
//! key names the one that it follows, and no key is followed twice: two nodes that rotate at once
//! leave one successor.

mod keys;
mod lifecycle;
mod rotation;

pub use keys::{Keys, LoadedKey};
pub use lifecycle::{KeySchedule, KeyState, KeyTimes};
pub use rotation::Rotation;

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::jose::Algorithm;
use crate::jose::MacKey;
use crate::jose::SealingError;
use crate::jose::SealingKey;
use crate::jose::SigningError;
use crate::jose::SigningKey;
use crate::storage::Database;
use crate::storage::Reader;
use crate::storage::SigningKeyRecord;
use crate::storage::StorageError;
use crate::types::{AuditEventId, Secret, Timestamp};

/// How long others may keep our published keys, in seconds.
pub const KEY_SET_KEPT_SECONDS: u32 = 300;

/// How signing keys are made and kept.
#[derive(Debug, Clone)]
pub struct KeyringOptions {
    /// What seals private keys in the database.
    pub sealing: SealingKey,
    /// What a new key signs by.
    pub algorithm: Algorithm,
    /// When keys change.
    pub schedule: KeySchedule,
    /// The longest life of what they sign.
    pub longest_token_seconds: i64,
    /// Draws the identifiers of audit events.
    pub event_id: fn(Timestamp) -> AuditEventId,
}

/// Why the signing keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A token could outlive the key that verifies it (SEC-70).
    #[error("a signing key must stay published for at least {least} seconds after it signed last")]
    OverlapTooShort {
        /// The least that will do: the longest token, and the caches of others.
        least: i64,
    },
    /// A key does not open under the sealing key.
    #[error("the signing key `{key_id}` does not open: {reason}")]
    Sealed {
        /// Which key.
        key_id: String,
        /// Why.
        reason: SealingError,
    },
    /// A key could not be sealed.
    #[error("a new signing key could not be sealed: {0}")]
    Sealing(SealingError),
    /// A stored key is no key.
    #[error("the signing key `{key_id}` is not usable: {reason}")]
    Unusable {
        /// Which key.
        key_id: String,
        /// Why.
        reason: String,
    },
    /// A new key could not be made.
    #[error("no signing key could be made: {0}")]
    Generation(String),
    /// A secret of a client does not open under the sealing key.
    #[error("a client secret does not open: {0}")]
    ClientSecret(SealingError),
    /// No key signs now.
    #[error("no signing key is active")]
    NoneActive,
    /// A successor is published already and will take over by itself.
    #[error("a successor of the signing key is published already")]
    AlreadyRotating,
}

/// The signing keys of this server.
#[derive(Debug)]
pub struct Keyring {
    database: Database,
    options: KeyringOptions,
    loaded: ArcSwap<Keys>,
    /// One reload at a time.
    loading: Mutex<()>,
    /// One rotation at a time. Requests do not wait for it: making a key may take long.
    turn: Mutex<()>,
}

impl Keyring {
    /// Loads the keys; makes the first, or a successor that is due.
    ///
    /// # Errors
    ///
    /// The database fails, a key that is not gone does not open, or keys would go too early.
    pub async fn open(
        database: Database,
        options: KeyringOptions,
        now: Timestamp,
    ) -> Result<Self, KeyringError> {
        let least = options.longest_token_seconds.saturating_add(KEY_SET_KEPT_SECONDS.into());
        if options.schedule.overlap_seconds < least {
            return Err(KeyringError::OverlapTooShort { least });
        }
        let keys = load(&database, &options.sealing, None, now).await?;
        let loaded = ArcSwap::from_pointee(keys);
        let (loading, turn) = (Mutex::new(()), Mutex::new(()));
        let keyring = Self { database, options, loaded, loading, turn };
        keyring.ensure(now).await?;
        Ok(keyring)
    }

    /// Seals a secret that is to be stored.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn seal(&self, secret: &Secret) -> Result<String, KeyringError> {
        self.options.sealing.seal(secret).map_err(KeyringError::Sealing)
    }

    /// Opens what [`Self::seal`] sealed.
    ///
    /// # Errors
    ///
    /// It was sealed under another key, or altered.
    pub fn unseal(&self, sealed: &str) -> Result<Secret, KeyringError> {
        self.options.sealing.open(sealed).map_err(KeyringError::ClientSecret)
    }

    /// The keys as they are now, loaded again if another node has changed something.
    ///
    /// # Errors
    ///
    /// The database fails, or a key does not open.
    pub async fn keys(&self, now: Timestamp) -> Result<Arc<Keys>, KeyringError> {
        let loaded = self.loaded.load_full();
        if loaded.generation() == self.database.generation() {
            return Ok(loaded);
        }
        let _loading = self.loading.lock().await;
        let loaded = self.loaded.load_full();
        if loaded.generation() == self.database.generation() {
            return Ok(loaded);
        }
        // Whoever has waited behind a failure does not try again, one after another.
        if !self.database.generation_is_fresh() {
            let reason = "the signing keys could not be read again".to_owned();
            return Err(StorageError::Unavailable(reason).into());
        }
        self.replace(now).await
    }

    /// A key for one purpose that every node has without being told: it follows from the key that seals
    /// the signing keys.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn mac_key(&self, purpose: &str) -> Result<MacKey, KeyringError> {
        self.options.sealing.mac_key(purpose).map_err(KeyringError::Sealing)
    }

    /// The keys as they were last loaded, however long ago. Public documents and the verification
    /// of cached answers do without the database (SEC-57).
    #[must_use]
    pub fn last_loaded(&self) -> Arc<Keys> {
        self.loaded.load_full()
    }

    /// The keys as they are in the database at this moment.
    ///
    /// # Errors
    ///
    /// As [`Self::keys`].
    pub async fn reload(&self, now: Timestamp) -> Result<Arc<Keys>, KeyringError> {
        let _loading = self.loading.lock().await;
        self.replace(now).await
    }

    async fn replace(&self, now: Timestamp) -> Result<Arc<Keys>, KeyringError> {
        let known = self.loaded.load_full();
        let keys = load(&self.database, &self.options.sealing, Some(&known), now).await?;
        let keys = Arc::new(keys);
        self.loaded.store(Arc::clone(&keys));
        Ok(keys)
    }
}

/// Reads every key. One that is known already is not opened and imported again, and one that is
/// gone is not opened at all: nothing that it signed is good.
async fn load(
    database: &Database,
    sealing: &SealingKey,
    known: Option<&Keys>,
    now: Timestamp,
) -> Result<Keys, KeyringError> {
    let generation = database.generation();
    let records = database.read(stored).await?;
    let find = |key_id: &str| known?.keys.iter().find(|key| key.key_id() == key_id);
    let keys = records
        .iter()
        .map(|record| match find(&record.key_id) {
            Some(key) if key.is_open() => Ok(key.at(times(record))),
            Some(_) | None if times(record).state(now) == KeyState::Removed => {
                Ok(LoadedKey::gone(&record.key_id, record.predecessor.clone(), times(record)))
            }
            Some(_) | None => open_key(record, sealing),
        })
        .collect::<Result<_, _>>()?;
    Ok(Keys { generation, keys })
}

fn stored(reader: &mut Reader<'_>) -> Result<Vec<SigningKeyRecord>, StorageError> {
    reader.signing_keys()
}

fn times(record: &SigningKeyRecord) -> KeyTimes {
    KeyTimes {
        publish_at: record.publish_at,
        activate_at: record.activate_at,
        retire_at: record.retire_at,
        remove_at: record.remove_at,
    }
}

fn open_key(record: &SigningKeyRecord, sealing: &SealingKey) -> Result<LoadedKey, KeyringError> {
    let key_id = &record.key_id;
    let unusable = |reason: String| KeyringError::Unusable { key_id: key_id.clone(), reason };
    let private = sealing
        .open(&record.sealed_private)
        .map_err(|reason| KeyringError::Sealed { key_id: key_id.clone(), reason })?;
    let jwk = serde_json::from_str::<Value>(private.reveal())
        .map_err(|_| unusable("it is not JSON".to_owned()))?;
    let signing =
        SigningKey::from_jwk(&jwk).map_err(|reason: SigningError| unusable(reason.to_string()))?;
    if signing.key_id() != key_id {
        return Err(unusable("it has another `kid`".to_owned()));
    }
    LoadedKey::new(signing, record.predecessor.clone(), times(record))
        .map_err(|_| unusable("its public half is not acceptable".to_owned()))
}

#[cfg(test)]
mod tests;
