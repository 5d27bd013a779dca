//! `countersign doctor`: what is wrong with a server, and what to do about it.

mod files;
mod stores;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::assembly;
use crate::cli::config::ConfigFile;
use crate::cli::error::CommandError;
use crate::cli::frameworks;
use crate::cli::print;
use crate::cli::print::Output;
use crate::clock::Clock;
use crate::config::Settings;
use crate::policy::PolicyEngine;
use crate::trust::Framework;
use crate::trust::Frameworks;

const EXAMPLES: &str = "\
Examples:
  countersign doctor
  countersign doctor --config /etc/countersign.toml --output json

It changes nothing. The exit code is 1 if anything is bad.";

/// Looks at everything that a server needs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    #[command(flatten)]
    file: ConfigFile,
}

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// As it should be.
    Good,
    /// It works, and could be better.
    Odd,
    /// It does not work, or is not safe.
    Bad,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Odd => "odd",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    subject: &'static str,
    level: Level,
    message: String,
    advice: Option<String>,
}

impl Finding {
    fn good(subject: &'static str, message: impl Into<String>) -> Self {
        Self { subject, level: Level::Good, message: message.into(), advice: None }
    }

    fn odd(subject: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice = Some(advice.into());
        Self { subject, level: Level::Odd, message: message.into(), advice }
    }

    fn bad(subject: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice = Some(advice.into());
        Self { subject, level: Level::Bad, message: message.into(), advice }
    }

    /// What went wrong elsewhere, with the advice that came with it.
    fn failed(subject: &'static str, error: &CommandError) -> Self {
        let advice = error.hint().unwrap_or_else(|| "see the message".to_owned());
        Self::bad(subject, error.to_string(), advice)
    }
}

impl Doctor {
    /// Looks, and tells.
    ///
    /// # Errors
    ///
    /// Something is bad.
    pub fn run(&self, output: Output) -> Result<(), CommandError> {
        let findings = match self.file.load() {
            Ok(settings) => examine(&settings),
            Err(error) => vec![Finding::failed("settings", &error)],
        };
        tell(output, &findings)?;
        let bad = findings.iter().filter(|finding| finding.level == Level::Bad).count();
        if bad == 0 {
            return Ok(());
        }
        Err(CommandError::failed(format!("{bad} of {} findings are bad", findings.len())))
    }
}

fn examine(settings: &Settings) -> Vec<Finding> {
    let now = Clock::System.now();
    let mut findings = vec![Finding::good("settings", "they are consistent")];
    findings.push(operators(settings));
    findings.extend(files::examine(settings, now));
    findings.push(policy());
    findings.push(trust(settings));
    findings.extend(resource_servers(settings));
    findings.extend(stores::examine(settings, now));
    findings
}

fn operators(settings: &Settings) -> Finding {
    const SUBJECT: &str = "operators";
    let accounts = &settings.operator.accounts;
    let writers = accounts.iter().filter(|account| account.role.may_write()).count();
    if writers == 0 {
        let advice = "`countersign keys init` makes a token and prints what to add";
        return Finding::odd(SUBJECT, "no account may change anything", advice);
    }
    Finding::good(SUBJECT, format!("{writers} of {} accounts may change things", accounts.len()))
}

fn policy() -> Finding {
    const SUBJECT: &str = "policy";
    match PolicyEngine::default_bundle() {
        Ok(engine) => Finding::good(SUBJECT, format!("loads: {}", engine.digest())),
        Err(invalid) => {
            Finding::bad(SUBJECT, invalid.to_string(), "this program is damaged: install it again")
        }
    }
}

/// The authorities behind certificates of resource servers, if the settings name any.
fn resource_servers(settings: &Settings) -> Option<Finding> {
    const SUBJECT: &str = "resource servers";
    match assembly::resource_server_authorities(settings) {
        Ok(None) => None,
        Ok(Some(_)) if !settings.has_mutual_tls() => Some(Finding::odd(
            SUBJECT,
            "authorities are named, and nobody can show a certificate",
            "open `server.mutual_tls.listen`, or leave the authorities out",
        )),
        Ok(Some(authorities)) => {
            let message = format!("{} authorities vouch for them", authorities.count());
            Some(Finding::good(SUBJECT, message))
        }
        Err(error) => Some(Finding::failed(SUBJECT, &error)),
    }
}

fn trust(settings: &Settings) -> Finding {
    const SUBJECT: &str = "trust frameworks";
    match frameworks::load(settings) {
        Ok(loaded) if loaded.is_empty() => {
            let message = "there is none, so nobody can register";
            Finding::odd(
                SUBJECT,
                message,
                "put one TOML file to a framework into `trust.frameworks`",
            )
        }
        Ok(loaded) => match loaded.iter().flat_map(Framework::warnings).next() {
            Some(warning) => {
                let advice = "`countersign framework check FILE --explain` tells everything";
                Finding::odd(SUBJECT, warning.to_string(), advice)
            }
            None => Finding::good(SUBJECT, format!("load: {}", names(&loaded))),
        },
        Err(error) => Finding::failed(SUBJECT, &error),
    }
}

fn names(loaded: &Frameworks) -> String {
    loaded.iter().map(|framework| framework.name().to_string()).collect::<Vec<_>>().join(", ")
}

fn tell(output: Output, findings: &[Finding]) -> Result<(), CommandError> {
    let item = |finding: &Finding| {
        json!({
            "subject": finding.subject,
            "level": finding.level.name(),
            "message": finding.message,
            "advice": finding.advice,
        })
    };
    if output == Output::Json {
        let items: Value = findings.iter().map(item).collect();
        return print::json(&json!({ "findings": items }));
    }
    for finding in findings {
        let Finding { subject, level, message, advice } = finding;
        print::line(format_args!("{:<4}  {subject}: {message}", level.name()))?;
        if let Some(advice) = advice {
            print::line(format_args!("      what to do: {advice}"))?;
        }
    }
    Ok(())
}
