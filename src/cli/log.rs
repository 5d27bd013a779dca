//! Where the log goes: to standard error, as the settings say.

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;
use crate::config::LogSettings;

/// Begins to log. A second call changes nothing: a process has one log.
pub fn start(settings: &LogSettings) {
    let level = settings.level.name();
    // What our libraries say below a warning is of no use to an operator.
    let others = if level == "error" { "error" } else { "warn" };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{others},countersign={level}")))
        .with_writer(std::io::stderr);
    let _second = match settings.format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text => log.try_init(),
    };
}
