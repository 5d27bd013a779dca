//! `countersign agreement`: contracts with partners.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::error::CommandError;
use crate::cli::resource::Action;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Step;
use crate::cli::resource::Which;
use crate::cli::resource::body;
use crate::cli::resource::list_value;

const AGREEMENTS: Resource = Resource {
    path: "/agreements",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("BINDS", "/binds_now"),
        ("ORGANISATION", "/organisation_id"),
        ("REFERENCE", "/reference"),
        ("FROM", "/valid_from"),
        ("UNTIL", "/valid_until"),
        ("ENVIRONMENTS", "/environments"),
    ],
};

/// What to do with agreements.
#[derive(Debug, Subcommand)]
pub enum AgreementCommand {
    /// List agreements
    List {
        /// Only those with this organisation
        #[arg(long, value_name = "ID")]
        org: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one agreement
    Show(Which),
    /// Record an agreement; it begins as `draft`, without access
    #[command(
        after_help = "Example:\n  countersign agreement create --org org_… --reference C-2026-7 \
        --product prd_… --environment production --from 2026-12-01 --until 2027-12-01 --activate"
    )]
    Create(NewAgreement),
    /// Change products, environments or the window
    #[command(after_help = "Example:\n  countersign agreement update agr_… --until 2028-12-01")]
    Update(Changes),
    /// Both parties have signed: draft → signed. This creates no access
    Sign(Step),
    /// Put it into force: signed → active, or take back a notice
    Activate(Step),
    /// Notice has been given: it still binds, new production registrations stop
    Notice(Step),
    /// It has run out; this cannot be undone
    Expire(Step),
    /// A party has ended it; this cannot be undone
    Terminate(Step),
}

/// An agreement to record.
#[derive(Debug, Args)]
pub struct NewAgreement {
    /// With whom
    #[arg(long, value_name = "ID")]
    org: String,
    /// The number on the paper
    #[arg(long)]
    reference: String,
    /// An API product that may be used; may be repeated
    #[arg(long = "product", value_name = "ID", required = true)]
    products: Vec<String>,
    /// Where they may be used: sandbox, production; may be repeated
    #[arg(long = "environment", value_name = "NAME", required = true)]
    environments: Vec<String>,
    /// The first moment: a date (midnight UTC) or an RFC 3339 date and time
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The first moment at which it holds no longer
    #[arg(long, value_name = "TIME")]
    until: String,
    /// Walk on at once to `active`: you vouch for the signatures
    #[arg(long)]
    activate: bool,
}

/// Terms that are different now.
#[derive(Debug, Args)]
pub struct Changes {
    /// The agreement's identifier
    id: String,
    /// An API product that may be used; may be repeated, and replaces those there are
    #[arg(long = "product", value_name = "ID")]
    products: Vec<String>,
    /// Where they may be used; may be repeated, and replaces those there are
    #[arg(long = "environment", value_name = "NAME")]
    environments: Vec<String>,
    /// The first moment
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The first moment at which it holds no longer
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Action for AgreementCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::List { org, paging } => {
                return AGREEMENTS.list(session, &paging, &[("organisation_id", org)]).await;
            }
            Self::Show(which) => return AGREEMENTS.show(session, &which).await,
            Self::Create(new) => return AGREEMENTS.create(session, &new.body()).await,
            Self::Update(changes) => {
                return AGREEMENTS.update(session, &changes.id, &changes.body()).await;
            }
            Self::Sign(step) => (step, "signed"),
            Self::Activate(step) => (step, "active"),
            Self::Notice(step) => (step, "in_notice"),
            Self::Expire(step) => (step, "expired"),
            Self::Terminate(step) => (step, "terminated"),
        };
        AGREEMENTS.step(session, &step, state).await
    }
}

impl NewAgreement {
    fn body(&self) -> Value {
        body([
            ("organisation_id", Some(self.org.as_str().into())),
            ("reference", Some(self.reference.as_str().into())),
            ("products", list_value(&self.products)),
            ("environments", list_value(&self.environments)),
            ("valid_from", Some(self.from.as_str().into())),
            ("valid_until", Some(self.until.as_str().into())),
            ("activate", Some(self.activate.into())),
        ])
    }
}

impl Changes {
    fn body(&self) -> Value {
        body([
            ("products", list_value(&self.products)),
            ("environments", list_value(&self.environments)),
            ("valid_from", self.from.clone().map(Value::from)),
            ("valid_until", self.until.clone().map(Value::from)),
        ])
    }
}
