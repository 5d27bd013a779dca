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
    /// List events, the latest first
    #[command(after_help = "Example:\n  countersign audit list --object org_… --since 2026-11-01")]
    List(Filter),
    /// Show one event
    Show(Which),
}

/// Which events.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only what was done to this record
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// The kind of that record, where its identifier does not tell it
    #[arg(long, value_name = "KIND", requires = "object")]
    kind: Option<String>,
    /// Not before this moment
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The earliest first
    #[arg(long)]
    oldest_first: bool,
    /// Which part of the list.
    #[command(flatten)]
    paging: Paging,
}

impl Action for AuditCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        match self {
            Self::Show(which) => EVENTS.show(session, &which).await,
            Self::List(Filter { object, kind, since, until, oldest_first, paging }) => {
                let filters = [
                    ("object_id", object),
                    ("object_kind", kind),
                    ("since", since),
                    ("until", until),
                    ("order", oldest_first.then(|| "oldest".to_owned())),
                ];
                EVENTS.list(session, &paging, &filters).await
            }
        }
    }
}

/// What to do with recorded decisions.
#[derive(Debug, Subcommand)]
pub enum DecisionCommand {
    /// List the decisions about one client or software product
    List {
        /// The client, or what the directory calls the software
        subject: String,
        /// The kind of the subject, where its identifier does not tell it
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
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
            Self::List { subject, kind, paging } => {
                let filters = [("subject_id", Some(subject)), ("subject_kind", kind)];
                DECISIONS.list(session, &paging, &filters).await
            }
        }
    }
}
