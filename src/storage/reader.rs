//! What a read may do. Each record's file adds its own look-ups.

use diesel::connection::SimpleConnection as _;

use crate::storage::connection::AnyConnection;
use crate::storage::error::StorageError;

/// Looks records up. It is handed to the job of [`Database::read`](crate::storage::Database::read).
pub struct Reader<'a> {
    pub(super) connection: &'a mut AnyConnection,
    in_transaction: bool,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Reader")
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(connection: &'a mut AnyConnection) -> Self {
        Self { connection, in_transaction: false }
    }

    /// The reading side of a write.
    pub(super) fn within_transaction(connection: &'a mut AnyConnection) -> Self {
        Self { connection, in_transaction: true }
    }

    /// Runs several look-ups on one state of the whole database.
    pub fn snapshot<T, E: From<StorageError>>(
        &mut self,
        job: impl FnOnce(&mut Reader<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.in_transaction {
            return job(self);
        }
        self.connection.begin_snapshot().map_err(StorageError::from)?;
        let result = job(&mut Reader::within_transaction(self.connection));
        let ended = self.connection.batch_execute("ROLLBACK").map_err(StorageError::from);
        let value = result?;
        ended?;
        Ok(value)
    }
}

/// A part of a list in the order of the identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The last identifier of the page before.
    pub after: Option<String>,
    /// The most rows to return; never more than [`Page::LARGEST`].
    pub limit: u16,
}

impl Page {
    /// The most rows of any page.
    pub const LARGEST: u16 = 1000;

    /// The first page.
    #[must_use]
    pub const fn first(limit: u16) -> Self {
        Self { after: None, limit }
    }

    /// The page after a row.
    #[must_use]
    pub fn following(id: impl std::fmt::Display, limit: u16) -> Self {
        Self { after: Some(id.to_string()), limit }
    }

    pub(super) fn after(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }

    pub(super) fn limit(&self) -> i64 {
        i64::from(self.limit.min(Self::LARGEST))
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(100)
    }
}
