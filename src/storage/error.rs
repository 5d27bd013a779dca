//! What can go wrong with what we remember.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why the store did not do as it was asked. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The queue is full, the store cannot be reached or it did not answer in time. Whether a write
    /// happened is unknown; the request fails (SEC-54).
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A record with this key exists already.
    #[error("a row of {table} with this key exists already")]
    Exists {
        /// The table.
        table: &'static str,
    },
    /// The record is no longer (or never was) as the caller saw it.
    #[error("the row of {table} is not there, or has changed")]
    Stale {
        /// The table.
        table: &'static str,
    },
    /// The record names another one that does not exist.
    #[error("the row of {table} names a record that does not exist")]
    Dangling {
        /// The table.
        table: &'static str,
    },
    /// A record may not pass from one state to the other.
    #[error("{record} may not pass from `{from}` to `{to}`")]
    ForbiddenTransition {
        /// The kind of record.
        record: &'static str,
        /// The state it would leave.
        from: &'static str,
        /// The state it would enter.
        to: &'static str,
    },
    /// A row does not read back (STY-13).
    #[error("{table}.{column} does not read back: {reason}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
    /// The database is older than the program.
    #[error("the database lacks {}; run `countersign migrate`", .0.join(", "))]
    NotMigrated(Vec<String>),
    /// The settings name no usable store.
    #[error("{0}")]
    Misconfigured(String),
    /// Our own fault, or a store that does not keep its word.
    #[error("the store failed: {0}")]
    Broken(String),
}

impl From<DieselError> for StorageError {
    fn from(error: DieselError) -> Self {
        if is_transient(&error) {
            Self::Unavailable(error.to_string())
        } else {
            Self::Broken(error.to_string())
        }
    }
}

/// Whether the same statement may succeed when it is tried again.
fn is_transient(error: &DieselError) -> bool {
    let DieselError::DatabaseError(kind, information) = error else {
        return matches!(error, DieselError::BrokenTransactionManager);
    };
    matches!(
        kind,
        DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction
            | DatabaseErrorKind::UnableToSendCommand
    ) || TRANSIENT.iter().any(|words| information.message().contains(words))
}

/// What the engines say when they mean "try again": diesel hands on no SQLSTATE.
const TRANSIENT: [&str; 14] = [
    "database is locked",
    "database table is locked",
    "canceling statement due to",
    "deadlock detected",
    "terminating connection",
    "server closed the connection",
    "could not receive data",
    "no connection to the server",
    "the database system is",
    "disk is full",
    "disk I/O error",
    "No space left on device",
    "readonly database",
    "read-only transaction",
];

/// Gives a failed write its name: the key exists, or a reference leads nowhere.
pub(super) fn named(table: &'static str, error: DieselError) -> StorageError {
    let DieselError::DatabaseError(kind, _) = &error else { return error.into() };
    if matches!(kind, DatabaseErrorKind::UniqueViolation) {
        return StorageError::Exists { table };
    }
    if matches!(kind, DatabaseErrorKind::ForeignKeyViolation) {
        return StorageError::Dangling { table };
    }
    error.into()
}
