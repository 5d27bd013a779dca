//! What you type.

pub mod agreement;
pub mod arguments;
pub mod assembly;
pub mod audit;
pub mod client;
pub mod config;
pub mod demo;
pub mod development_keys;
pub mod directory;
pub mod doctor;
pub mod error;
pub mod folders;
pub mod framework;
pub mod frameworks;
pub mod initial_access_token;
pub mod keys;
pub mod log;
pub mod migrate;
pub mod operator_api;
pub mod organisation;
pub mod partner;
pub mod print;
pub mod private_file;
pub mod product;
pub mod resource;
pub mod resource_server;
pub mod serve;
pub mod servers;
pub mod software;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::arguments::Command;
use crate::cli::arguments::CommandLine;
use crate::cli::error::CommandError;
use crate::cli::print::Output;
use crate::cli::resource::Session;
use crate::cli::resource::wait_for;

/// Runs the program: reads the command line, does what it says, and tells the shell how it went.
#[must_use]
pub fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return explained(&error),
    };
    match run(command_line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Help and version are results; anything else was not understood.
fn explained(error: &clap::Error) -> ExitCode {
    // With the terminal gone there is nobody to tell.
    let _closed = error.print();
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

fn failed(error: &CommandError) -> ExitCode {
    if !matches!(error, CommandError::OutputClosed) {
        print::note(format_args!("error: {error}"));
        if let Some(hint) = error.hint() {
            print::note(format_args!("what to do: {hint}"));
        }
    }
    error.exit_code()
}

fn run(command_line: CommandLine) -> Result<(), CommandError> {
    let output = Output::chosen(command_line.output);
    match command_line.command {
        Command::Demo(options) => options.run(),
        Command::Partner(command) => command.run(),
        Command::Directory(command) => command.run(output),
        Command::Serve(serve) => serve.run(),
        Command::Migrate(migrate) => migrate.run(output),
        Command::Keys { action } => action.run(output),
        Command::Doctor(doctor) => doctor.run(output),
        Command::Config(arguments) => arguments.run(output),
        Command::Framework { action } => action.run(output),
        Command::Org(operator) => operator.run(output),
        Command::Agreement(operator) => operator.run(output),
        Command::Product(operator) => operator.run(output),
        Command::Software(operator) => operator.run(output),
        Command::Client(operator) => operator.run(output),
        Command::Credential(operator) => operator.run(output),
        Command::Entitlement(operator) => operator.run(output),
        Command::InitialAccessToken(operator) => operator.run(output),
        Command::ResourceServer(operator) => operator.run(output),
        Command::Audit(operator) => operator.run(output),
        Command::Decision(operator) => operator.run(output),
        Command::Status(connection) => {
            let session = Session { api: connection.open()?, output };
            wait_for(session.show("/status"))
        }
    }
}
