//! The rows of our own signing keys. The private half arrives here sealed.

use diesel::prelude::*;
use serde_json::Value;

use crate::storage::error::StorageError;
use crate::storage::limited::Limit as _;
use crate::storage::reader::Reader;
use crate::storage::rows::{self, Column};
use crate::storage::schema::signing_keys;
use crate::storage::writer::Writer;
use crate::types::Timestamp;

const TABLE: &str = "signing_keys";

/// A signing key as it is stored. Its state is a function of these times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// The `kid`.
    pub key_id: String,
    /// The algorithm, by its JOSE name.
    pub algorithm: String,
    /// The public JWK.
    pub public_jwk: Value,
    /// The private JWK, sealed (JWE).
    pub sealed_private: String,
    /// The key that this one follows; unique, so that two nodes cannot both follow it.
    pub predecessor: Option<String>,
    /// From when on it is in `/jwks`.
    pub publish_at: Timestamp,
    /// From when on it signs.
    pub activate_at: Timestamp,
    /// From when on it signs no longer.
    pub retire_at: Option<Timestamp>,
    /// From when on it is no longer in `/jwks`.
    pub remove_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys, treat_none_as_default_value = false)]
struct SigningKeyRow {
    kid: String,
    algorithm: String,
    public_jwk: String,
    sealed_private: String,
    predecessor: Option<String>,
    publish_at: i64,
    activate_at: i64,
    retire_at: Option<i64>,
    remove_at: Option<i64>,
}

impl TryFrom<&SigningKeyRecord> for SigningKeyRow {
    type Error = StorageError;
    fn try_from(key: &SigningKeyRecord) -> Result<Self, StorageError> {
        Ok(Self {
            kid: key.key_id.clone(),
            algorithm: key.algorithm.clone(),
            public_jwk: rows::json(&key.public_jwk)?,
            sealed_private: key.sealed_private.clone(),
            predecessor: key.predecessor.clone(),
            publish_at: key.publish_at.epoch(),
            activate_at: key.activate_at.epoch(),
            retire_at: key.retire_at.map(Timestamp::epoch),
            remove_at: key.remove_at.map(Timestamp::epoch),
        })
    }
}

impl TryFrom<SigningKeyRow> for SigningKeyRecord {
    type Error = StorageError;
    fn try_from(row: SigningKeyRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            key_id: row.kid,
            algorithm: row.algorithm,
            public_jwk: at("public_jwk").json(&row.public_jwk)?,
            sealed_private: row.sealed_private,
            predecessor: row.predecessor,
            publish_at: at("publish_at").time(row.publish_at)?,
            activate_at: at("activate_at").time(row.activate_at)?,
            retire_at: at("retire_at").optional_time(row.retire_at)?,
            remove_at: at("remove_at").optional_time(row.remove_at)?,
        })
    }
}

impl Reader<'_> {
    /// Every signing key that there is, in the order of their activation.
    pub fn signing_keys(&mut self) -> Result<Vec<SigningKeyRecord>, StorageError> {
        rows::all(
            signing_keys::table
                .order((signing_keys::activate_at, signing_keys::kid))
                .select(SigningKeyRow::as_select())
                .bounded()
                .load(self.connection)?,
        )
    }
}

impl Writer<'_> {
    /// Records a signing key. [`StorageError::Exists`] if another key follows the same predecessor.
    pub fn insert_signing_key(&mut self, key: &SigningKeyRecord) -> Result<(), StorageError> {
        let row = SigningKeyRow::try_from(key)?;
        self.insert(TABLE, |connection| {
            diesel::insert_into(signing_keys::table).values(&row).execute(connection)
        })
    }

    /// Sets the end of a key that has none yet.
    pub fn retire_signing_key(
        &mut self,
        key_id: &str,
        retire_at: Timestamp,
        remove_at: Timestamp,
    ) -> Result<(), StorageError> {
        self.update(TABLE, |connection| {
            diesel::update(
                signing_keys::table.find(key_id).filter(signing_keys::retire_at.is_null()),
            )
            .set((
                signing_keys::retire_at.eq(Some(retire_at.epoch())),
                signing_keys::remove_at.eq(Some(remove_at.epoch())),
            ))
            .execute(connection)
        })
    }

    /// Ends a key now, whatever end it had.
    pub fn withdraw_signing_key(
        &mut self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.update(TABLE, |connection| {
            diesel::update(signing_keys::table.find(key_id))
                .set((
                    signing_keys::retire_at.eq(Some(now.epoch())),
                    signing_keys::remove_at.eq(Some(now.epoch())),
                ))
                .execute(connection)
        })
    }

    /// Deletes a key whose removal is due, its private half with it. Returns whether it was there.
    pub fn delete_signing_key(
        &mut self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let rows = diesel::delete(
            signing_keys::table.find(key_id).filter(signing_keys::remove_at.le(Some(now.epoch()))),
        )
        .execute(self.connection)?;
        if rows > 0 {
            self.note_change();
        }
        Ok(rows > 0)
    }
}
