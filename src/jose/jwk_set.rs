//! Sets of public keys ([RFC 7517] §5): strict when registered by value, lenient when fetched.
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use crate::jose::jwk::KeyProblem;
use crate::jose::jwk::PublicKey;

/// How many keys one set may hold.
pub const MOST_KEYS: usize = 20;

/// Why a key set, or a key in it, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not an object with an array `keys`.
    #[error("a key set is an object with an array `keys`")]
    NotASet,
    /// No key at all.
    #[error("a key set holds at least one key")]
    Empty,
    /// More than [`MOST_KEYS`].
    #[error("a key set holds at most {MOST_KEYS} keys, not {0}")]
    TooMany(usize),
    /// One key is not acceptable; the first stands at position 0.
    #[error("the key at position {position}: {problem}")]
    Key {
        /// Where it stands.
        position: usize,
        /// What is wrong with it.
        problem: KeyProblem,
    },
}

/// Public keys with their verifiers, imported once. Cloning shares them.
#[derive(Debug, Clone)]
pub struct JwkSet {
    keys: Arc<[PublicKey]>,
}

impl JwkSet {
    /// Reads a set that somebody registers by value: every key must be usable for verifying.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, Vec<InvalidKey>> {
        let entries = entries(value).map_err(|problem| vec![problem])?;
        if entries.is_empty() {
            return Err(vec![InvalidKey::Empty]);
        }
        let (keys, mut problems) = read_all(entries);
        problems.extend(repeated_key_ids(&keys));
        if problems.is_empty() { Ok(Self::of(keys)) } else { Err(problems) }
    }

    /// Reads a set that was fetched. Keys that we cannot use are skipped (RFC 7517 §5), so the
    /// result may be empty; private or symmetric keys, of which the owner has lost control, and
    /// repeated key ids refuse the whole.
    ///
    /// # Errors
    ///
    /// The first reason to refuse the whole set.
    pub fn parse_fetched(value: &Value) -> Result<Self, InvalidKey> {
        let (keys, problems) = read_all(entries(value)?);
        let leaks = |problem: &InvalidKey| {
            matches!(
                problem,
                InvalidKey::Key {
                    problem: KeyProblem::PrivateMember(_) | KeyProblem::SymmetricKey,
                    ..
                }
            )
        };
        let refusal = problems.into_iter().find(leaks);
        match refusal.or_else(|| repeated_key_ids(&keys).into_iter().next()) {
            Some(problem) => Err(problem),
            None => Ok(Self::of(keys)),
        }
    }

    /// The keys, in the order of the set.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The set as JSON: public members only, in one order.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "keys": self.keys.iter().map(PublicKey::to_value).collect::<Vec<_>>() })
    }

    /// The key that answers to a `kid`: its own, or its thumbprint where it has none.
    #[must_use]
    pub fn find(&self, key_id: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.key_id().unwrap_or(key.thumbprint()) == key_id)
    }

    fn of(keys: Vec<(usize, PublicKey)>) -> Self {
        Self { keys: keys.into_iter().map(|(_, key)| key).collect() }
    }
}

fn entries(value: &Value) -> Result<&[Value], InvalidKey> {
    let entries = value.get("keys").and_then(Value::as_array).ok_or(InvalidKey::NotASet)?;
    if entries.len() > MOST_KEYS {
        return Err(InvalidKey::TooMany(entries.len()));
    }
    Ok(entries)
}

fn read_all(entries: &[Value]) -> (Vec<(usize, PublicKey)>, Vec<InvalidKey>) {
    let mut keys = Vec::new();
    let mut problems = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        match PublicKey::from_jwk(entry) {
            Ok(key) => keys.push((position, key)),
            Err(problem) => problems.push(InvalidKey::Key { position, problem }),
        }
    }
    (keys, problems)
}

/// Keys under a `kid` that an earlier key has: a signature must name one key.
fn repeated_key_ids(keys: &[(usize, PublicKey)]) -> Vec<InvalidKey> {
    let mut seen = BTreeSet::new();
    let is_new = |key: &PublicKey, seen: &mut BTreeSet<String>| {
        seen.insert(key.key_id().unwrap_or(key.thumbprint()).to_owned())
    };
    keys.iter()
        .filter(|(_, key)| !is_new(key, &mut seen))
        .map(|(position, _)| InvalidKey::Key {
            position: *position,
            problem: KeyProblem::RepeatedKeyId,
        })
        .collect()
}
