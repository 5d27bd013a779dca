//! Changing the signing keys: the first one, a successor, and an emergency.

use std::sync::Arc;

use serde_json::json;

use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use crate::jose::SigningKey;
use crate::keyring::lifecycle::{KeySchedule, KeyState, KeyTimes};
use crate::keyring::{Keyring, KeyringError, Keys, LoadedKey};
use crate::storage::Change;
use crate::storage::SigningKeyRecord;
use crate::storage::StorageError;
use crate::storage::Writer;
use crate::types::Timestamp;

/// What the first key of all follows. No key id is spelt like this, and only one key can follow it.
const ORIGIN: &str = "(none)";
/// How often a command tries again when another node changes the keys at the same moment.
const MOST_ATTEMPTS: usize = 5;

/// How a key gives way to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is published first; the predecessor's tokens live to their end.
    Orderly,
    /// Every other key is gone at once, and so are the tokens that it signed.
    Emergency,
}

/// A key that is to be added, and what becomes of those before it.
struct Plan {
    new: SigningKeyRecord,
    ending: Vec<(String, KeyTimes)>,
    rotation: Rotation,
    events: Vec<AuditEvent>,
    now: Timestamp,
}

impl Keyring {
    /// Makes the first key if there is none, and a successor if the newest is due for one; deletes
    /// keys that are gone. To be called at start and every minute or so.
    ///
    /// # Errors
    ///
    /// The database or the cryptographic library fails.
    pub async fn ensure(&self, now: Timestamp) -> Result<(), KeyringError> {
        let _turn = self.turn.lock().await;
        let keys = self.reload(now).await?;
        let actor = Actor { kind: ActorKind::System, id: "key_schedule".to_owned() };
        let is_due = keys.newest().is_none_or(|newest| {
            newest.times().state(now) == KeyState::Removed
                || newest.times().successor_is_due(&self.options.schedule, now)
        });
        if is_due {
            self.follow(&keys, Rotation::Orderly, &actor, now).await?;
        }
        for gone in self.last_loaded().removable(now) {
            self.remove(gone, &actor, now).await?;
        }
        Ok(())
    }

    /// Deletes a key that is gone, its private half with it, unless another node did.
    async fn remove(
        &self,
        gone: &LoadedKey,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let key_id = gone.key_id().to_owned();
        let removed = self.event(AuditAction::SigningKeyRemoved, &key_id, gone.times(), actor, now);
        let deletion = move |writer: &mut Writer<'_>| -> Result<_, StorageError> {
            writer.delete_signing_key(&key_id, now)?;
            Ok(Change::made((), vec![removed]))
        };
        self.database.write(deletion).await
    }

    /// Changes the key by command.
    ///
    /// # Errors
    ///
    /// A successor waits already (an emergency does not mind); or the database or the
    /// cryptographic library fails.
    pub async fn rotate(
        &self,
        rotation: Rotation,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Arc<Keys>, KeyringError> {
        let _turn = self.turn.lock().await;
        for _ in 0..MOST_ATTEMPTS {
            let keys = self.reload(now).await?;
            let waiting =
                keys.newest().is_some_and(|key| key.times().state(now) == KeyState::Prepublished);
            if waiting && rotation == Rotation::Orderly {
                return Err(KeyringError::AlreadyRotating);
            }
            if self.follow(&keys, rotation, actor, now).await? {
                return Ok(self.last_loaded());
            }
        }
        Err(KeyringError::AlreadyRotating)
    }

    /// Adds a key that follows the newest. Returns whether it did: another node may have been
    /// faster, and its key stands.
    async fn follow(
        &self,
        keys: &Keys,
        rotation: Rotation,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool, KeyringError> {
        let algorithm = self.options.algorithm;
        let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await;
        let key = made
            .map_err(|_| KeyringError::Generation("the thread that made it ended".to_owned()))?
            .map_err(|reason| KeyringError::Generation(reason.to_string()))?;
        let plan = self.plan(keys, &key, rotation, actor, now)?;
        let added = match self.database.write(move |writer| plan.carry_out(writer)).await {
            Ok(()) => true,
            Err(StorageError::Exists { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        self.reload(now).await?;
        Ok(added)
    }

    pub(super) fn event(
        &self,
        action: AuditAction,
        key_id: &str,
        times: &KeyTimes,
        actor: &Actor,
        now: Timestamp,
    ) -> AuditEvent {
        AuditEvent {
            id: (self.options.event_id)(now),
            time: now,
            actor: actor.clone(),
            action,
            object: Object { kind: "signing_key".to_owned(), id: key_id.to_owned() },
            reasons: Vec::new(),
            policy_digest: None,
            request_id: None,
            detail: detail(times),
        }
    }

    fn plan(
        &self,
        keys: &Keys,
        key: &SigningKey,
        rotation: Rotation,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Plan, KeyringError> {
        let schedule = &self.options.schedule;
        let times = match rotation {
            Rotation::Orderly if keys.signer(now).is_some() => {
                KeyTimes::prepublished(schedule, now)
            }
            Rotation::Orderly | Rotation::Emergency => KeyTimes::at_once(now),
        };
        let ending = ending(keys, rotation, schedule, times.activate_at, now);
        let event = |action, key_id: &str, times| self.event(action, key_id, times, actor, now);
        let mut events = vec![event(AuditAction::SigningKeyCreated, key.key_id(), &times)];
        for (key_id, times) in &ending {
            events.push(event(AuditAction::SigningKeyRetired, key_id, times));
        }
        let sealed_private =
            self.options.sealing.seal(&key.private_jwk()).map_err(KeyringError::Sealing)?;
        let predecessor = keys.newest().map_or(ORIGIN, LoadedKey::key_id);
        let new = SigningKeyRecord {
            key_id: key.key_id().to_owned(),
            algorithm: key.algorithm().name().to_owned(),
            public_jwk: key.public_jwk(),
            sealed_private,
            predecessor: Some(predecessor.to_owned()),
            publish_at: times.publish_at,
            activate_at: times.activate_at,
            retire_at: times.retire_at,
            remove_at: times.remove_at,
        };
        Ok(Plan { new, ending, rotation, events, now })
    }
}

/// The keys that end, and when: the newest once its successor signs, or every other key now.
fn ending(
    keys: &Keys,
    rotation: Rotation,
    schedule: &KeySchedule,
    activate_at: Timestamp,
    now: Timestamp,
) -> Vec<(String, KeyTimes)> {
    let named = |key: &LoadedKey, times: KeyTimes| (key.key_id().to_owned(), times);
    match rotation {
        Rotation::Orderly => keys
            .newest()
            .filter(|newest| newest.times().retire_at.is_none())
            .map(|newest| named(newest, newest.times().succeeded(schedule, activate_at)))
            .into_iter()
            .collect(),
        Rotation::Emergency => {
            keys.states(now).map(|(key, _)| named(key, key.times().withdrawn(now))).collect()
        }
    }
}

impl Plan {
    /// The new key comes first: should its predecessor be followed already, nothing happens.
    fn carry_out(self, writer: &mut Writer<'_>) -> Result<Change<()>, StorageError> {
        writer.insert_signing_key(&self.new)?;
        for (key_id, times) in &self.ending {
            match (self.rotation, times.retire_at, times.remove_at) {
                (Rotation::Orderly, Some(retire_at), Some(remove_at)) => {
                    writer.retire_signing_key(key_id, retire_at, remove_at)?;
                }
                (Rotation::Orderly, _, _) => {}
                (Rotation::Emergency, _, _) => writer.withdraw_signing_key(key_id, self.now)?,
            }
        }
        Ok(Change::made((), self.events))
    }
}

fn detail(times: &KeyTimes) -> serde_json::Value {
    json!({
        "publish_at": times.publish_at,
        "activate_at": times.activate_at,
        "retire_at": times.retire_at,
        "remove_at": times.remove_at,
    })
}
