//! `countersign partner`: what a partner signs, for those who play along with the demo.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::demo::exchange;
use crate::cli::demo::exchange::{Answer, Body, Given, Request};
use crate::cli::demo::file::DemoFile;
use crate::cli::demo::partner::{Partner, Target, Wish, statement_request, token_request};
use crate::cli::error::CommandError;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::cli::resource::wait_for;
use crate::clock::Clock;
use crate::endpoints::directory::Fault;
use crate::types::Secret;

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
    Assertion {
        /// For the client whose tokens are bound to a key
        #[arg(long)]
        dpop: bool,
    },
    /// Ask for an access token
    #[command(after_help = "Examples:\n  countersign partner token\n  \
        countersign partner token --dpop > bound.token")]
    Token {
        /// The scope to ask for; without it, one that the client has
        #[arg(long)]
        scope: Option<String>,
        /// As the client whose tokens are bound to a key, with a proof of that key
        #[arg(long)]
        dpop: bool,
    },
    /// Prove the key for one request (RFC 9449); a proof serves once
    #[command(after_help = "Example:\n  countersign partner proof --method GET \
        --url https://localhost:8446/accounts --token-file bound.token")]
    Proof(ProofOptions),
}

/// Which request a proof is for.
#[derive(Debug, Args)]
struct ProofOptions {
    /// The request's method
    #[arg(long, default_value = "POST")]
    method: String,
    /// The request's address
    #[arg(long)]
    url: String,
    /// The file that holds the access token, where one is sent along
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The nonce that the server has asked for
    #[arg(long)]
    nonce: Option<String>,
}

/// What a registration should ask for.
#[derive(Debug, Args)]
struct RegistrationOptions {
    /// Have every access token bound to a key that the software proves (RFC 9449)
    #[arg(long)]
    dpop: bool,
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
        PartnerAction::Assertion { dpop } => {
            print::line(partner.assertion(client_id(demo, dpop)?, now())?)
        }
        PartnerAction::Token { scope, dpop } => {
            let usual = if dpop { "accounts:read" } else { "branches:read" };
            let assertion = Given::lasting(partner.assertion(client_id(demo, dpop)?, now())?);
            let url = &demo.endpoints.token;
            let mut request = token_request(url, scope.as_deref().unwrap_or(usual), assertion);
            if dpop {
                let proof =
                    partner.proof(Target { method: "POST", url, ..Target::default() }, now())?;
                request = request.proved(Given::lasting(proof));
            }
            let answer = request.send(&exchange::client(&demo.ca_file)?).await?;
            print::line(text(&answer, "access_token")?)
        }
        PartnerAction::Proof(asked) => print::line(proof(&partner, &asked)?),
    }
}

/// A proof for one request, signed just now.
fn proof(partner: &Partner, asked: &ProofOptions) -> Result<String, CommandError> {
    let token = asked.token_file.as_deref().map(access_token).transpose()?;
    let target = Target {
        method: &asked.method,
        url: &asked.url,
        token: token.as_ref(),
        nonce: asked.nonce.as_deref(),
    };
    partner.proof(target, Clock::System.now())
}

fn access_token(file: &Path) -> Result<Secret, CommandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CommandError::failed(format!("`{}`: {error}", file.display())))?;
    Ok(Secret::new(text.trim()))
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
    partner.registration(&statement, Wish { scopes, proving: asked.dpop }, Clock::System.now())
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

fn client_id(demo: &DemoFile, dpop: bool) -> Result<&str, CommandError> {
    let partner = &demo.partner;
    let registration = if dpop { partner.proving.as_ref() } else { partner.registration.as_ref() };
    registration.map(|registration| registration.client_id.as_str()).ok_or_else(|| {
        CommandError::failed_with("the partner is not registered yet", "let the demo finish")
    })
}

fn text<'a>(answer: &'a Answer, member: &str) -> Result<&'a str, CommandError> {
    let refused = || CommandError::Refused { status: answer.status, body: answer.body.clone() };
    answer.body.get(member).and_then(Value::as_str).ok_or_else(refused)
}
