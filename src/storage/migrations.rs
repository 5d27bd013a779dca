//! The migrations, embedded in the program: one set for both engines (`migrations/README.md`).

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::storage::connection::{AnyConnection, MultiBackend, Purpose, Target};
use crate::storage::error::StorageError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Any number that nobody else locks: two nodes must not migrate at once.
const LOCK: &str = "SELECT pg_advisory_lock(4921330)";

/// Runs what is pending and names it.
pub(super) fn run(target: &Target) -> Result<Vec<String>, StorageError> {
    let mut connection = target.connect(Purpose::Migrate)?;
    if let AnyConnection::PostgreSql(_) = connection {
        // The lock ends with the connection.
        connection.batch_execute(LOCK)?;
    }
    let pending = connection.pending_migrations(MIGRATIONS).map_err(|error| failed(&*error))?;
    for migration in &pending {
        connection.run_migration(migration).map_err(|error| failed(&*error))?;
    }
    Ok(names(&pending))
}

/// Names what is pending. It only reads, for the server's own user may not be allowed to make the
/// table of migrations, which diesel would.
pub(super) fn pending(target: &Target) -> Result<Vec<String>, StorageError> {
    let mut connection = target.connect(Purpose::Read)?;
    let applied: Vec<Applied> =
        match diesel::sql_query("SELECT version FROM __diesel_schema_migrations")
            .load(&mut connection)
        {
            Ok(applied) => applied,
            // The connection is sound, so it is the table that is missing.
            Err(_) if connection.answers() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
    let mut all = MigrationSource::<MultiBackend>::migrations(&MIGRATIONS)
        .map_err(|error| failed(&*error))?;
    all.sort_unstable_by_key(|migration| migration.name().version().as_owned());
    all.retain(|migration| {
        let version = migration.name().version().to_string();
        !applied.iter().any(|row| row.version == version)
    });
    Ok(names(&all))
}

#[derive(diesel::QueryableByName)]
struct Applied {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

fn names(migrations: &[Box<dyn Migration<MultiBackend>>]) -> Vec<String> {
    migrations.iter().map(|migration| migration.name().to_string()).collect()
}

fn failed(error: &(dyn std::error::Error + Send + Sync)) -> StorageError {
    StorageError::Broken(format!("a migration failed: {error}"))
}
