//! `countersign keys`: the keys that tokens are signed with, and the files that a server needs first.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::error::CommandError;
use crate::cli::operator_api::Connection;
use crate::cli::print;
use crate::cli::print::Column;
use crate::cli::print::Output;
use crate::cli::private_file;
use crate::cli::resource::Session;
use crate::cli::resource::wait_for;
use crate::config::OperatorRole;
use crate::jose::SealingKey;
use crate::random;
use crate::types::Secret;

/// The file of the key that seals private keys in the database.
pub const SEALING_KEY_FILE: &str = "sealing.key";

const COLUMNS: &[Column] = &[
    ("KID", "/id"),
    ("STATE", "/state"),
    ("PUBLISHED", "/publish_at"),
    ("SIGNS FROM", "/activate_at"),
    ("SIGNS UNTIL", "/retire_at"),
    ("GONE", "/remove_at"),
];

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys that tokens are signed with
    List(Connection),
    /// Change the signing key
    #[command(after_help = "Examples:\n  \
        countersign keys rotate --reason 'quarterly rotation'\n  \
        countersign keys rotate --emergency --reason 'the key leaked'\n\n\
        An orderly rotation publishes the successor first and loses no token. In an emergency every \
        other key is gone at once, and every token that it signed is refused.")]
    Rotate(Rotate),
    /// Make what a new server needs: the sealing key and an operator's token
    #[command(after_help = "Example:\n  \
        countersign keys init --operator anna --role security\n\n\
        What is there already is kept. The token stands in a file that only its owner may read; the \
        settings hold its SHA-256, which is printed.")]
    Init(Init),
}

/// How to change the signing key.
#[derive(Debug, Args)]
pub struct Rotate {
    #[command(flatten)]
    connection: Connection,
    /// Every other key is gone at once, and so are the tokens that it signed
    #[arg(long)]
    emergency: bool,
    /// Why; it is kept in the server's log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What to make.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder of the keys: the settings call it `keys.directory`
    #[arg(long, value_name = "DIR", default_value = "keys")]
    directory: PathBuf,
    /// The operator's name, for the audit log
    #[arg(long, value_name = "NAME", default_value = "operator", value_parser = name)]
    operator: String,
    /// The operator's role: commercial, risk, platform, security, `api_owner`, auditor
    #[arg(long, value_parser = role, default_value = "platform")]
    role: OperatorRole,
}

/// The name stands in the settings, in the log and in the name of a file.
fn name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(is_plain);
    if fits && !text.starts_with('.') {
        return Ok(text.to_owned());
    }
    Err("use letters, digits and `._@-`, and begin with none of the dots".to_owned())
}

fn role(name: &str) -> Result<OperatorRole, String> {
    let names = || OperatorRole::ALL.map(OperatorRole::name).join(", ");
    OperatorRole::parse(name).ok_or_else(|| format!("the roles are {}", names()))
}

impl KeysCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// Nobody answers, the server refuses, or a file cannot be written.
    pub fn run(self, output: Output) -> Result<(), CommandError> {
        match self {
            Self::List(connection) => {
                let session = Session { api: connection.open()?, output };
                wait_for(session.show_list("/signing-keys", COLUMNS))
            }
            Self::Rotate(rotate) => rotate.run(output),
            Self::Init(init) => init.run(output),
        }
    }
}

impl Rotate {
    fn run(self, output: Output) -> Result<(), CommandError> {
        let session = Session { api: self.connection.open()?, output };
        let body = json!({ "emergency": self.emergency, "reason": self.reason });
        wait_for(async {
            let keys = session.api.post("/signing-keys/rotate", &body).await?;
            print::list(output, &keys, COLUMNS)
        })
    }
}

impl Init {
    fn run(self, output: Output) -> Result<(), CommandError> {
        let folder = self.directory;
        private_file::make_folder(&folder)?;
        let sealing_key = folder.join(SEALING_KEY_FILE);
        let fresh = SealingKey::generate()
            .map_err(|error| CommandError::failed(format!("no sealing key can be made: {error}")))?
            .to_secret();
        private_file::read_or_make(&sealing_key, || fresh.reveal().to_owned())?;
        let token_file = folder.join(format!("{}.token", self.operator));
        let token =
            private_file::read_or_make(&token_file, || random::secret().reveal().to_owned())?;
        let stanza = stanza(&self.operator, self.role, &Secret::new(token.trim()));
        if output == Output::Table {
            print::note("add this to countersign.toml:\n");
            return print::line(stanza);
        }
        print::json(&json!({
            "sealing_key_file": sealing_key,
            "token_file": token_file,
            "settings": stanza,
        }))
    }
}

fn stanza(name: &str, role: OperatorRole, token: &Secret) -> String {
    format!(
        "[operator]\naccounts = [{{ name = \"{name}\", role = \"{}\", token_sha256 = \"{}\" }}]",
        role.name(),
        token.hash().as_str()
    )
}
