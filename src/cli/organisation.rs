//! `countersign org`: partners.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::error::CommandError;
use crate::cli::resource::Action;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Step;
use crate::cli::resource::Which;
use crate::cli::resource::body;
use crate::cli::resource::list_value;

const ORGANISATIONS: Resource = Resource {
    path: "/organisations",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("NAME", "/legal_name"),
        ("COUNTRY", "/jurisdiction"),
        ("ROLES", "/regulatory_roles"),
        ("RISK", "/risk_score"),
        ("DIRECTORY ID", "/directory_id"),
    ],
};

/// What to do with partners.
#[derive(Debug, Subcommand)]
pub enum OrganisationCommand {
    /// List partners
    List {
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one partner
    Show(Which),
    /// Record a partner; it begins as `proposed`, without access
    #[command(after_help = "Example:\n  countersign org create --framework directory \
        --directory-id 5ee7-1 --name 'Example Pay Ltd' --country GB --risk-score 20 \
        --role AISP --attestation iso27001_certificate=2026-05-01 --activate")]
    Create(NewOrganisation),
    /// Change facts about a partner
    #[command(after_help = "Example:\n  countersign org update org_… --risk-score 70")]
    Update(Changes),
    /// Begin vetting: proposed → verifying
    Verify(Step),
    /// Vetting succeeded: verifying → active
    Activate(Step),
    /// Vetting failed: the partner does not take part
    Reject(Step),
    /// Stop everything the partner does, reversibly, within a second
    #[command(
        after_help = "Example:\n  countersign org suspend org_… --reason 'stolen keys in use'"
    )]
    Suspend(Step),
    /// Undo a suspension; access is decided anew with today's facts
    Restore(Step),
    /// The partner leaves by itself; this cannot be undone
    Withdraw(Step),
    /// An authority expels the partner; this cannot be undone
    Revoke(Step),
    /// File away a partner that has left
    Archive(Step),
}

/// A partner to record.
#[derive(Debug, Args)]
pub struct NewOrganisation {
    /// The trust framework whose directory knows it
    #[arg(long, default_value = "directory")]
    framework: String,
    /// What that directory calls it
    #[arg(long, value_name = "ID")]
    directory_id: String,
    /// The registered name
    #[arg(long)]
    name: String,
    /// ISO 3166 code of the country it is supervised in
    #[arg(long, value_name = "CODE")]
    country: String,
    /// 0 (no risk) to 100
    #[arg(long, value_name = "0-100")]
    risk_score: i64,
    /// A role granted by a regulator; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A sanctions list names it
    #[arg(long)]
    sanctions_hit: bool,
    /// Its latest security attestation
    #[arg(long, value_name = "KIND=DATE", value_parser = attestation)]
    attestation: Option<Value>,
    /// Walk on at once to `active`: you vouch for the vetting
    #[arg(long)]
    activate: bool,
}

/// Facts that are different now.
#[derive(Debug, Args)]
pub struct Changes {
    /// The partner's identifier
    id: String,
    /// The registered name
    #[arg(long)]
    name: Option<String>,
    /// ISO 3166 code of the country it is supervised in
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    /// 0 (no risk) to 100
    #[arg(long, value_name = "0-100")]
    risk_score: Option<i64>,
    /// A role granted by a regulator; may be repeated, and replaces the roles there are
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Whether a sanctions list names it
    #[arg(long, value_name = "true|false")]
    sanctions_hit: Option<bool>,
    /// Its latest security attestation
    #[arg(long, value_name = "KIND=DATE", value_parser = attestation)]
    attestation: Option<Value>,
}

fn attestation(text: &str) -> Result<Value, String> {
    match text.split_once('=') {
        Some((kind, issued_at)) => Ok(json!({ "kind": kind, "issued_at": issued_at })),
        None => {
            Err("it is written as KIND=DATE, for example iso27001_certificate=2026-05-01".into())
        }
    }
}

impl Action for OrganisationCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::List { paging } => return ORGANISATIONS.list(session, &paging, &[]).await,
            Self::Show(which) => return ORGANISATIONS.show(session, &which).await,
            Self::Create(new) => return ORGANISATIONS.create(session, &new.body()).await,
            Self::Update(changes) => {
                return ORGANISATIONS.update(session, &changes.id, &changes.body()).await;
            }
            Self::Verify(step) => (step, "verifying"),
            Self::Activate(step) | Self::Restore(step) => (step, "active"),
            Self::Reject(step) => (step, "rejected"),
            Self::Suspend(step) => (step, "suspended"),
            Self::Withdraw(step) => (step, "withdrawn"),
            Self::Revoke(step) => (step, "revoked"),
            Self::Archive(step) => (step, "archived"),
        };
        ORGANISATIONS.step(session, &step, state).await
    }
}

impl NewOrganisation {
    fn body(&self) -> Value {
        body([
            ("framework", Some(self.framework.as_str().into())),
            ("directory_id", Some(self.directory_id.as_str().into())),
            ("legal_name", Some(self.name.as_str().into())),
            ("jurisdiction", Some(self.country.as_str().into())),
            ("risk_score", Some(self.risk_score.into())),
            ("regulatory_roles", list_value(&self.roles)),
            ("sanctions_hit", Some(self.sanctions_hit.into())),
            ("attestation", self.attestation.clone()),
            ("activate", Some(self.activate.into())),
        ])
    }
}

impl Changes {
    fn body(&self) -> Value {
        body([
            ("legal_name", self.name.clone().map(Value::from)),
            ("jurisdiction", self.country.clone().map(Value::from)),
            ("risk_score", self.risk_score.map(Value::from)),
            ("regulatory_roles", list_value(&self.roles)),
            ("sanctions_hit", self.sanctions_hit.map(Value::from)),
            ("attestation", self.attestation.clone()),
        ])
    }
}
