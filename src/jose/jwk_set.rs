//! Sets of public keys ([RFC 7517] §5): strict when registered by value, lenient when fetched.
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use crate::jose::jwe;
use crate::jose::jwe::{EncryptionError, EncryptionKey};
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
    /// What its owner decrypts with; only in sets that were fetched or stored.
    for_encryption: Arc<[EncryptionKey]>,
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
        if let Some(problem) = refusal.or_else(|| repeated_key_ids(&keys).into_iter().next()) {
            return Err(problem);
        }
        let for_encryption = entries(value)?.iter().map(EncryptionKey::from_jwk);
        let for_encryption = for_encryption.filter_map(Result::ok).collect();
        Ok(Self { for_encryption, ..Self::of(keys) })
    }

    /// Wraps a signed JWT of the kind `typ` for the owner of the set, by these algorithms (`alg` and
    /// `enc`).
    ///
    /// # Errors
    ///
    /// No key of the set fits, or the library fails.
    pub fn encrypt_for_owner(
        &self,
        algorithms: (&str, &str),
        typ: &str,
        jwt: &str,
    ) -> Result<String, EncryptionError> {
        jwe::nested(&self.for_encryption, algorithms, typ, jwt)
    }

    /// The keys for signatures, in the order of the set.
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
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        Self { keys, for_encryption: Arc::default() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::jose::SigningKey;

    fn public() -> Value {
        SigningKey::generate(Algorithm::Es256).unwrap().public_jwk()
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn set(keys: &[Value]) -> Value {
        json!({ "keys": keys })
    }

    #[test]
    fn a_set_reads_back_from_its_own_json() {
        let value = set(&[public(), public()]);
        let keys = JwkSet::parse(&value).unwrap();
        assert_eq!(keys.to_value(), value);
        assert_eq!(JwkSet::parse_fetched(&keys.to_value()).unwrap().to_value(), value);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for bad in [json!([]), json!({}), json!({ "keys": {} }), json!(null), json!("keys")] {
            assert_eq!(JwkSet::parse(&bad).unwrap_err(), [InvalidKey::NotASet]);
            assert_eq!(JwkSet::parse_fetched(&bad).unwrap_err(), InvalidKey::NotASet);
        }
        assert_eq!(JwkSet::parse(&set(&[])).unwrap_err(), [InvalidKey::Empty]);
    }

    #[test]
    fn more_keys_than_twenty_are_refused_without_importing_one() {
        let many = set(&vec![json!(null); 100]);
        assert_eq!(JwkSet::parse(&many).unwrap_err(), [InvalidKey::TooMany(100)]);
        assert_eq!(JwkSet::parse_fetched(&many).unwrap_err(), InvalidKey::TooMany(100));
        let most: Vec<_> = (0..MOST_KEYS).map(|_| public()).collect();
        assert_eq!(JwkSet::parse(&set(&most)).unwrap().keys().len(), MOST_KEYS);
    }

    #[test]
    fn a_registered_set_is_refused_with_every_problem_at_once() {
        let good = public();
        let problems = JwkSet::parse(&set(&[
            with(public(), "use", json!("enc")),
            good.clone(),
            with(public(), "d", json!("AQ")),
            with(public(), "kid", good["kid"].clone()),
        ]))
        .unwrap_err();
        let at = |position, problem| InvalidKey::Key { position, problem };
        assert_eq!(
            problems,
            [
                at(0, KeyProblem::NotForSignatures),
                at(2, KeyProblem::PrivateMember("d")),
                at(3, KeyProblem::RepeatedKeyId),
            ]
        );
    }

    #[test]
    fn keys_of_a_fetched_set_that_we_cannot_use_are_skipped() {
        let good = public();
        let value = set(&[
            with(public(), "use", json!("enc")),
            json!({ "kty": "XYZ", "kid": "new" }),
            json!({ "kty": "EC", "crv": "P-521", "x": "AQ", "y": "AQ" }),
            good.clone(),
            with(public(), "alg", json!("ES512")),
            json!(7),
        ]);
        assert_eq!(JwkSet::parse_fetched(&value).unwrap().to_value(), set(&[good]));
        assert!(JwkSet::parse_fetched(&set(&[])).unwrap().keys().is_empty());
    }

    #[test]
    fn a_fetched_set_with_a_private_or_symmetric_key_or_a_repeated_key_id_is_refused() {
        let good = public();
        for (bad, problem) in [
            (with(public(), "d", json!("AQ")), KeyProblem::PrivateMember("d")),
            (json!({ "kty": "XYZ", "k": "AQ" }), KeyProblem::PrivateMember("k")),
            (json!({ "kty": "oct" }), KeyProblem::SymmetricKey),
            (with(public(), "kid", good["kid"].clone()), KeyProblem::RepeatedKeyId),
        ] {
            let refused = JwkSet::parse_fetched(&set(&[good.clone(), bad])).unwrap_err();
            assert_eq!(refused, InvalidKey::Key { position: 1, problem });
        }
    }

    #[test]
    fn the_same_key_twice_without_a_key_id_is_refused() {
        let mut key = public();
        key.as_object_mut().unwrap().remove("kid");
        assert!(JwkSet::parse(&set(&[key.clone(), key])).is_err());
    }

    #[test]
    fn a_key_without_a_key_id_answers_to_its_thumbprint() {
        let mut key = public();
        let kid = key["kid"].as_str().unwrap().to_owned();
        key.as_object_mut().unwrap().remove("kid");
        let keys = JwkSet::parse(&set(&[key])).unwrap();
        assert_eq!(keys.find(&kid).unwrap().thumbprint(), kid);
        assert!(keys.find("other").is_none());
    }
}
