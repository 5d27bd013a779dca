//! `countersign partner`: what a partner signs, for those who play along with the demo.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::demo::exchange;
use crate::cli::demo::exchange::{Answer, Body, Given, Request};
use crate::cli::demo::file::DemoFile;
use crate::cli::demo::partner::{Partner, statement_request, token_request};
use crate::cli::error::CommandError;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::cli::resource::wait_for;
use crate::clock::Clock;
use crate::endpoints::directory::Fault;

/// The demo's partner, and what it should do.
#[derive(Debug, Args)]
pub struct PartnerCommand {
    /// Where `countersign demo` keeps its data
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    action: PartnerAction,
}

/// What a partner can do.
#[derive(Debug, Subcommand)]
enum PartnerAction {
    /// Ask the test directory for a software statement
    Statement(StatementOptions),
    /// Sign a registration request, with a fresh statement inside
    #[command(after_help = "Example:\n  curl --cacert keys/ca.pem \
        -H 'Content-Type: application/jose' -d \"$(countersign partner registration)\" \
        https://localhost:8443/register")]
    Registration(RegistrationOptions),
    /// Register, or see with `--plan` what a registration would bring
    #[command(after_help = "Example:\n  countersign partner register --plan --scope accounts:read")]
    Register {
        /// Create nothing and use nothing up: say what would be decided, replaced and registered
        #[arg(long)]
        plan: bool,
        /// What to ask for.
        #[command(flatten)]
        asked: RegistrationOptions,
    },
    /// Sign a client assertion; it serves once
    Assertion,
    /// Ask for an access token
    Token {
        /// The scope to ask for
        #[arg(long, default_value = "branches:read")]
        scope: String,
    },
}

/// What a registration should ask for.
#[derive(Debug, Args)]
struct RegistrationOptions {
    /// A scope to ask for; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A statement that is at hand already
    #[arg(long, value_name = "JWS", conflicts_with_all = ["fault", "claims"])]
    statement: Option<String>,
    /// What the statement should say.
    #[command(flatten)]
    asked: StatementOptions,
}

/// What a statement should say.
#[derive(Debug, Args)]
struct StatementOptions {
    /// Make a bad one; `countersign directory faults` lists the names
    #[arg(long, value_name = "NAME")]
    fault: Option<Fault>,
    /// Further claims, as a JSON object
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
}

impl PartnerCommand {
    /// Does it, and prints what was signed or handed out.
    ///
    /// # Errors
    ///
    /// There is no demo, it does not answer, or it refuses.
    pub fn run(self) -> Result<(), CommandError> {
        let demo = DemoFile::read(&Folders::new(self.data).data)?;
        wait_for(act(self.action, &demo))
    }
}

async fn act(action: PartnerAction, demo: &DemoFile) -> Result<(), CommandError> {
    let partner = Partner {
        software_id: demo.partner.software_id.clone(),
        key: demo.partner.key()?,
        issuer: demo.issuer.clone(),
    };
    let now = || Clock::System.now();
    match action {
        PartnerAction::Statement(asked) => print::line(statement(demo, &asked).await?),
        PartnerAction::Registration(asked) => {
            print::line(registration(demo, &partner, &asked).await?)
        }
        PartnerAction::Register { plan, asked } => {
            let signed = Given::lasting(registration(demo, &partner, &asked).await?);
            let plan = if plan { "/plan" } else { "" };
            let url = format!("{}{plan}", demo.endpoints.registration);
            let answer = Request::post(url, Body::Signed(signed));
            let answer = answer.send(&exchange::client(&demo.ca_file)?).await?;
            if !(200..300).contains(&answer.status) {
                return Err(CommandError::Refused { status: answer.status, body: answer.body });
            }
            print::json(&answer.body)
        }
        PartnerAction::Assertion => print::line(partner.assertion(client_id(demo)?, now())?),
        PartnerAction::Token { scope } => {
            let assertion = Given::lasting(partner.assertion(client_id(demo)?, now())?);
            let request = token_request(&demo.endpoints.token, &scope, assertion);
            let answer = request.send(&exchange::client(&demo.ca_file)?).await?;
            print::line(text(&answer, "access_token")?)
        }
    }
}

/// A registration request, signed just now, with a statement in it.
async fn registration(
    demo: &DemoFile,
    partner: &Partner,
    asked: &RegistrationOptions,
) -> Result<String, CommandError> {
    let statement = match &asked.statement {
        Some(statement) => statement.clone(),
        None => statement(demo, &asked.asked).await?,
    };
    let scopes = if asked.scopes.is_empty() { &demo.partner.scopes } else { &asked.scopes };
    partner.registration(&statement, scopes, Clock::System.now())
}

async fn statement(demo: &DemoFile, asked: &StatementOptions) -> Result<String, CommandError> {
    let mut body = Map::from_iter([("software_id".to_owned(), json!(demo.partner.software_id))]);
    if let Some(fault) = asked.fault {
        body.insert("fault".to_owned(), json!(fault.name()));
    }
    if let Some(claims) = &asked.claims {
        let claims: Value = serde_json::from_str(claims)
            .map_err(|error| CommandError::usage(format!("`--claims`: {error}"), "give JSON"))?;
        body.insert("claims".to_owned(), claims);
    }
    let request = statement_request(&demo.directory.statements, body.into());
    let answer = request.send(&exchange::client(&demo.ca_file)?).await?;
    text(&answer, "software_statement").map(str::to_owned)
}

fn client_id(demo: &DemoFile) -> Result<&str, CommandError> {
    let registration = demo.partner.registration.as_ref();
    registration.map(|registration| registration.client_id.as_str()).ok_or_else(|| {
        CommandError::failed_with("the partner is not registered yet", "let the demo finish")
    })
}

fn text<'a>(answer: &'a Answer, member: &str) -> Result<&'a str, CommandError> {
    let refused = || CommandError::Refused { status: answer.status, body: answer.body.clone() };
    answer.body.get(member).and_then(Value::as_str).ok_or_else(refused)
}
