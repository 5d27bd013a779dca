//! The command line: which commands there are, and the help that teaches them.

use clap::{Parser, Subcommand};

use crate::cli::agreement::AgreementCommand;
use crate::cli::audit::AuditCommand;
use crate::cli::audit::DecisionCommand;
use crate::cli::client::ClientCommand;
use crate::cli::client::CredentialCommand;
use crate::cli::client::EntitlementCommand;
use crate::cli::config::ConfigArguments;
use crate::cli::demo::DemoOptions;
use crate::cli::directory::DirectoryCommand;
use crate::cli::doctor::Doctor;
use crate::cli::framework::FrameworkCommand;
use crate::cli::initial_access_token::InitialAccessTokenCommand;
use crate::cli::keys::KeysCommand;
use crate::cli::migrate::Migrate;
use crate::cli::operator_api::Connection;
use crate::cli::organisation::OrganisationCommand;
use crate::cli::partner::PartnerCommand;
use crate::cli::print::Output;
use crate::cli::product::ProductCommand;
use crate::cli::resource::Operator;
use crate::cli::resource_server::ResourceServerCommand;
use crate::cli::serve::Serve;
use crate::cli::software::SoftwareCommand;

const EXAMPLES: &str = "\
First steps:
  countersign demo                      see it work, with nothing prepared
  countersign doctor                    find out what is wrong and what to do
  countersign migrate && countersign serve

Beside a running server (a demo in this folder is found by itself):
  countersign org list
  countersign client explain cl_…       why this client has access, or none
  countersign org suspend org_… --reason 'stolen keys in use'
  countersign audit list --object org_…

Exit codes: 0 done, 1 refused or failed, 2 not understood, 3 the server cannot be reached.";

/// An authorization server that admits vetted partners' software by policy
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct CommandLine {
    /// How results are written; a table on a terminal, JSON in a pipe
    #[arg(long, short, value_enum, global = true, value_name = "FORM")]
    pub output: Option<Output>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See it work: one partner, from its statement to its last token
    Demo(DemoOptions),
    /// Sign as the demo's partner would: statement, registration, assertion, token
    Partner(PartnerCommand),
    /// A test directory, which issues software statements
    Directory(DirectoryCommand),
    /// Run the server
    Serve(Serve),
    /// Bring the database up to this program
    Migrate(Migrate),
    /// Signing keys, and the files that a new server needs
    Keys {
        /// What to do.
        #[command(subcommand)]
        action: KeysCommand,
    },
    /// Find out what is wrong, and what to do
    Doctor(Doctor),
    /// Read and check the settings
    Config(ConfigArguments),
    /// Trust frameworks: whose software statements are believed, and how
    Framework {
        /// What to do.
        #[command(subcommand)]
        action: FrameworkCommand,
    },
    /// Partners: vet, suspend, restore
    Org(Operator<OrganisationCommand>),
    /// Contracts with partners: products, environments, window
    Agreement(Operator<AgreementCommand>),
    /// API products: scopes sold together
    Product(Operator<ProductCommand>),
    /// Software products: what software statements speak of
    Software(Operator<SoftwareCommand>),
    /// Clients: registrations, and why they have access or none
    Client(Operator<ClientCommand>),
    /// Keys of clients
    Credential(Operator<CredentialCommand>),
    /// Permissions of clients
    Entitlement(Operator<EntitlementCommand>),
    /// Initial access tokens: the leave to register
    InitialAccessToken(Operator<InitialAccessTokenCommand>),
    /// Resource servers: who may introspect tokens
    ResourceServer(Operator<ResourceServerCommand>),
    /// The audit log: who did what, when and why
    Audit(Operator<AuditCommand>),
    /// Recorded decisions, with every reason
    Decision(Operator<DecisionCommand>),
    /// How the server is
    Status(Connection),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
