//! The signing keys as they were last loaded: who signs, who verifies, what is published.

use serde_json::{Value, json};

use crate::jose::InvalidJws;
use crate::jose::InvalidKey;
use crate::jose::JwkSet;
use crate::jose::SigningKey;
use crate::jose::UnverifiedJws;
use crate::jose::VerifiedJws;
use crate::keyring::lifecycle::{KeyState, KeyTimes};
use crate::types::Timestamp;

/// One key, imported once (FLR-2).
#[derive(Debug, Clone)]
pub struct LoadedKey {
    key_id: String,
    /// Nothing, if the key was gone already when it was loaded.
    opened: Option<Opened>,
    predecessor: Option<String>,
    times: KeyTimes,
}

#[derive(Debug, Clone)]
struct Opened {
    signing: SigningKey,
    verifying: JwkSet,
}

impl LoadedKey {
    /// Takes up a private key with the key that it follows and its times.
    pub(super) fn new(
        signing: SigningKey,
        predecessor: Option<String>,
        times: KeyTimes,
    ) -> Result<Self, Vec<InvalidKey>> {
        let verifying = JwkSet::parse(&json!({ "keys": [signing.public_jwk()] }))?;
        let key_id = signing.key_id().to_owned();
        Ok(Self { key_id, opened: Some(Opened { signing, verifying }), predecessor, times })
    }

    /// Remembers a key that is gone by its name: others may follow it.
    pub(super) fn gone(key_id: &str, predecessor: Option<String>, times: KeyTimes) -> Self {
        Self { key_id: key_id.to_owned(), opened: None, predecessor, times }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    /// The same key with other times.
    pub(super) fn at(&self, times: KeyTimes) -> Self {
        Self { times, ..self.clone() }
    }

    /// The `kid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The instants of its life.
    #[must_use]
    pub const fn times(&self) -> &KeyTimes {
        &self.times
    }
}

/// Every key that is not gone, the oldest first. A value of this type never changes; the keyring
/// replaces it.
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) generation: u64,
    pub(super) keys: Vec<LoadedKey>,
}

impl Keys {
    /// The generation of the database that they were loaded at.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The key that signs now; the youngest, should two be active.
    #[must_use]
    pub fn signer(&self, now: Timestamp) -> Option<&SigningKey> {
        let active = |key: &&LoadedKey| key.times.state(now) == KeyState::Active;
        let key = self.keys.iter().rev().find(active)?;
        key.opened.as_ref().map(|opened| &opened.signing)
    }

    /// The public keys as a JWK set (RFC 7517 §5): prepublished, active and retiring ones.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Value {
        let opened = self.usable(now).filter_map(|key| key.opened.as_ref());
        let keys = opened.map(|opened| opened.signing.public_jwk()).collect::<Vec<_>>();
        json!({ "keys": keys })
    }

    /// Checks that one of our keys signed, and that it is not gone. Another node's clock may be
    /// ahead of ours, so a key that is published already counts.
    ///
    /// # Errors
    ///
    /// The `kid` is missing, unknown or gone; or the signature is not by that key.
    pub fn verify(&self, jws: UnverifiedJws, now: Timestamp) -> Result<VerifiedJws, InvalidJws> {
        let named = jws.header().key_id.as_deref();
        let key = named
            .and_then(|key_id| self.usable(now).find(|key| key.key_id == key_id))
            .and_then(|key| key.opened.as_ref())
            .ok_or(InvalidJws::UnknownKey)?;
        jws.verify(&key.verifying, &[key.signing.algorithm()])
    }

    /// Every key that has not been removed, with its state.
    pub fn states(&self, now: Timestamp) -> impl Iterator<Item = (&LoadedKey, KeyState)> {
        self.usable(now).map(move |key| (key, key.times.state(now)))
    }

    /// Whether a key with this `kid` is published, so that what it signed is good.
    #[must_use]
    pub fn is_usable(&self, key_id: &str, now: Timestamp) -> bool {
        self.usable(now).any(|key| key.key_id() == key_id)
    }

    fn usable(&self, now: Timestamp) -> impl Iterator<Item = &LoadedKey> {
        self.keys.iter().filter(move |key| key.times.state(now) != KeyState::Removed)
    }

    /// The key that no other follows.
    pub(super) fn newest(&self) -> Option<&LoadedKey> {
        let follows =
            |one: &LoadedKey, other: &LoadedKey| one.predecessor.as_deref() == Some(other.key_id());
        let is_followed = |key: &LoadedKey| self.keys.iter().any(|other| follows(other, key));
        self.keys.iter().rev().find(|key| !is_followed(key))
    }

    /// The keys that are gone and have a successor: nobody needs them any more.
    pub(super) fn removable(&self, now: Timestamp) -> impl Iterator<Item = &LoadedKey> {
        let newest = self.newest().map(LoadedKey::key_id);
        let gone = move |key: &&LoadedKey| key.times.state(now) == KeyState::Removed;
        self.keys.iter().filter(gone).filter(move |key| newest != Some(key.key_id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::keyring::lifecycle::KeySchedule;

    const SCHEDULE: KeySchedule =
        KeySchedule { rotation_seconds: 1000, prepublish_seconds: 100, overlap_seconds: 400 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch(seconds).unwrap()
    }

    fn loaded(predecessor: Option<&LoadedKey>, times: KeyTimes) -> LoadedKey {
        let signing = SigningKey::generate(Algorithm::Es256).unwrap();
        LoadedKey::new(signing, predecessor.map(|key| key.key_id().to_owned()), times).unwrap()
    }

    /// The first key signs until 1000, the second is published at 900.
    fn rotating() -> Keys {
        let second = KeyTimes::prepublished(&SCHEDULE, at(900));
        let first = KeyTimes::at_once(at(0)).succeeded(&SCHEDULE, second.activate_at);
        let first = loaded(None, first);
        let second = loaded(Some(&first), second);
        Keys { generation: 1, keys: vec![first, second] }
    }

    fn signed_by(keys: &Keys, now: Timestamp) -> UnverifiedJws {
        let token = keys.signer(now).unwrap().sign("at+jwt", &json!({ "jti": "1" })).unwrap();
        UnverifiedJws::parse(&token).unwrap()
    }

    fn key_ids(jwks: &Value) -> Vec<&str> {
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect()
    }

    #[test]
    fn the_successor_is_published_before_it_signs() {
        let keys = rotating();
        let (first, second) = (keys.keys[0].key_id(), keys.keys[1].key_id());
        assert_eq!(key_ids(&keys.jwks(at(950))), [first, second]);
        assert_eq!(keys.signer(at(950)).unwrap().key_id(), first);
        assert_eq!(keys.signer(at(999)).unwrap().key_id(), first);
        assert_eq!(keys.signer(at(1000)).unwrap().key_id(), second);
        assert_eq!(key_ids(&keys.jwks(at(1400))), [second]);
    }

    #[test]
    fn a_token_signed_a_second_before_rotation_verifies_to_the_end_of_the_overlap() {
        let keys = rotating();
        let token = signed_by(&keys, at(999));
        assert!(keys.verify(token.clone(), at(1399)).is_ok());
        assert_eq!(keys.verify(token, at(1400)), Err(InvalidJws::UnknownKey));
    }

    #[test]
    fn a_withdrawn_key_kills_its_tokens_at_once() {
        let mut keys = rotating();
        let token = signed_by(&keys, at(500));
        keys.keys[0] = keys.keys[0].at(keys.keys[0].times.withdrawn(at(600)));
        assert!(keys.verify(token.clone(), at(599)).is_ok());
        assert_eq!(keys.verify(token, at(600)), Err(InvalidJws::UnknownKey));
    }

    #[test]
    fn only_our_own_keys_count() {
        let (ours, others) = (rotating(), rotating());
        let foreign = signed_by(&others, at(500));
        assert_eq!(ours.verify(foreign, at(500)), Err(InvalidJws::UnknownKey));
    }

    #[test]
    fn the_newest_key_is_the_one_that_no_other_follows() {
        let mut keys = rotating();
        let emergency = loaded(Some(&keys.keys[1]), KeyTimes::at_once(at(950)));
        let newest = emergency.key_id().to_owned();
        keys.keys.insert(1, emergency);
        assert_eq!(keys.newest().unwrap().key_id(), newest);
    }

    #[test]
    fn nothing_private_is_published() {
        let published = rotating().jwks(at(950)).to_string();
        assert!(!published.contains("\"d\""), "{published}");
    }
}
