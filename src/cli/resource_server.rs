//! `countersign resource-server`: who may introspect tokens.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::error::CommandError;
use crate::cli::print;
use crate::cli::resource::Action;
use crate::cli::resource::NewSecret;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Step;
use crate::cli::resource::Which;
use crate::protocol::resource_server::MEMBERS;

const RESOURCE_SERVERS: Resource = Resource {
    path: "/resource-servers",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("NAME", "/name"),
        ("AUDIENCE", "/audience"),
        ("METHOD", "/token_endpoint_auth_method"),
        ("SINCE", "/created_at"),
    ],
};

/// What to do with resource servers.
#[derive(Debug, Subcommand)]
pub enum ResourceServerCommand {
    /// List resource servers
    List {
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one resource server
    Show(Which),
    /// Record a resource server; its secret, if it has one, is shown once
    #[command(after_help = "Examples:\n  countersign resource-server create --name accounts \
        --audience https://api.bank.example/accounts\n  countersign resource-server create --name \
        payments --audience https://api.bank.example/payments \\\n      --auth-method \
        private_key_jwt --jwks-uri https://api.bank.example/jwks")]
    Create(Box<NewResourceServer>),
    /// Change its name, keys, certificate or answers
    Update(Box<Changes>),
    /// Give it a new secret, which is shown once
    RotateSecret(NewSecret),
    /// Print the document that it serves at its well-known address (RFC 9728)
    #[command(after_help = "Example:\n  countersign resource-server metadata rs_… > metadata.json")]
    Metadata(Which),
    /// Stop answering it, reversibly
    Suspend(Step),
    /// Answer it again
    Restore(Step),
}

/// A resource server to record.
#[derive(Debug, Args)]
pub struct NewResourceServer {
    /// What the bank calls it
    #[arg(long)]
    name: String,
    /// The audience of the tokens that it introspects: an absolute URI (RFC 8707)
    #[arg(long, value_name = "URI")]
    audience: String,
    #[command(flatten)]
    members: Members,
}

/// What is different now.
#[derive(Debug, Args)]
pub struct Changes {
    /// The resource server's identifier
    id: String,
    /// What the bank calls it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    members: Members,
    /// Take a member away, by its name in the metadata; may be repeated
    #[arg(long, value_name = "MEMBER", value_parser = MEMBERS)]
    clear: Vec<String>,
}

/// How a resource server authenticates and how it is answered.
#[derive(Debug, Args)]
struct Members {
    /// How it authenticates, such as `client_secret_basic` or `private_key_jwt`
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<String>,
    /// What it makes its assertions with
    #[arg(long, value_name = "ALGORITHM")]
    assertion_alg: Option<String>,
    /// A file with its public keys (a JWK set)
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where its public keys are
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// The subject of its certificate, with `tls_client_auth` (RFC 4514)
    #[arg(long, value_name = "NAME")]
    subject_dn: Option<String>,
    /// A DNS name in its certificate, with `tls_client_auth`
    #[arg(long, value_name = "HOST")]
    san_dns: Option<String>,
    /// A URI in its certificate, with `tls_client_auth`
    #[arg(long, value_name = "URI")]
    san_uri: Option<String>,
    /// An IP address in its certificate, with `tls_client_auth`
    #[arg(long, value_name = "ADDRESS")]
    san_ip: Option<String>,
    /// An e-mail address in its certificate, with `tls_client_auth`
    #[arg(long, value_name = "ADDRESS")]
    san_email: Option<String>,
    /// How its JWT answers are signed (RFC 9701)
    #[arg(long, value_name = "ALGORITHM")]
    signed_response_alg: Option<String>,
    /// How the key of its encrypted JWT answers is found
    #[arg(long, value_name = "ALGORITHM")]
    encrypted_response_alg: Option<String>,
    /// How its JWT answers are encrypted
    #[arg(long, value_name = "ALGORITHM")]
    encrypted_response_enc: Option<String>,
}

impl Members {
    /// The members that were given, under their names in the metadata.
    fn body(&self) -> Result<Map<String, Value>, CommandError> {
        let jwks = self.jwks.as_deref().map(key_set).transpose()?;
        let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
        let values = [
            text(&self.auth_method),
            text(&self.assertion_alg),
            jwks,
            text(&self.jwks_uri),
            text(&self.subject_dn),
            text(&self.san_dns),
            text(&self.san_uri),
            text(&self.san_ip),
            text(&self.san_email),
            text(&self.signed_response_alg),
            text(&self.encrypted_response_alg),
            text(&self.encrypted_response_enc),
        ];
        let given = MEMBERS.iter().zip(values);
        Ok(given.filter_map(|(name, value)| Some(((*name).to_owned(), value?))).collect())
    }
}

/// Reads a file of public keys; the server checks them.
fn key_set(file: &Path) -> Result<Value, CommandError> {
    let shown = file.display();
    let hint = "write a JWK set there: an object with an array `keys`";
    let text = std::fs::read_to_string(file).map_err(|error| {
        CommandError::failed_with(format!("cannot read {shown}: {error}"), hint)
    })?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError::failed_with(format!("{shown} is not JSON: {error}"), hint))
}

impl Action for ResourceServerCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::List { paging } => return RESOURCE_SERVERS.list(session, &paging, &[]).await,
            Self::Show(which) => return RESOURCE_SERVERS.show(session, &which).await,
            Self::Create(new) => return create(session, &new).await,
            Self::Update(changes) => {
                let mut body = changes.members.body()?;
                body.extend(changes.name.map(|name| ("name".to_owned(), json!(name))));
                body.extend(changes.clear.into_iter().map(|name| (name, Value::Null)));
                return RESOURCE_SERVERS.update(session, &changes.id, &Value::Object(body)).await;
            }
            Self::RotateSecret(new) => return RESOURCE_SERVERS.rotate_secret(session, &new).await,
            Self::Metadata(which) => {
                let path = format!("{}/metadata", RESOURCE_SERVERS.path_of(&which.id));
                return print::json(&session.api.get(&path, &[]).await?);
            }
            Self::Suspend(step) => (step, "suspended"),
            Self::Restore(step) => (step, "active"),
        };
        RESOURCE_SERVERS.step(session, &step, state).await
    }
}

async fn create(session: &Session, new: &NewResourceServer) -> Result<(), CommandError> {
    let mut body = new.members.body()?;
    body.insert("name".to_owned(), json!(new.name));
    body.insert("audience".to_owned(), json!(new.audience));
    RESOURCE_SERVERS.create(session, &Value::Object(body)).await
}
