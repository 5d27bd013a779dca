//! One connection to SQLite or PostgreSQL, set up so that what is committed stays committed.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, QueryResult, RunQueryDsl as _, SqliteConnection};

use crate::storage::error::StorageError;

/// Either engine. The name must not be `Connection`: the derive's glob imports would clash.
#[derive(diesel::MultiConnection)]
pub(super) enum AnyConnection {
    Sqlite(SqliteConnection),
    PostgreSql(PgConnection),
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
    Migrate,
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Sqlite(String),
    PostgreSql(String),
}

impl Target {
    /// Reads `sqlite:PATH` or `postgres://…`.
    pub(super) fn parse(url: &str) -> Result<Self, StorageError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.starts_with(':') {
                return Err(StorageError::Misconfigured(
                    "a SQLite database is a file: write `sqlite:PATH`".to_owned(),
                ));
            }
            return Ok(Self::Sqlite(path.to_owned()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::PostgreSql(with_timeouts(url)));
        }
        Err(StorageError::Misconfigured(
            "a database is named as `sqlite:PATH` or `postgres://…`".to_owned(),
        ))
    }

    /// Opens a connection and sets it up.
    pub(super) fn connect(&self, purpose: Purpose) -> Result<AnyConnection, StorageError> {
        match self {
            Self::Sqlite(path) => {
                create_private(Path::new(path))?;
                let mut connection =
                    SqliteConnection::establish(path).map_err(|error| unreachable(&error))?;
                set_up_sqlite(&mut connection, purpose)?;
                Ok(AnyConnection::Sqlite(connection))
            }
            Self::PostgreSql(url) => {
                let mut connection =
                    PgConnection::establish(url).map_err(|error| unreachable(&error))?;
                set_up_postgresql(&mut connection, purpose)?;
                Ok(AnyConnection::PostgreSql(connection))
            }
        }
    }
}

impl AnyConnection {
    /// Begins a transaction that will write. SQLite takes its write lock now: a deferred
    /// transaction that has read and then wants to write fails when another was faster (STY-22).
    pub(super) fn begin(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute("BEGIN IMMEDIATE"),
            Self::PostgreSql(connection) => connection.batch_execute("BEGIN"),
        }
    }

    /// Begins a transaction that sees one state of the whole database.
    pub(super) fn begin_snapshot(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute("BEGIN"),
            Self::PostgreSql(connection) => {
                connection.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            }
        }
    }

    /// Whether the server still answers. A transaction that has failed answers no more either.
    pub(super) fn answers(&mut self) -> bool {
        diesel::sql_query("SELECT 1").execute(self).is_ok()
    }

    /// Runs a statement whose failure must not spoil the transaction: PostgreSQL needs a savepoint.
    pub(super) fn guarded<T>(
        &mut self,
        statement: impl FnOnce(&mut Self) -> QueryResult<T>,
    ) -> QueryResult<T> {
        if let Self::Sqlite(_) = self {
            return statement(self);
        }
        self.batch_execute("SAVEPOINT statement")?;
        match statement(self) {
            Ok(value) => self.batch_execute("RELEASE SAVEPOINT statement").map(|()| value),
            Err(error) => {
                self.batch_execute("ROLLBACK TO SAVEPOINT statement")?;
                Err(error)
            }
        }
    }
}

fn unreachable(error: &diesel::ConnectionError) -> StorageError {
    let reason = error.to_string();
    let first_line = reason.lines().next().unwrap_or_default();
    StorageError::Unavailable(format!("cannot connect: {first_line}"))
}

/// A server that does not answer must not hold a worker for longer than callers wait.
fn with_timeouts(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in [
        ("connect_timeout", "2"),
        ("tcp_user_timeout", "3000"),
        ("application_name", "countersign"),
    ] {
        if !url.contains(&format!("{name}=")) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.extend([name, "=", value]);
        }
    }
    url
}

/// Creates the file so that only its owner can read it; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> Result<(), StorageError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop).map_err(
        |error| StorageError::Misconfigured(format!("cannot open the database file: {error}")),
    )
}

/// What a savepoint could have to undo is kept in memory, not in a file of its own for each. The log
/// is copied back after 16 MiB: pages that are written again and again are copied once.
fn set_up_sqlite(connection: &mut SqliteConnection, purpose: Purpose) -> QueryResult<()> {
    connection.batch_execute(
        "PRAGMA busy_timeout = 5000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA foreign_keys = ON;",
    )?;
    match purpose {
        Purpose::Read => connection.batch_execute("PRAGMA query_only = ON"),
        Purpose::Write | Purpose::Migrate => Ok(()),
    }
}

#[derive(diesel::QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

/// A commit that has been answered must survive a crash (security.md §3.2).
fn set_up_postgresql(connection: &mut PgConnection, purpose: Purpose) -> Result<(), StorageError> {
    connection.batch_execute("SET synchronous_commit = on")?;
    match purpose {
        Purpose::Read => connection.batch_execute(
            "SET statement_timeout = 2000; SET default_transaction_read_only = on",
        )?,
        Purpose::Write => connection.batch_execute(
            "SET statement_timeout = 2000; SET idle_in_transaction_session_timeout = 10000",
        )?,
        Purpose::Migrate => (),
    }
    for name in ["fsync", "synchronous_commit"] {
        let setting: Setting =
            diesel::sql_query(format!("SELECT current_setting('{name}') AS value"))
                .get_result(connection)?;
        if setting.value != "on" {
            return Err(StorageError::Misconfigured(format!(
                "PostgreSQL has `{name}` = `{}`; it must be `on`, or a crash undoes what was answered",
                setting.value
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file_or_a_postgresql_address() {
        assert_eq!(Target::parse("sqlite:a/b.db"), Ok(Target::Sqlite("a/b.db".to_owned())));
        assert_eq!(Target::parse("sqlite:///a.db"), Ok(Target::Sqlite("/a.db".to_owned())));
        for bad in ["", "a.db", "sqlite:", "sqlite::memory:", "mysql://x"] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_postgresql_address_always_carries_timeouts() {
        let Ok(Target::PostgreSql(url)) = Target::parse("postgres://h/d?connect_timeout=7") else {
            panic!("not an address");
        };
        assert_eq!(
            url,
            "postgres://h/d?connect_timeout=7&tcp_user_timeout=3000&application_name=countersign"
        );
    }
}
