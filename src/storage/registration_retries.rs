//! Which client a request with an `Idempotency-Key` made, so that its repetition makes no second one
//! (REG-E10). The key is unique: of two at once, one finds it taken.

use diesel::prelude::*;

use crate::storage::error::StorageError;
use crate::storage::reader::Reader;
use crate::storage::rows::Column;
use crate::storage::schema::registration_retries;
use crate::storage::writer::Writer;
use crate::types::{ClientId, Timestamp};

const TABLE: &str = "registration_retries";

/// What a request with an `Idempotency-Key` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRetry {
    /// A hash over everything that the key is scoped to, and the key.
    pub key: String,
    /// A hash over what was accepted.
    pub content: String,
    /// The client that it made.
    pub client_id: ClientId,
    /// The first instant at which it is forgotten.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = registration_retries)]
struct RetryRow {
    key: String,
    content: String,
    client_id: String,
    expires_at: i64,
}

impl TryFrom<RetryRow> for RegistrationRetry {
    type Error = StorageError;
    fn try_from(row: RetryRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            key: row.key,
            content: row.content,
            client_id: at("client_id").read(ClientId::parse(row.client_id))?,
            expires_at: at("expires_at").time(row.expires_at)?,
        })
    }
}

impl Reader<'_> {
    /// What the request with this key made, if it is not forgotten.
    pub fn registration_retry(
        &mut self,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<RegistrationRetry>, StorageError> {
        registration_retries::table
            .find(key)
            .filter(registration_retries::expires_at.gt(now.epoch()))
            .select(RetryRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(RegistrationRetry::try_from)
            .transpose()
    }
}

impl Writer<'_> {
    /// Remembers what a request made. One that is forgotten gives its key away.
    pub fn insert_registration_retry(
        &mut self,
        retry: &RegistrationRetry,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let row = RetryRow {
            key: retry.key.clone(),
            content: retry.content.clone(),
            client_id: retry.client_id.to_string(),
            expires_at: retry.expires_at.epoch(),
        };
        let forgotten = registration_retries::table
            .find(&retry.key)
            .filter(registration_retries::expires_at.le(now.epoch()));
        diesel::delete(forgotten).execute(self.connection)?;
        self.insert_unaudited(TABLE, |connection| {
            diesel::insert_into(registration_retries::table).values(&row).execute(connection)
        })
    }
}
