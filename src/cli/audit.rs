//! `countersign audit` and `decision`: what was done, by whom, and why.

use clap::{Args, Subcommand};

use crate::cli::error::CommandError;
use crate::cli::resource::Action;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Which;

const EVENTS: Resource = Resource {
    path: "/audit-events",
    columns: &[
        ("TIME", "/time"),
        ("ACTOR", "/actor/id"),
        ("ACTION", "/action"),
        ("OBJECT", "/object/id"),
        ("REASONS", "/reasons"),
        ("DETAIL", "/detail"),
    ],
};

const DECISIONS: Resource = Resource {
    path: "/decisions",
    columns: &[
        ("ID", "/id"),
        ("TIME", "/time"),
        ("SUBJECT", "/subject/id"),
        ("ITEMS", "/items/*/item"),
        ("OUTCOMES", "/items/*/outcome"),
    ],
};

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List events, in the order of time
    #[command(after_help = "Example:\n  countersign audit list --object org_… --since 2026-11-01")]
    List(Filter),
    /// Show one event
    Show(Which),
}

/// Which events.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only this action, for example `organisation.state_changed`
    #[arg(long)]
    action: Option<String>,
    /// Only what was done to this record
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// Only what this actor did
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Not before this moment
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Which part of the list.
    #[command(flatten)]
    paging: Paging,
}

impl Action for AuditCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        match self {
            Self::Show(which) => EVENTS.show(session, &which).await,
            Self::List(Filter { action, object, actor, since, until, paging }) => {
                let filters = [
                    ("action", action),
                    ("object_id", object),
                    ("actor_id", actor),
                    ("since", since),
                    ("until", until),
                ];
                EVENTS.list(session, &paging, &filters).await
            }
        }
    }
}

/// What to do with recorded decisions.
#[derive(Debug, Subcommand)]
pub enum DecisionCommand {
    /// List decisions, in the order of time
    List {
        /// Only those about this client or software
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one decision, with every reason
    Show(Which),
}

impl Action for DecisionCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        match self {
            Self::Show(which) => DECISIONS.show(session, &which).await,
            Self::List { subject, paging } => {
                DECISIONS.list(session, &paging, &[("subject_id", subject)]).await
            }
        }
    }
}
