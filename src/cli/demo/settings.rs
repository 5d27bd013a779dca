//! The authorization server's settings for a demo: what an operator would write in
//! `countersign.toml`, with the addresses and keys that this run has.

use std::path::Path;

use toml::Table;

use crate::cli::demo::ports;
use crate::cli::demo::ports::Addresses;
use crate::cli::development_keys::DevelopmentKeys;
use crate::cli::error::CommandError;
use crate::cli::folders::Folders;
use crate::cli::private_file;
use crate::config::Settings;

/// The framework of the test directory, as shipped.
const FRAMEWORK: &str = include_str!("../../../frameworks/directory.toml");
/// Where that framework expects the directory.
const USUAL_DIRECTORY: &str = "https://localhost:8445";

/// Nobody is kept waiting at the end of a demo.
const SHUTDOWN_GRACE: &str = "1s";

/// What may be chosen for a demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices<'a> {
    /// Answers `GET /hello`.
    pub(super) hello: bool,
    /// Threads that answer; 0 is one to a core.
    pub(super) workers: usize,
    /// How much is logged.
    pub(super) log: &'a str,
}

/// Writes the trust framework and the settings with this run's addresses, and reads them.
///
/// # Errors
///
/// A file cannot be written.
pub(super) fn prepare(
    folders: &Folders,
    keys: &DevelopmentKeys,
    addresses: &Addresses,
    choices: Choices<'_>,
) -> Result<Settings, CommandError> {
    let frameworks = folders.data.join("frameworks");
    private_file::make_folder(&frameworks)?;
    let framework = FRAMEWORK.replace(USUAL_DIRECTORY, &ports::url(addresses.directory));
    private_file::write(&frameworks.join("directory.toml"), &framework)?;
    let text = written(folders, keys, addresses, choices, &frameworks).to_string();
    private_file::write(&folders.data.join("countersign.toml"), &text)?;
    Settings::read(Some(&text), []).map_err(|error| CommandError::failed(error.to_string()))
}

fn written(
    folders: &Folders,
    keys: &DevelopmentKeys,
    addresses: &Addresses,
    choices: Choices<'_>,
    frameworks: &Path,
) -> Table {
    let path = |path: &Path| path.display().to_string();
    let database = format!("sqlite:{}", path(&folders.data.join("countersign.sqlite")));
    let workers = i64::try_from(choices.workers).unwrap_or_default();
    let mut account = Table::new();
    account.insert("name".to_owned(), "demo-operator".into());
    account.insert("role".to_owned(), "risk".into());
    account.insert("token_sha256".to_owned(), keys.operator_token.hash().as_str().into());
    let sections: [(&str, Vec<(&str, toml::Value)>); 6] = [
        (
            "server",
            vec![
                ("environment", "sandbox".into()),
                ("issuer", ports::url(addresses.public).into()),
                ("listen", addresses.public.to_string().into()),
                ("operator_listen", addresses.operator.to_string().into()),
                ("tls_certificate", path(&keys.certificate).into()),
                ("tls_key", path(&keys.certificate_key).into()),
                ("workers", workers.into()),
                ("hello_route", choices.hello.into()),
                ("shutdown_grace", SHUTDOWN_GRACE.into()),
            ],
        ),
        ("database", vec![("url", database.into())]),
        (
            "trust",
            vec![
                ("frameworks", path(frameworks).into()),
                ("extra_authorities", path(&keys.authority).into()),
                ("allow_loopback", true.into()),
            ],
        ),
        ("keys", vec![("directory", path(&folders.keys).into())]),
        ("operator", vec![("accounts", vec![toml::Value::Table(account)].into())]),
        ("log", vec![("format", "text".into()), ("level", choices.log.into())]),
    ];
    sections
        .into_iter()
        .map(|(name, settings)| {
            let settings: Table =
                settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            (name.to_owned(), toml::Value::Table(settings))
        })
        .collect()
}
