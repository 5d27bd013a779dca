//! `countersign client`, `credential` and `entitlement`: registrations, their keys and permissions.

use clap::Subcommand;

use crate::cli::error::CommandError;
use crate::cli::operator_api::segment;
use crate::cli::print;
use crate::cli::print::Column;
use crate::cli::print::Output;
use crate::cli::resource::Action;
use crate::cli::resource::NewSecret;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Step;
use crate::cli::resource::Which;

const CLIENTS: Resource = Resource {
    path: "/clients",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("ORGANISATION", "/organisation_id"),
        ("SOFTWARE", "/software_product_id"),
        ("SCOPE", "/metadata/scope"),
        ("SINCE", "/issued_at"),
    ],
};

const EXPIRING: Resource = Resource {
    path: "/clients/expiring",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("UNUSED SINCE", "/unused_since"),
        ("TOLD", "/notified_at"),
        ("ENDS", "/ends_at"),
    ],
};

const CREDENTIALS: Resource = Resource { path: "/credentials", columns: CREDENTIAL_COLUMNS };
const CREDENTIAL_COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("STATE", "/state"),
    ("USABLE", "/usable_now"),
    ("KID", "/key_id"),
    ("THUMBPRINT", "/thumbprint"),
    ("NOT AFTER", "/not_after"),
];

const ENTITLEMENTS: Resource = Resource { path: "/entitlements", columns: ENTITLEMENT_COLUMNS };
const ENTITLEMENT_COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("STATE", "/state"),
    ("SCOPE", "/scope"),
    ("PRODUCT", "/product_id"),
    ("EXPIRES", "/expires_at"),
    ("REVIEW", "/review_due"),
    ("BASIS", "/basis"),
];

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// List clients
    List {
        /// Only those of this organisation
        #[arg(long, value_name = "ID")]
        org: Option<String>,
        /// Only those of this software product
        #[arg(long, value_name = "ID")]
        software: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// List the clients that end soon because nobody uses them
    Expiring {
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one client
    Show(Which),
    /// Say, scope by scope, why a client has access now or has none
    Explain(Which),
    /// List a client's keys
    Credentials(Which),
    /// List a client's permissions
    Entitlements(Which),
    /// Give it a new secret, which is shown once
    RotateSecret(NewSecret),
    /// Under suspicion: public data and its own status only
    Quarantine(Step),
    /// Stop it, reversibly
    Suspend(Step),
    /// Put it into use (again); access is decided anew with today's facts
    Restore(Step),
    /// End it as its owner would; this cannot be undone
    Retire(Step),
    /// End it; this cannot be undone
    Revoke(Step),
}

impl Action for ClientCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::List { org, software, paging } => {
                let filters = [("organisation_id", org), ("software_product_id", software)];
                return CLIENTS.list(session, &paging, &filters).await;
            }
            Self::Expiring { paging } => return EXPIRING.list(session, &paging, &[]).await,
            Self::Show(which) => return CLIENTS.show(session, &which).await,
            Self::Explain(which) => return explain(session, &which).await,
            Self::Credentials(which) => {
                let path = format!("/clients/{}/credentials", segment(&which.id));
                return session.show_list(&path, CREDENTIAL_COLUMNS).await;
            }
            Self::Entitlements(which) => {
                let path = format!("/clients/{}/entitlements", segment(&which.id));
                return session.show_list(&path, ENTITLEMENT_COLUMNS).await;
            }
            Self::RotateSecret(new) => return CLIENTS.rotate_secret(session, &new).await,
            Self::Quarantine(step) => (step, "quarantined"),
            Self::Suspend(step) => (step, "suspended"),
            Self::Restore(step) => (step, "active"),
            Self::Retire(step) => (step, "retired"),
            Self::Revoke(step) => (step, "revoked"),
        };
        CLIENTS.step(session, &step, state).await
    }
}

async fn explain(session: &Session, which: &Which) -> Result<(), CommandError> {
    let path = format!("/clients/{}/standing", segment(&which.id));
    let explanation = session.api.get(&path, &[]).await?;
    if session.output == Output::Json {
        return print::json(&explanation);
    }
    let text = |value: &serde_json::Value, name: &str| {
        value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    print::line(format_args!(
        "{} in {} at {}",
        text(&explanation, "client_id"),
        text(&explanation, "environment"),
        text(&explanation, "at")
    ))?;
    let members = |value: &serde_json::Value, name: &str| {
        value.get(name).and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
    };
    for scope in members(&explanation, "scopes") {
        let lapses = members(&scope, "lapses");
        let verdict = if lapses.is_empty() { "in good standing" } else { "no access" };
        print::line(format_args!("{}: {verdict}", text(&scope, "scope")))?;
        for lapse in lapses {
            print::line(format_args!("  {}: {}", text(&lapse, "code"), text(&lapse, "message")))?;
        }
    }
    Ok(())
}

/// What to do with a client's key.
#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// Show one key
    Show(Which),
    /// Its successor is taking over: it works until it expires
    Retire(Step),
    /// Withdraw it; this cannot be undone
    Revoke(Step),
    /// Somebody else knows it; this cannot be undone
    Compromised(Step),
}

impl Action for CredentialCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::Show(which) => return CREDENTIALS.show(session, &which).await,
            Self::Retire(step) => (step, "retiring"),
            Self::Revoke(step) => (step, "revoked"),
            Self::Compromised(step) => (step, "compromised"),
        };
        CREDENTIALS.step(session, &step, state).await
    }
}

/// What to do with a client's permission.
#[derive(Debug, Subcommand)]
pub enum EntitlementCommand {
    /// Show one permission
    Show(Which),
    /// Its review is due
    Due(Step),
    /// A review has confirmed it
    Renew(Step),
    /// A review has taken it back; this cannot be undone
    Reduce(Step),
    /// Withdraw it; this cannot be undone
    Revoke(Step),
}

impl Action for EntitlementCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::Show(which) => return ENTITLEMENTS.show(session, &which).await,
            Self::Due(step) => (step, "due"),
            Self::Renew(step) => (step, "renewed"),
            Self::Reduce(step) => (step, "reduced"),
            Self::Revoke(step) => (step, "revoked"),
        };
        ENTITLEMENTS.step(session, &step, state).await
    }
}
