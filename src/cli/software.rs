//! `countersign software`: what software statements speak of.

use clap::Subcommand;
use serde_json::json;

use crate::cli::error::CommandError;
use crate::cli::resource::Action;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Step;
use crate::cli::resource::Which;

const SOFTWARE: Resource = Resource {
    path: "/software",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("NAME", "/name"),
        ("ORGANISATION", "/organisation_id"),
        ("SOFTWARE ID", "/software_id"),
    ],
};

/// What to do with software products.
#[derive(Debug, Subcommand)]
pub enum SoftwareCommand {
    /// List software products
    List {
        /// Only those of this organisation
        #[arg(long, value_name = "ID")]
        org: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one software product
    Show(Which),
    /// Record a software product before it registers; it begins as `draft`
    Create {
        /// Whose it is
        #[arg(long, value_name = "ID")]
        org: String,
        /// What the directory calls it
        #[arg(long, value_name = "ID")]
        software_id: String,
        /// Its name, for people
        #[arg(long)]
        name: String,
        /// Walk on at once to `active`
        #[arg(long)]
        activate: bool,
    },
    /// Let it be used (again)
    Activate(Step),
    /// Stop it, reversibly
    Deactivate(Step),
    /// End it; this cannot be undone
    Remove(Step),
}

impl Action for SoftwareCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::List { org, paging } => {
                return SOFTWARE.list(session, &paging, &[("organisation_id", org)]).await;
            }
            Self::Show(which) => return SOFTWARE.show(session, &which).await,
            Self::Create { org, software_id, name, activate } => {
                let body = json!({
                    "organisation_id": org, "software_id": software_id,
                    "name": name, "activate": activate,
                });
                return SOFTWARE.create(session, &body).await;
            }
            Self::Activate(step) => (step, "active"),
            Self::Deactivate(step) => (step, "inactive"),
            Self::Remove(step) => (step, "removed"),
        };
        SOFTWARE.step(session, &step, state).await
    }
}
