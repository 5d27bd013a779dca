//! `countersign directory`: a test directory of organisations and software, which issues software
//! statements.

pub mod desk;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::development_keys::DevelopmentKeys;
use crate::cli::directory::desk::Desk;
use crate::cli::error::CommandError;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::cli::print::Output;
use crate::cli::resource::body;
use crate::cli::resource::wait_for;
use crate::cli::servers::Servers;
use crate::cli::servers::stop_wanted;
use crate::clock::Clock;
use crate::endpoints::directory::Fault;
use crate::http::directory::routes as directory_routes;

const EXAMPLES: &str = "\
Examples:
  countersign directory org create --name 'Fern Finance' --id fern
  countersign directory software create --org fern --id fern-app --jwks jwks.json
  countersign directory statement fern-app
  countersign directory statement fern-app --fault expired

Without --url the work is done on the directory's own files, in the folder that --data names.
A running directory listens on this machine only: it authenticates nobody.";

/// Work at a test directory.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DirectoryCommand {
    /// The folder of its files
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// A running directory, for example `https://localhost:8445`
    #[arg(long, value_name = "URL", global = true)]
    url: Option<String>,
    /// PEM file of the certificate authority that a running directory's certificate comes from
    #[arg(long, value_name = "FILE", global = true)]
    ca_file: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    action: DirectoryAction,
}

/// What a directory does.
#[derive(Debug, Subcommand)]
enum DirectoryAction {
    /// Answer over HTTP on this machine
    Serve {
        /// Where to listen; a loopback address
        #[arg(long, default_value = "127.0.0.1:8445")]
        listen: SocketAddr,
    },
    /// Organisations
    Org {
        /// What to do.
        #[command(subcommand)]
        action: OrganisationAction,
    },
    /// Their software
    Software {
        /// What to do.
        #[command(subcommand)]
        action: SoftwareAction,
    },
    /// Issue a software statement
    Statement {
        /// The software
        software_id: String,
        /// Further claims, as a JSON object; they replace the recorded ones
        #[arg(long, value_name = "JSON", value_parser = object)]
        claims: Option<Value>,
        /// Make a bad one, see `directory faults`
        #[arg(long, value_name = "NAME")]
        fault: Option<Fault>,
    },
    /// List the ways in which a statement can be bad
    Faults,
}

/// What to do with organisations.
#[derive(Debug, Subcommand)]
enum OrganisationAction {
    /// Record one
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// What the directory shall call it; drawn if absent
        #[arg(long)]
        id: Option<String>,
        /// What the directory says of it
        #[arg(long, default_value = "Active")]
        status: String,
        /// Further claims of every statement about its software, as a JSON object
        #[arg(long, value_name = "JSON", value_parser = object)]
        claims: Option<Value>,
    },
    /// List them
    List,
    /// Say something else of one
    Status {
        /// Which
        id: String,
        /// For example Active, Suspended, Withdrawn
        status: String,
    },
}

/// What to do with software.
#[derive(Debug, Subcommand)]
enum SoftwareAction {
    /// Record software
    Create(NewSoftware),
    /// List an organisation's software
    List {
        /// The organisation
        #[arg(long)]
        org: String,
    },
}

/// Software to record.
#[derive(Debug, Args)]
struct NewSoftware {
    /// The organisation
    #[arg(long)]
    org: String,
    /// What the directory shall call it; drawn if absent
    #[arg(long)]
    id: Option<String>,
    /// What its statements say, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = object)]
    claims: Option<Value>,
    /// File with its public keys, a JWK set
    #[arg(long, value_name = "FILE", required_unless_present = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where it publishes its keys
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
}

impl DirectoryCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The directory's files cannot be used, or it refuses, or it does not answer.
    pub fn run(self, output: Output) -> Result<(), CommandError> {
        let folders = Folders::new(self.data);
        let authority = self.ca_file.unwrap_or_else(|| folders.keys.join("ca.pem"));
        let desk = || match &self.url {
            Some(url) => Desk::there(url, &authority),
            None => Ok(Desk::Here(Box::new(desk::open(&folders, None)?))),
        };
        match self.action {
            DirectoryAction::Serve { listen } => wait_for(serve(&folders, listen)),
            DirectoryAction::Faults => faults(output),
            DirectoryAction::Org { action } => wait_for(action.run(&desk()?, output)),
            DirectoryAction::Software { action } => wait_for(action.run(&desk()?, output)),
            DirectoryAction::Statement { software_id, claims, fault } => {
                let asked = body([
                    ("software_id", Some(software_id.into())),
                    ("claims", claims),
                    ("fault", fault.map(|fault| fault.name().into())),
                ]);
                wait_for(statement(&desk()?, asked, output))
            }
        }
    }
}

impl OrganisationAction {
    async fn run(self, desk: &Desk, output: Output) -> Result<(), CommandError> {
        match self {
            Self::Create { name, id, status, claims } => {
                let new = body([
                    ("name", Some(name.into())),
                    ("org_id", id.map(Value::from)),
                    ("status", Some(status.into())),
                    ("claims", claims),
                ]);
                print::record(output, &desk.create_organisation(&new).await?)
            }
            Self::List => {
                let columns = [("ID", "/org_id"), ("STATUS", "/status"), ("NAME", "/name")];
                print::list(output, &desk.list_organisations().await?, &columns)
            }
            Self::Status { id, status } => {
                let change = json!({ "status": status });
                print::record(output, &desk.change_organisation(&id, &change).await?)
            }
        }
    }
}

impl SoftwareAction {
    async fn run(self, desk: &Desk, output: Output) -> Result<(), CommandError> {
        match self {
            Self::Create(new) => {
                let new = body([
                    ("org_id", Some(new.org.into())),
                    ("software_id", new.id.map(Value::from)),
                    ("claims", new.claims),
                    ("jwks", new.jwks.as_deref().map(read_json).transpose()?),
                    ("jwks_uri", new.jwks_uri.map(Value::from)),
                ]);
                print::record(output, &desk.create_software(&new).await?)
            }
            Self::List { org } => {
                let columns = [("ID", "/software_id"), ("KEYS", "/jwks_uri")];
                print::list(output, &desk.list_software(&org).await?, &columns)
            }
        }
    }
}

/// It authenticates nobody, so nobody else may reach it.
async fn serve(folders: &Folders, listen: SocketAddr) -> Result<(), CommandError> {
    if !listen.ip().is_loopback() {
        return Err(CommandError::usage(
            format!(
                "`{listen}` can be reached from other machines; a directory trusts whoever asks"
            ),
            "listen on a loopback address, for example 127.0.0.1:8445",
        ));
    }
    let keys = DevelopmentKeys::prepare(&folders.keys, Clock::System.now())?;
    let url = format!("https://localhost:{}", listen.port());
    let directory = desk::open(folders, Some(&url))?;
    let mut servers = Servers::new(&keys, Clock::System)?;
    servers.start(listen, directory_routes(directory))?;
    print::note(format_args!(
        "test directory on {url}, for this machine only: it authenticates nobody\n\
         clients trust {}; Ctrl-C stops it",
        keys.authority.display()
    ));
    stop_wanted().await?;
    servers.stop().await;
    Ok(())
}

async fn statement(desk: &Desk, asked: Value, output: Output) -> Result<(), CommandError> {
    let answer = desk.issue_statement(&asked).await?;
    match answer.get("software_statement").and_then(Value::as_str) {
        Some(statement) if output == Output::Table => print::line(statement),
        Some(_) | None => print::json(&answer),
    }
}

fn faults(output: Output) -> Result<(), CommandError> {
    let described = |fault: &Fault| json!({ "name": fault.name(), "meaning": fault.meaning() });
    let items: Vec<Value> = Fault::ALL.iter().map(described).collect();
    let columns = [("NAME", "/name"), ("WHAT IS WRONG", "/meaning")];
    print::list(output, &json!({ "items": items }), &columns)
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn read_json(file: &Path) -> Result<Value, CommandError> {
    let failed = |cause: &dyn std::fmt::Display| {
        CommandError::failed(format!("`{}`: {cause}", file.display()))
    };
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| failed(&error))
}
