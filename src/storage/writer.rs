//! What a write may do, and the rule that binds it: no event, no change (GOV-AU-1).

use std::ops::{Deref, DerefMut};

use diesel::QueryResult;

use crate::governance::audit::{AuditAction, AuditEvent};
use crate::partners::State;
use crate::storage::connection::AnyConnection;
use crate::storage::error::{self, StorageError};
use crate::storage::generation;
use crate::storage::reader::Reader;

/// What a write hands back: its result, and the events that say what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<T> {
    value: T,
    events: Vec<AuditEvent>,
}

impl<T> Change<T> {
    /// Something changed. An event is appended only if the write did change something: what was
    /// already so (a token revoked twice) leaves no second line.
    #[must_use]
    pub const fn made(value: T, events: Vec<AuditEvent>) -> Self {
        Self { value, events }
    }

    /// Nothing of which the audit log speaks has changed.
    #[must_use]
    pub const fn nothing(value: T) -> Self {
        Self { value, events: Vec::new() }
    }
}

/// Changes records, and looks them up as a [`Reader`] does. It is handed to the job of
/// [`Database::write`](crate::storage::Database::write).
#[derive(Debug)]
pub struct Writer<'a> {
    reader: Reader<'a>,
    changed: bool,
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;
    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl<'a> DerefMut for Writer<'a> {
    fn deref_mut(&mut self) -> &mut Reader<'a> {
        &mut self.reader
    }
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: &'a mut AnyConnection) -> Self {
        Self { reader: Reader::within_transaction(connection), changed: false }
    }

    /// Appends the events and raises the change sequence where they alter standing. Returns the
    /// sequence that was reached.
    pub(super) fn finish<T>(mut self, change: Change<T>) -> Result<(T, Option<u64>), StorageError> {
        let Change { value, mut events } = change;
        if self.changed && events.is_empty() {
            return Err(StorageError::Broken("a change without an audit event".to_owned()));
        }
        let changed = self.changed;
        events.retain(|event| changed || event.action == AuditAction::RegistrationRefused);
        self.append_events(&events)?;
        // PostgreSQL takes the COMMIT of a transaction in which a statement has failed, and rolls
        // back. Whatever was appended has shown that none has.
        if events.is_empty() && !self.connection.answers() {
            return Err(StorageError::Unavailable("a statement of a write failed".to_owned()));
        }
        let alters = events.iter().any(|event| event.action.alters_standing());
        let raised = if alters { Some(generation::advance(self.connection)?) } else { None };
        Ok((value, raised))
    }

    /// Inserts rows of which the audit log speaks.
    pub(super) fn insert(
        &mut self,
        table: &'static str,
        statement: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
    ) -> Result<(), StorageError> {
        self.insert_unaudited(table, statement)?;
        self.changed = true;
        Ok(())
    }

    /// Inserts rows that are no partner's record. A failure leaves the transaction usable.
    pub(super) fn insert_unaudited(
        &mut self,
        table: &'static str,
        statement: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
    ) -> Result<(), StorageError> {
        self.connection.guarded(statement).map(drop).map_err(|error| error::named(table, error))
    }

    /// Updates one row of which the audit log speaks.
    pub(super) fn update(
        &mut self,
        table: &'static str,
        statement: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
    ) -> Result<(), StorageError> {
        self.update_unaudited(table, statement)?;
        self.changed = true;
        Ok(())
    }

    /// Updates one row that is no partner's record. If there is none that fits, the caller's view
    /// of it is stale.
    pub(super) fn update_unaudited(
        &mut self,
        table: &'static str,
        statement: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
    ) -> Result<(), StorageError> {
        match self.connection.guarded(statement) {
            Ok(0) => Err(StorageError::Stale { table }),
            Ok(_) => Ok(()),
            Err(error) => Err(error::named(table, error)),
        }
    }

    /// Notes that something changed of which the audit log speaks.
    pub(super) fn note_change(&mut self) {
        self.changed = true;
    }
}

/// Refuses a transition that the record's table of transitions does not know.
pub(super) fn check_transition<S: State>(from: S, to: S) -> Result<(), StorageError> {
    if from.may_become(to) {
        return Ok(());
    }
    Err(StorageError::ForbiddenTransition { record: S::RECORD, from: from.name(), to: to.name() })
}
