//! `countersign config`, and how every command of the server finds its settings.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::error::CommandError;
use crate::cli::print;
use crate::cli::print::Output;
use crate::config::Settings;

const USUAL_FILE: &str = "countersign.toml";

/// Where the settings are.
#[derive(Debug, Clone, Args)]
pub struct ConfigFile {
    /// The file of settings; countersign.toml here is read if it is there.
    /// `COUNTERSIGN__SECTION__NAME` variables stand before it
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG", global = true)]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// Reads file and environment, and checks everything.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or all that is wrong with the settings.
    pub fn load(&self) -> Result<Settings, CommandError> {
        let text = self.text()?;
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Settings::read(text.as_deref(), environment).map_err(|invalid| {
            CommandError::failed_with(
                format!("the settings are wrong:\n{invalid}"),
                "`countersign config reference` lists every setting",
            )
        })
    }

    fn text(&self) -> Result<Option<String>, CommandError> {
        let path = self.config.clone().unwrap_or_else(|| PathBuf::from(USUAL_FILE));
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if self.config.is_none() && is_absent(&error) => Ok(None),
            Err(error) => Err(CommandError::failed_with(
                format!("cannot read {}: {error}", path.display()),
                "check the path, or leave `--config` out to run with the defaults",
            )),
        }
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

/// Which settings, and what to do with them.
#[derive(Debug, Clone, Args)]
pub struct ConfigArguments {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: ConfigCommand,
}

/// What to do with the settings.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Read the settings and say what is wrong with them
    Check,
    /// List every setting, its default and what it does
    Reference,
}

impl ConfigArguments {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The settings are wrong.
    pub fn run(&self, output: Output) -> Result<(), CommandError> {
        match self.action {
            ConfigCommand::Check => {
                let settings = self.file.load()?;
                let summary = json!({
                    "environment": settings.server.environment,
                    "issuer": settings.server.issuer,
                    "operator_accounts": settings.operator.accounts.len(),
                });
                print::record(output, &summary)
            }
            ConfigCommand::Reference => {
                let setting = |setting: &crate::config::Setting| {
                    json!({
                        "key": setting.key,
                        "default": setting.default,
                        "manual": setting.manual.trim(),
                    })
                };
                let items: Value = Settings::manual().map(setting).collect();
                let columns =
                    [("SETTING", "/key"), ("DEFAULT", "/default"), ("MEANING", "/manual")];
                print::list(output, &json!({ "items": items, "next": null }), &columns)
            }
        }
    }
}
