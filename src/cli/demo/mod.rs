//! `countersign demo`: everything in one process, with nothing prepared, and one partner walked
//! from its software statement to its last token.

pub mod cast;
mod closing;
pub mod curl;
pub mod exchange;
pub mod file;
mod opening;
pub mod partner;
pub mod ports;
mod proving;
pub mod resource_server;
mod settings;
pub mod transcript;
pub mod walk;

use std::path::PathBuf;

use clap::Args;

use crate::cli::demo::curl::Style;
use crate::cli::demo::ports::PortOptions;
use crate::cli::demo::settings::Choices;
use crate::cli::demo::transcript::Transcript;
use crate::cli::error::CommandError;
use crate::cli::folders::Folders;

/// How the demo is run.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Stop after the walk: exit code 0 if every step was as it should be
    #[arg(long)]
    once: bool,
    /// Keep everything in this folder, keys included; otherwise data/ and keys/ are used
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print titles and checks only
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    ports: PortOptions,
    /// Answer GET /hello too: the floor that load tests compare with
    #[arg(long)]
    hello: bool,
    /// Threads that answer requests; 0 is one to a core
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// How much the servers log to standard error: error, warn, info, debug, trace
    #[arg(long, default_value = "warn", value_name = "LEVEL")]
    log: String,
}

impl DemoOptions {
    /// Runs the demo.
    ///
    /// # Errors
    ///
    /// A port is in use, a file cannot be used, or a step differs from what it should be.
    pub fn run(self) -> Result<(), CommandError> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(self.play())
    }

    async fn play(self) -> Result<(), CommandError> {
        let folders = Folders::new(self.data.clone());
        let style = Style::new(&folders.keys.join("ca.pem"), &folders.data);
        let mut transcript = Transcript::new(self.quiet, style);
        let choices = Choices { hello: self.hello, workers: self.workers, log: &self.log };
        let mut opened = opening::open(&folders, &self.ports, choices, &mut transcript).await?;
        let walked = opened.walk(&folders, &mut transcript).await;
        let outcome = match walked.and_then(|()| verdict(&transcript)) {
            Ok(()) if !self.once => closing::stay_up(&opened.demo, &mut transcript).await,
            Ok(()) => transcript.line("\nEvery step was as it should be."),
            Err(error) => Err(error),
        };
        opened.stop().await;
        outcome
    }
}

/// Whether every step was as it should be.
fn verdict(transcript: &Transcript) -> Result<(), CommandError> {
    let differences = transcript.differences();
    if differences.is_empty() {
        return Ok(());
    }
    let list = differences.join("\n  ");
    Err(CommandError::failed_with(
        format!("{} of the checks failed:\n  {list}", differences.len()),
        "look at the answers above, and run again with `--log debug`",
    ))
}
