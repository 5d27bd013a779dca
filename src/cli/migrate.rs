//! `countersign migrate`: brings the database up to this program.

use std::path::Path;

use clap::Args;
use serde_json::json;

use crate::cli::config::ConfigFile;
use crate::cli::error::CommandError;
use crate::cli::print;
use crate::cli::print::Output;
use crate::cli::private_file;
use crate::config::Settings;
use crate::storage::Database;
use crate::storage::StorageError;

const EXAMPLES: &str = "\
Examples:
  countersign migrate           run what is pending; safe to repeat
  countersign migrate --check   only say what is pending; exit code 1 if something is

Migrations only add: the old program goes on working while they run.";

/// Brings the database up to this program.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Migrate {
    #[command(flatten)]
    file: ConfigFile,
    /// Change nothing, and say what is pending
    #[arg(long)]
    check: bool,
}

impl Migrate {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The settings are wrong, the database cannot be reached, or migrations are pending.
    pub fn run(&self, output: Output) -> Result<(), CommandError> {
        let settings = self.file.load()?;
        if self.check {
            return check(&settings, output);
        }
        let done = migrate(&settings)?;
        let summary = json!({ "applied": done, "pending": [] });
        print::record(output, &summary)
    }
}

fn check(settings: &Settings, output: Output) -> Result<(), CommandError> {
    let url = settings.database.url.reveal();
    if let Some(file) = missing_file(url) {
        return Err(CommandError::failed_with(
            format!("there is no {} yet", file.display()),
            "run `countersign migrate`",
        ));
    }
    let pending = Database::pending_migrations(url).map_err(|error| unusable(&error))?;
    print::record(output, &json!({ "applied": [], "pending": pending }))?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(CommandError::failed_with("migrations are pending", "run `countersign migrate`"))
}

/// Runs what is pending, and names it. The folder of an SQLite file is made if it is missing.
///
/// # Errors
///
/// The database cannot be reached, or a migration fails.
pub fn migrate(settings: &Settings) -> Result<Vec<String>, CommandError> {
    let url = settings.database.url.reveal();
    if let Some(folder) = sqlite_folder(url) {
        private_file::make_folder(folder)?;
    }
    Database::migrate(url).map_err(|error| unusable(&error))
}

/// The SQLite file that is not there yet. To ask it would make an empty one.
#[must_use]
pub fn missing_file(url: &str) -> Option<&Path> {
    let file = Path::new(url.strip_prefix("sqlite:")?);
    (!file.exists()).then_some(file)
}

/// The folder that an SQLite file stands in, where that is not the current one.
#[must_use]
pub fn sqlite_folder(url: &str) -> Option<&Path> {
    let file = Path::new(url.strip_prefix("sqlite:")?);
    file.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// The database cannot be used, and what to do.
#[must_use]
pub fn unusable(error: &StorageError) -> CommandError {
    let hint = match error {
        StorageError::NotMigrated(_) => "run `countersign migrate`",
        StorageError::Unavailable(_) => {
            "is the database running, and is `database.url` right? `countersign doctor` looks"
        }
        StorageError::Misconfigured(_)
        | StorageError::Exists { .. }
        | StorageError::Stale { .. }
        | StorageError::Dangling { .. }
        | StorageError::ForbiddenTransition { .. }
        | StorageError::Unreadable { .. }
        | StorageError::Broken(_) => "check `database.url`; `countersign doctor` looks further",
    };
    CommandError::failed_with(error.to_string(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_sqlite_file_in_a_folder_has_a_folder() {
        let folder = |url| sqlite_folder(url).map(|path| path.display().to_string());
        assert_eq!(folder("sqlite:data/a.sqlite").as_deref(), Some("data"));
        assert_eq!(folder("sqlite:a.sqlite"), None);
        assert_eq!(folder("postgres://localhost/a"), None);
    }
}
