//! `countersign initial-access-token`: the bank's leave to register.

use clap::{Args, Subcommand};
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
use crate::cli::resource::body;

const INITIAL_ACCESS_TOKENS: Resource = Resource {
    path: "/initial-access-tokens",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("USABLE", "/usable_now"),
        ("ORGANISATION", "/organisation_id"),
        ("FRAMEWORK", "/framework"),
        ("USES", "/uses"),
        ("MOST", "/most_uses"),
        ("EXPIRES", "/expires_at"),
        ("PURPOSE", "/purpose"),
    ],
};

/// What to do with initial access tokens.
#[derive(Debug, Subcommand)]
pub enum InitialAccessTokenCommand {
    /// List initial access tokens
    List {
        /// Only those of this organisation
        #[arg(long, value_name = "ID")]
        org: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one initial access token, not its secret
    Show(Which),
    /// Issue an initial access token; it is shown once
    #[command(after_help = "Example:\n  countersign initial-access-token issue --org org_… \
        --purpose 'first rehearsal' --expires-at 2027-01-31T00:00:00Z --scope accounts:read")]
    Issue(NewToken),
    /// Withdraw it; clients that were registered with it stay
    Revoke(Step),
}

/// The token to issue.
#[derive(Debug, Args)]
pub struct NewToken {
    /// Whose software may register with it
    #[arg(long, value_name = "ID")]
    org: String,
    /// What it is for; it is kept in the audit log
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// When it ends, at most a year away (RFC 3339)
    #[arg(long, value_name = "TIME")]
    expires_at: String,
    /// The trust framework whose statements it goes with; any when absent
    #[arg(long, value_name = "NAME")]
    framework: Option<String>,
    /// A scope that clients registered with it may hold; may be repeated; no limit when absent
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How many clients may be registered with it
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    uses: u32,
}

impl Action for InitialAccessTokenCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        match self {
            Self::List { org, paging } => {
                INITIAL_ACCESS_TOKENS.list(session, &paging, &[("organisation_id", org)]).await
            }
            Self::Show(which) => INITIAL_ACCESS_TOKENS.show(session, &which).await,
            Self::Issue(new) => issue(session, new).await,
            Self::Revoke(step) => INITIAL_ACCESS_TOKENS.step(session, &step, "revoked").await,
        }
    }
}

async fn issue(session: &Session, new: NewToken) -> Result<(), CommandError> {
    let scope = (!new.scopes.is_empty()).then(|| json!(new.scopes.join(" ")));
    let body = body([
        ("organisation_id", Some(json!(new.org))),
        ("purpose", Some(json!(new.purpose))),
        ("expires_at", Some(json!(new.expires_at))),
        ("framework", new.framework.map(|name| json!(name))),
        ("scope", scope),
        ("most_uses", Some(json!(new.uses))),
    ]);
    INITIAL_ACCESS_TOKENS.create(session, &body).await?;
    if session.output == Output::Table {
        print::note("keep the token now: it is not shown again");
    }
    Ok(())
}
