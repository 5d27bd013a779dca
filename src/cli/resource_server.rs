//! `countersign resource-server`: who may introspect tokens.

use clap::Subcommand;
use serde_json::json;

use crate::cli::error::CommandError;
use crate::cli::print;
use crate::cli::print::Output;
use crate::cli::resource::Action;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Step;
use crate::cli::resource::Which;

const RESOURCE_SERVERS: Resource = Resource {
    path: "/resource-servers",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("NAME", "/name"),
        ("AUDIENCE", "/audience"),
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
    /// Record a resource server; its secret is shown once
    #[command(after_help = "Example:\n  countersign resource-server create --name accounts \
        --audience https://api.bank.example/accounts")]
    Create {
        /// What the bank calls it
        #[arg(long)]
        name: String,
        /// The audience of the tokens that it introspects: an absolute URI (RFC 8707)
        #[arg(long, value_name = "URI")]
        audience: String,
    },
    /// Stop answering it, reversibly
    Suspend(Step),
    /// Answer it again
    Restore(Step),
}

impl Action for ResourceServerCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::List { paging } => return RESOURCE_SERVERS.list(session, &paging, &[]).await,
            Self::Show(which) => return RESOURCE_SERVERS.show(session, &which).await,
            Self::Create { name, audience } => {
                let body = json!({ "name": name, "audience": audience });
                RESOURCE_SERVERS.create(session, &body).await?;
                if session.output == Output::Table {
                    print::note("keep the secret now: it is not shown again");
                }
                return Ok(());
            }
            Self::Suspend(step) => (step, "suspended"),
            Self::Restore(step) => (step, "active"),
        };
        RESOURCE_SERVERS.step(session, &step, state).await
    }
}
