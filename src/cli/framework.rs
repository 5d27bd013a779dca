//! Trust frameworks, for those who write their files.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::config::ConfigFile;
use crate::cli::error::CommandError;
use crate::cli::frameworks;
use crate::cli::print;
use crate::cli::print::Output;
use crate::jose::Algorithm;
use crate::protocol::client::Supported;
use crate::protocol::discovery::Features;
use crate::trust::Framework;

/// Trust frameworks, for those who write their files.
#[derive(Debug, Subcommand)]
pub enum FrameworkCommand {
    /// Read one file as a server would, and tell everything that is wrong with it
    Check {
        /// The file; what it names is read from its folder
        file: PathBuf,
        /// Tell in plain words what the file means
        #[arg(long)]
        explain: bool,
    },
    /// List the files of the server's folder
    List(ConfigFile),
}

impl FrameworkCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or what is wrong with it.
    pub fn run(&self, output: Output) -> Result<(), CommandError> {
        match self {
            Self::Check { file, explain } => check(file, *explain, output),
            Self::List(settings) => list(&settings.load()?.trust.frameworks, output),
        }
    }
}

fn read(file: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(file).map_err(|error| frameworks::unreadable(file, &error))
}

fn check(file: &Path, explain: bool, output: Output) -> Result<(), CommandError> {
    let text = read(file)?;
    let name = file.display().to_string();
    let framework = Framework::parse_with(&name, &text, &frameworks::beside(file));
    let framework = framework.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let hint = "correct the file; each line names file, line and field";
        CommandError::failed_with(lines.join("\n"), hint)
    })?;
    let enabled = Framework::is_enabled(&text);
    let warnings: Vec<String> = framework.warnings().iter().map(ToString::to_string).collect();
    let told = if explain { framework.explain(&served()) } else { Vec::new() };
    if output == Output::Json {
        let told: Vec<Value> = told
            .iter()
            .map(|(subject, text)| json!({ "subject": subject, "text": text }))
            .collect();
        return print::json(&json!({
            "name": framework.name(), "enabled": enabled, "warnings": warnings, "explanation": told,
        }));
    }
    print::line(format_args!("{name}: the trust framework `{}` is well-formed", framework.name()))?;
    if !enabled {
        print::line("it is not loaded: set `enabled = true` when it is ready")?;
    }
    for warning in warnings {
        print::line(format_args!("warning: {warning}"))?;
    }
    for (subject, text) in told {
        print::line(format_args!("\n{subject}\n  {text}"))?;
    }
    Ok(())
}

/// What this program serves; a server whose settings switch more on serves more.
fn served() -> Supported {
    let assertion_algorithms = vec![Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];
    Supported::of(&Features { assertion_algorithms, ..Features::default() })
}

fn list(folder: &Path, output: Output) -> Result<(), CommandError> {
    let mut rows = Vec::new();
    for path in frameworks::files(folder).map_err(|error| frameworks::unreadable(folder, &error))? {
        let text = read(&path)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let framework = Framework::parse_with(&file, &text, &frameworks::beside(&path));
        let state = match (Framework::is_enabled(&text), &framework) {
            (false, _) => "not enabled",
            (true, Ok(_)) => "loads",
            (true, Err(_)) => "does not load",
        };
        let title = framework.as_ref().map(Framework::title).unwrap_or_default().to_owned();
        rows.push((file, state, title));
    }
    if output == Output::Json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(file, state, title)| json!({ "file": file, "state": state, "title": title }))
            .collect();
        return print::json(&json!({ "frameworks": rows }));
    }
    for (file, state, title) in rows {
        print::line(format_args!("{file:<24} {state:<14} {title}"))?;
    }
    Ok(())
}
