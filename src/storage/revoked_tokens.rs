//! The rows of tokens that were revoked before their end (RFC 7009).

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::storage::error::{self, StorageError};
use crate::storage::reader::Reader;
use crate::storage::schema::revoked_tokens;
use crate::storage::writer::Writer;
use crate::types::{ClientId, Timestamp};

impl Reader<'_> {
    /// Whether the token with this `jti` was revoked.
    pub fn is_token_revoked(&mut self, jti: &str) -> Result<bool, StorageError> {
        let found: Option<i64> = revoked_tokens::table
            .find(jti)
            .select(revoked_tokens::expires_at)
            .get_result(self.connection)
            .optional()?;
        Ok(found.is_some())
    }

    /// The `jti` of every token that was revoked and may not have expired yet; nothing if they are
    /// more than `most`.
    pub fn revoked_tokens(&mut self, most: u16) -> Result<Option<Vec<String>>, StorageError> {
        let found: Vec<String> = revoked_tokens::table
            .select(revoked_tokens::jti)
            .limit(i64::from(most).saturating_add(1))
            .load(self.connection)?;
        Ok(Some(found).filter(|found| found.len() <= usize::from(most)))
    }
}

impl Writer<'_> {
    /// Revokes a token until `expires_at`, when it ends by itself. Returns whether it was not
    /// revoked before.
    pub fn revoke_token(
        &mut self,
        jti: &str,
        client_id: &ClientId,
        expires_at: Timestamp,
    ) -> Result<bool, StorageError> {
        let rows = diesel::sql_query(
            "INSERT INTO revoked_tokens (jti, client_id, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING",
        )
        .bind::<Text, _>(jti)
        .bind::<Text, _>(client_id.as_str())
        .bind::<BigInt, _>(expires_at.epoch())
        .execute(self.connection)
        .map_err(|error| error::named("revoked_tokens", error))?;
        if rows > 0 {
            self.note_change();
        }
        Ok(rows > 0)
    }
}
